import { closeSync, fsyncSync, openSync } from 'node:fs'

/** Flushes a folder's list of files: a new or renamed file is durable only after that. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
