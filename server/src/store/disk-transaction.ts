import type { DatabaseSync } from 'node:sqlite'

/**
 * One transaction of the store file, and what kind of failure a failed one is.
 */

/**
 * Runs `work` in one transaction: when this returns, what it wrote has been flushed (`synchronous = FULL`); when it throws, nothing
 * of it was written.
 */
export function transact<T>(database: DatabaseSync, work: () => T): T {
  try {
    database.exec('BEGIN IMMEDIATE')
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    // After a full disk or an I/O error SQLite may have rolled back by itself, also at COMMIT.
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

/** SQLite's primary result codes for trouble that may pass without anybody changing what was asked. */
const passingCodes: ReadonlyMap<number, string> = new Map([
  [5, 'the store file is locked by another program'],
  [6, 'the store file is locked'],
  [7, 'out of memory'],
  [8, 'the data folder is read-only'],
  [10, 'the disk failed'],
  [13, 'the disk is full'],
  [14, 'the store file cannot be opened'],
  [15, 'the store file is locked by another program'],
])

/**
 * One sentence for an operator if the error is trouble that may pass, otherwise null: then the same request would fail the
 * same way for ever.
 */
export function passingTrouble(error: unknown): string | null {
  const { errcode } = error as { errcode?: number }
  if (errcode === undefined) return null
  const primaryCode = errcode & 0xff
  const what = passingCodes.get(primaryCode)
  return what === undefined ? null : `${what} (SQLite ${errcode}: ${(error as Error).message})`
}
