import { existsSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { passingTrouble, transact } from './disk-transaction.ts'
import { unusable } from './folder-lock.ts'
import { StoreOpenError } from './store-open-error.ts'
import { syncFolder } from './sync-folder.ts'

/**
 * The store file: its tables, its format number, and how it is opened. What is done with the tables is written elsewhere.
 *
 * Format 1. Names and links are BLOBs, so that every byte of them counts. The end of a document's log is its last entry,
 * or its base where the tail is trimmed away: it stands nowhere else, so nothing can disagree with it.
 */
const schema = `
  CREATE TABLE document (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice: chores of a deleted document must not hit another
    name BLOB NOT NULL UNIQUE,
    epoch BLOB NOT NULL,
    checksum INTEGER NOT NULL,            -- what each of them covers: disk-checksum.ts
    generation INTEGER                    -- of the current base
  ) STRICT;

  -- Epochs that a document had before it was replaced, oldest first.
  CREATE TABLE former_epoch (
    document INTEGER NOT NULL,
    number INTEGER NOT NULL,
    epoch BLOB NOT NULL,
    lacks INTEGER NOT NULL,               -- a content: former-epoch.ts
    checksum INTEGER NOT NULL,
    PRIMARY KEY (document, number)
  ) STRICT, WITHOUT ROWID;

  -- One of body and content: what is small stands here, what is large was written beforehand.
  CREATE TABLE entry (
    document INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    link BLOB NOT NULL,
    previous_link BLOB NOT NULL,
    nonce BLOB NOT NULL,
    checksum INTEGER NOT NULL,
    body BLOB,
    content INTEGER,
    PRIMARY KEY (document, seq),
    CHECK ((body IS NULL) <> (content IS NULL))
  ) STRICT, WITHOUT ROWID;

  -- The newest entries of all documents, in the order in which they came. Which of them still count: disk-recent.ts
  CREATE TABLE recent (
    id INTEGER PRIMARY KEY,
    document INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    link BLOB NOT NULL,
    previous_link BLOB NOT NULL,
    nonce BLOB NOT NULL,
    checksum INTEGER NOT NULL,
    body BLOB NOT NULL
  ) STRICT;

  CREATE TABLE base (
    generation INTEGER PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL,
    through INTEGER NOT NULL,
    link BLOB NOT NULL,
    nonce BLOB NOT NULL,
    pieces INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    byte_vector INTEGER NOT NULL,         -- these three are contents
    document_vector INTEGER NOT NULL,
    catch_up INTEGER NOT NULL,
    checksum INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE piece (
    generation INTEGER NOT NULL,
    number INTEGER NOT NULL,
    content INTEGER NOT NULL,
    PRIMARY KEY (generation, number)
  ) STRICT, WITHOUT ROWID;

  -- A content is some bytes of any length, in slices.
  CREATE TABLE slice (
    content INTEGER NOT NULL,
    number INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (content, number)
  ) STRICT, WITHOUT ROWID;

  -- Contents that nothing refers to: not yet, or no more.
  CREATE TABLE loose (content INTEGER PRIMARY KEY AUTOINCREMENT) STRICT;

  -- What is left to do after a change that was too large for one transaction.
  CREATE TABLE chore (
    id INTEGER PRIMARY KEY,
    document INTEGER,   -- trim: the entries of this document up to through
    through INTEGER,
    generation INTEGER, -- or drop: this base and its pieces
    CHECK ((document IS NULL) = (through IS NULL) AND (document IS NULL) <> (generation IS NULL))
  ) STRICT;
`

/** "SYNC": tells a store from other SQLite files. */
const applicationId = 0x53594e43

/** A change of the tables from one format to the next, inside a transaction. */
export type Migration = (database: DatabaseSync) => void

/** `migrations[i]` leads from format i + 1 to the one after it, so the newest format is their number plus one. */
const formatMigrations: readonly Migration[] = []

const journalSizeMaxBytes = 16 * 1024 * 1024
const cacheKiB = 16 * 1024
/** How long a lock of another program (an operator's `sqlite3`) is waited for before it counts as trouble. */
const lockWaitMs = 100

/**
 * Opens the store file, makes it if there is none, and brings an older format up to date after a copy of the file was
 * written beside it. Throws a `StoreOpenError`. Removing what a crash has left is `disk-chores.ts`'s.
 */
export function openStoreFile(
  file: string,
  migrations: readonly Migration[] = formatMigrations,
): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { timeout: lockWaitMs })
    const format = readFormat(database, file, migrations.length + 1)
    database.exec('PRAGMA journal_mode = WAL')
    database.exec('PRAGMA synchronous = FULL')
    database.exec(`PRAGMA journal_size_limit = ${journalSizeMaxBytes}`)
    database.exec(`PRAGMA cache_size = -${cacheKiB}`)
    if (format === 'new') createTables(database, migrations)
    else migrate(database, file, format, migrations)
    return database
  } catch (error) {
    database?.close()
    if (error instanceof StoreOpenError) throw error
    const notADatabase = 26
    if ((error as { errcode?: number }).errcode === notADatabase) throw foreign(file, error)
    if (passingTrouble(error) !== null) throw unusable(file, error)
    throw error
  }
}

function readFormat(database: DatabaseSync, file: string, newest: number): number | 'new' {
  const id = readNumber(database, 'PRAGMA application_id')
  const format = readNumber(database, 'PRAGMA user_version')
  const tables = readNumber(database, 'SELECT count(*) FROM sqlite_schema')
  // A server that was killed while it made the file leaves it without tables: they come in one transaction.
  if (id === 0 && format === 0 && tables === 0) return 'new'
  if (id !== applicationId || format < 1) throw foreign(file)
  if (format > newest)
    throw new StoreOpenError(
      'STORE_FORMAT_NEWER',
      `The store ${file} has format ${format}, this server knows formats up to ${newest}. ` +
        'Whoever runs the server must start the newer Syncline that wrote it, or restore a backup of the older format.',
    )
  return format
}

function foreign(file: string, cause?: unknown): StoreOpenError {
  return new StoreOpenError(
    'STORE_FORMAT_FOREIGN',
    `Expected ${file} to be a Syncline store, found another kind of file. ` +
      'Whoever runs the server must choose another data folder (--data or SYNCLINE_DATA) or move that file away.',
    { cause },
  )
}

function createTables(database: DatabaseSync, migrations: readonly Migration[]): void {
  transact(database, () => {
    database.exec(schema)
    database.exec(`PRAGMA application_id = ${applicationId}`)
    database.exec('PRAGMA user_version = 1')
    runMigrations(database, 1, migrations)
  })
}

function migrate(
  database: DatabaseSync,
  file: string,
  format: number,
  migrations: readonly Migration[],
): void {
  if (format === migrations.length + 1) return
  copyBeside(database, `${file}.format-${format}.backup`)
  transact(database, () => runMigrations(database, format, migrations))
}

function runMigrations(database: DatabaseSync, format: number, migrations: readonly Migration[]): void {
  for (const change of migrations.slice(format - 1)) change(database)
  database.exec(`PRAGMA user_version = ${migrations.length + 1}`)
}

/** A copy that exists is of the same old format, made before a migration that was then cut off: it stays. */
function copyBeside(database: DatabaseSync, copy: string): void {
  if (existsSync(copy)) return
  const partial = `${copy}.partial`
  rmSync(partial, { force: true })
  database.prepare('VACUUM INTO ?').run(partial)
  renameSync(partial, copy)
  syncFolder(dirname(copy))
}

function readNumber(database: DatabaseSync, sql: string): number {
  return Object.values(database.prepare(sql).get()!)[0] as number
}
