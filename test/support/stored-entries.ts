/**
 * What is in a store, read past the server: for tests that count what was written. SQLite lets others read while it writes.
 */
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { decodeEntry } from '@syncline/server/internal/store/entry'

export interface StoredEntry {
  readonly document: string
  readonly seq: number
  readonly nonce: string
  readonly update: Uint8Array
}

/** The seq of the last entry of each document: it grows with everything that is appended. */
export function readLastSeqs(dataFolder: string): Record<string, number> {
  return read(dataFolder, database => {
    const rows = database
      .prepare(
        `SELECT name, max(coalesce(through, 0),
           coalesce((SELECT max(seq) FROM entry WHERE entry.document = document.id), 0),
           coalesce((SELECT max(seq) FROM recent WHERE recent.document = document.id), 0)) AS seq
         FROM document LEFT JOIN base ON base.generation = document.generation`,
      )
      .all()
    return Object.fromEntries(rows.map(({ name, seq }) => [textOf(name), seq as number]))
  })
}

/** Entries that no base has taken up yet, in order. Only entries that stand in one row: up to some 100 KB. */
export function readStoredEntries(dataFolder: string): StoredEntry[] {
  return read(dataFolder, database => {
    const rows = database
      .prepare(
        // What is filed stands in both tables for a while.
        `SELECT name, seq, hex(entries.link) AS link, hex(previous_link) AS previous, hex(entries.nonce) AS nonce, body
         FROM (SELECT document, seq, link, previous_link, nonce, body FROM entry
               UNION SELECT document, seq, link, previous_link, nonce, body FROM recent) AS entries
         JOIN document ON document.id = entries.document
         LEFT JOIN base ON base.generation = document.generation
         WHERE seq > coalesce(through, 0) ORDER BY document.id, seq`,
      )
      .all()
    return rows.map(row => {
      if (row.body === null) throw new Error(`entry ${row.seq} does not stand in its row`)
      const entry = decodeEntry(
        row.body as Uint8Array,
        row.seq as number,
        (row.link as string).toLowerCase(),
        (row.previous as string).toLowerCase(),
      )
      return { document: textOf(row.name), seq: entry.seq, nonce: entry.nonce, update: entry.update }
    })
  })
}

function read<T>(dataFolder: string, ask: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(path.join(dataFolder, 'syncline.sqlite'), { readOnly: true })
  try {
    return ask(database)
  } finally {
    database.close()
  }
}

const textOf = (column: unknown) => Buffer.from(column as Uint8Array).toString()
