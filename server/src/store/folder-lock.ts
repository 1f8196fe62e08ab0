import { accessSync, constants, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StoreOpenError } from './store-open-error.ts'
import { syncFolder } from './sync-folder.ts'

/**
 * One server per data folder: a lock that is held for life and vanishes with its process, however that ends.
 *
 * The lock is an exclusive SQLite transaction, never committed, on the otherwise empty file `lock`. That is a lock of the
 * operating system on an open file: `kill -9` frees it, nothing stale is left that somebody would have to judge, and it
 * holds between containers that share a volume. The others do not: a file with a process id says nothing in a
 * container, where every server is process 1; a Unix socket outlives its process as a file, and two that find it dead race
 * to replace it. Neither this lock nor SQLite is safe on a network file system that does not lock.
 *
 * Who holds it stands beside it, in `lock-holder`, for people. It must be another file: on POSIX, when a process closes
 * any descriptor of a file it loses all its locks on that file, so reading the name out of `lock` would unlock it.
 */
export interface FolderLock {
  release(): void
}

/**
 * Makes the folder if there is none, and takes its lock. Throws a `StoreOpenError`: DATA_FOLDER_IN_USE with the holder,
 * or DATA_FOLDER_UNUSABLE.
 */
export function lockFolder(folder: string, holder: { instance: string; nowMs: number }): FolderLock {
  prepareFolder(folder)
  const lock = takeLock(folder)
  const holderFile = join(folder, 'lock-holder')
  try {
    const since = new Date(holder.nowMs).toISOString()
    writeFileSync(
      holderFile,
      `process ${process.pid} on host ${hostname()} (instance ${holder.instance}), since ${since}\n`,
    )
  } catch {
    // A full disk must not keep a server from opening what it has; but the name of a former holder would mislead.
    rmSync(holderFile, { force: true })
  }
  return {
    release() {
      if (!lock.isOpen) return
      rmSync(holderFile, { force: true })
      lock.close()
    },
  }
}

function prepareFolder(folder: string): void {
  try {
    // Documents are private: nobody but the server's user needs to look into a folder that the server made.
    if (mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined) syncFolder(dirname(folder))
    if (!statSync(folder).isDirectory()) throw new Error('it is not a folder')
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (cause) {
    throw unusable(folder, cause)
  }
}

function takeLock(folder: string): DatabaseSync {
  let lock: DatabaseSync | undefined
  try {
    lock = new DatabaseSync(join(folder, 'lock'), { timeout: 0 })
    // In memory, since nothing is ever written: a journal file would be left behind by kill -9.
    lock.exec('PRAGMA journal_mode = MEMORY')
    lock.exec('BEGIN EXCLUSIVE')
    return lock
  } catch (cause) {
    lock?.close()
    const sqliteBusy = 5
    if ((cause as { errcode?: number }).errcode !== sqliteBusy) throw unusable(folder, cause)
    throw new StoreOpenError(
      'DATA_FOLDER_IN_USE',
      `The data folder ${folder} is in use by ${readHolder(folder)}. One folder takes one server: ` +
        'stop that one, or start this one with a folder of its own (--data or SYNCLINE_DATA).',
      { cause },
    )
  }
}

function readHolder(folder: string): string {
  const unknown = 'another process'
  try {
    return readFileSync(join(folder, 'lock-holder'), 'utf8').trim() || unknown
  } catch {
    return unknown
  }
}

/** The error for a folder, or a file in it, that the operating system does not let us use. */
export function unusable(path: string, cause: unknown): StoreOpenError {
  return new StoreOpenError(
    'DATA_FOLDER_UNUSABLE',
    `The data folder cannot be used: expected ${path} to be readable and writable by user ${userInfo().username}, ` +
      `got: ${cause instanceof Error ? cause.message : String(cause)}. ` +
      'Whoever runs the server must give it such a folder (--data or SYNCLINE_DATA).',
    { cause },
  )
}
