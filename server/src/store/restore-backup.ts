import {
  chmodSync,
  closeSync,
  copyFileSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import type { Clock } from '../foundation/clock.ts'
import { storeFileName } from './disk-log.ts'
import { openStoreFile } from './disk-schema.ts'
import { lockFolder } from './folder-lock.ts'
import { StoreOpenError } from './store-open-error.ts'
import { syncFolder } from './sync-folder.ts'

/**
 * Makes a store of a backup, in an empty folder.
 *
 * Epochs stay: after a lost disk, what clients hold that is newer than the backup is to come back. The store is in place
 * from one moment to the next, so a restore that was killed can be made again.
 */

/** What is in a folder before it holds a store: a lock, and what a restore that was killed has left. */
const partialName = `${storeFileName}.restoring`
const ofNoStore: readonly string[] = [
  'lock',
  'lock-holder',
  partialName,
  `${partialName}-wal`,
  `${partialName}-shm`,
]

export type Restored =
  | { readonly ok: true }
  /** Nothing was changed: this is in the folder already. */
  | { readonly ok: false; readonly found: string }

/** Throws a `StoreOpenError` where the folder or the backup cannot be used, and what the system says of the file. */
export function restoreBackup(options: {
  readonly file: string
  readonly folder: string
  readonly clock: Clock
}): Restored {
  const folder = resolve(options.folder)
  // Before the lock as well: a folder that belongs to something else is not to get one.
  const found = foundIn(folder)
  if (found !== null) return { ok: false, found }
  const lock = lockFolder(folder, { instance: 'restore', nowMs: options.clock.now() })
  try {
    const foundSince = foundIn(folder)
    if (foundSince !== null) return { ok: false, found: foundSince }
    const partial = join(folder, partialName)
    try {
      copyStore(resolve(options.file), partial)
      renameSync(partial, join(folder, storeFileName))
    } finally {
      for (const ending of ['', '-wal', '-shm']) rmSync(`${partial}${ending}`, { force: true })
    }
    syncFolder(folder)
    return { ok: true }
  } finally {
    lock.release()
  }
}

function foundIn(folder: string): string | null {
  try {
    return readdirSync(folder).find(name => !ofNoStore.includes(name)) ?? null
  } catch {
    // There is none yet, or it cannot be used: the lock, which comes next, makes it or says so in its own words.
    return null
  }
}

/** Opens the copy once: it is flushed, of a known format, and brought up to date if that is an older one. */
function copyStore(file: string, copy: string): void {
  copyFileSync(file, copy)
  chmodSync(copy, 0o600)
  try {
    openStoreFile(copy).close()
  } catch (error) {
    if (!(error instanceof StoreOpenError)) throw error
    throw new StoreOpenError(error.code, error.message.replaceAll(copy, file), { cause: error })
  }
  const descriptor = openSync(copy, 'r+')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
