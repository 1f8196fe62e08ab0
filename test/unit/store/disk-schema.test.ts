import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openStoreFile } from '@syncline/server/internal/store/disk-schema'
import { StoreOpenError } from '@syncline/server/internal/store/store-open-error'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'syncline-schema-'))
  file = join(folder, 'syncline.sqlite')
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

const number = (database: DatabaseSync, sql: string) => Object.values(database.prepare(sql).get()!)[0]

function openError(): StoreOpenError {
  try {
    openStoreFile(file).close()
  } catch (error) {
    expect(error).toBeInstanceOf(StoreOpenError)
    return error as StoreOpenError
  }
  throw new Error('expected an error')
}

/** Changes a file behind the store's back. */
function tamper(sql: string): void {
  const database = new DatabaseSync(file)
  database.exec(sql)
  database.close()
}

describe('store file', () => {
  test('[LOG-1] a store is written with a write-ahead log that is flushed at every commit', () => {
    const database = openStoreFile(file)
    expect(number(database, 'PRAGMA journal_mode')).toBe('wal')
    expect(number(database, 'PRAGMA synchronous')).toBe(2)
    expect(number(database, 'PRAGMA application_id')).toBe(0x53594e43)
    expect(number(database, 'PRAGMA user_version')).toBe(1)
    database.close()
  })

  test('what a killed server leaves of a file that it had just begun is a new store', () => {
    tamper('PRAGMA journal_mode = WAL')
    openStoreFile(file).close()
    openStoreFile(file).close()
  })

  test('a newer format is refused, with both formats and who must act', () => {
    openStoreFile(file).close()
    tamper('PRAGMA user_version = 7')
    const error = openError()
    expect(error.code).toBe('STORE_FORMAT_NEWER')
    expect(error.message).toContain(`${file} has format 7, this server knows formats up to 1`)
    expect(error.message).toContain('Whoever runs the server must')
    tamper('PRAGMA user_version = 1')
    openStoreFile(file).close()
  })

  test.each([
    ['another SQLite file', () => tamper('CREATE TABLE notes (text)')],
    ['a SQLite file of another application', () => tamper('PRAGMA application_id = 5')],
    ['a file that is no database', () => writeFileSync(file, 'x'.repeat(5_000))],
  ])('%s is refused and left alone', (_, make) => {
    make()
    const error = openError()
    expect(error.code).toBe('STORE_FORMAT_FOREIGN')
    expect(error.message).toContain(`Expected ${file} to be a Syncline store`)
    expect(existsSync(`${file}-wal`)).toBe(false)
  })

  test('a folder in the place of the file is an error of the data folder', () => {
    file = folder
    expect(openError().code).toBe('DATA_FOLDER_UNUSABLE')
  })

  test('an older format is brought up to date, after it was copied', () => {
    const first = openStoreFile(file)
    first.exec("INSERT INTO document (checksum, name, epoch) VALUES (7, x'61', x'0000000000000000')")
    first.close()
    const migrated = openStoreFile(file, [
      database => database.exec('ALTER TABLE document ADD COLUMN later TEXT'),
    ])
    expect(number(migrated, 'PRAGMA user_version')).toBe(2)
    expect(number(migrated, 'SELECT count(later IS NULL) FROM document')).toBe(1)
    migrated.close()
    expect(openError().code).toBe('STORE_FORMAT_NEWER')

    file = `${file}.format-1.backup`
    const copy = openStoreFile(file)
    expect(number(copy, 'SELECT count(*) FROM document')).toBe(1)
    copy.close()
  })

  test('a migration that fails leaves the store as it was', () => {
    openStoreFile(file).close()
    const fail = (database: DatabaseSync) => {
      database.exec('DROP TABLE entry')
      throw new Error('planted')
    }
    expect(() => openStoreFile(file, [fail])).toThrow('planted')
    const database = openStoreFile(file)
    expect(number(database, 'SELECT count(*) FROM entry')).toBe(0)
    database.close()
  })
})
