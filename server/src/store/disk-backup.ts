import { chmodSync, existsSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { backup, type DatabaseSync } from 'node:sqlite'
import { syncFolder } from './sync-folder.ts'
import { LogRefusal, type Progress } from './update-log.ts'

/**
 * Copies the whole store into one file while it is written to.
 *
 * On the connection that writes, because SQLite carries what that one changes into the copy and would start over at each
 * change by another. In steps, between which ticks are committed.
 */
const pagesPerStep = 64

export interface BackupOptions {
  /**
   * Called once after the first step, or when there was none. No transaction may be open before that: Node, which tries
   * later steps again when they fall into one, takes it at the first for the end.
   */
  readonly onStarted: () => void
  readonly onProgress: (progress: Progress) => void
}

export async function backupStore(
  database: DatabaseSync,
  file: string,
  options: BackupOptions,
): Promise<void> {
  if (existsSync(file)) throw new LogRefusal(`expected ${file} not to exist yet: a backup overwrites nothing`)
  // A copy that was cut off must not be taken for a backup.
  const partial = `${file}.partial`
  rmSync(partial, { force: true })
  try {
    await copyTo(partial, database, options)
    // It holds everybody's documents, whatever the umask says.
    chmodSync(partial, 0o600)
    renameSync(partial, file)
    syncFolder(dirname(file))
  } catch (error) {
    rmSync(partial, { force: true })
    throw error
  }
}

async function copyTo(
  partial: string,
  database: DatabaseSync,
  { onStarted, onProgress }: BackupOptions,
): Promise<void> {
  let started = false
  const start = () => {
    if (!started) onStarted()
    started = true
  }
  try {
    await backup(database, partial, {
      rate: pagesPerStep,
      progress({ totalPages, remainingPages }) {
        start()
        onProgress({ done: totalPages - remainingPages, total: totalPages })
      },
    })
  } finally {
    start()
  }
}
