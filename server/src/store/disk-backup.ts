import { chmodSync, existsSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { backup, type DatabaseSync } from 'node:sqlite'
import { passingTrouble } from './disk-transaction.ts'
import { syncFolder } from './sync-folder.ts'
import { LogRefusal, type Progress } from './update-log.ts'

/**
 * Copies the whole store into one file while it is written to.
 *
 * On the connection that writes, because SQLite carries what that one changes into the copy and would start over at each
 * change by another. In steps, between which ticks are committed.
 */
const pagesPerStep = 64
const startsMax = 100

export async function backupStore(
  database: DatabaseSync,
  file: string,
  onProgress: (progress: Progress) => void,
): Promise<void> {
  if (existsSync(file)) throw new LogRefusal(`expected ${file} not to exist yet: a backup overwrites nothing`)
  // A copy that was cut off must not be taken for a backup.
  const partial = `${file}.partial`
  rmSync(partial, { force: true })
  try {
    await copyTo(partial, database, onProgress)
    // It holds everybody's documents, whatever the umask says.
    chmodSync(partial, 0o600)
    renameSync(partial, file)
    syncFolder(dirname(file))
  } catch (error) {
    rmSync(partial, { force: true })
    throw error
  }
}

/** The first step may fall into a tick's transaction, which Node, unlike at the later ones, takes for the end. */
async function copyTo(
  partial: string,
  database: DatabaseSync,
  onProgress: (progress: Progress) => void,
): Promise<void> {
  for (let start = 1; ; start++) {
    try {
      await backup(database, partial, {
        rate: pagesPerStep,
        progress: ({ totalPages, remainingPages }) =>
          onProgress({ done: totalPages - remainingPages, total: totalPages }),
      })
      return
    } catch (error) {
      if (passingTrouble(error) === null || start === startsMax) throw error
    }
  }
}
