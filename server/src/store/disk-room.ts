import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'

/**
 * Keeps what is large from taking the last room of the disk.
 *
 * Removing something from a SQLite file needs room too, for the write-ahead log. So a base that filled the disk and then
 * was given up could not even be removed, and everybody's appends would wait for an operator. What is written beforehand
 * therefore stops earlier, and small appends and chores live on what is left.
 */
const reserveBytes = 2 * 1024 * 1024
/** Below this the write-ahead log is emptied after each step, so that it does not hold room that the file itself needs. */
const lowBytes = 32 * 1024 * 1024

const emptyLog = 'PRAGMA wal_checkpoint(PASSIVE)'

export interface Room {
  /** Throws, as SQLite does when the disk is full, if there is no room for so many bytes beside the reserve. */
  demand(bytes: number): void
  /** To be called after each step of what is large. */
  settle(): void
  /** To be called before something is tried again: empties the write-ahead log, so that it can be written from its beginning. */
  relieve(): void
}

export function createRoom(database: DatabaseSync, file: string): Room {
  const selectFreePages = database.prepare('PRAGMA freelist_count')
  const selectPageSize = database.prepare('PRAGMA page_size')
  const folder = dirname(file)

  function freeOnDisk(): number {
    const { bavail, bsize } = statfsSync(folder)
    return bavail * bsize
  }

  /** Pages that the file no longer uses are written again before it grows. */
  function freeInFile(): number {
    return (selectFreePages.get()!.freelist_count as number) * (selectPageSize.get()!.page_size as number)
  }

  return {
    demand(bytes) {
      if (freeOnDisk() + freeInFile() >= bytes + reserveBytes) return
      const sqliteFull = 13
      throw Object.assign(new Error(`no room for ${bytes} bytes beside ${reserveBytes} in reserve`), {
        errcode: sqliteFull,
      })
    },
    settle() {
      if (freeOnDisk() < lowBytes) database.exec(emptyLog)
    },
    relieve() {
      try {
        database.exec(emptyLog)
      } catch {
        // The file itself would have to grow for that. What is tried again will say whether there is room now.
      }
    },
  }
}
