/**
 * A disk of a few megabytes that a test can fill and empty: a tmpfs, for which the tests have to run as root on Linux.
 */
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

export interface SmallDisk extends Disposable {
  readonly folder: string
  /** Takes all space that is left. */
  fill(): void
  /** Gives it back. */
  makeRoom(): void
}

/** Null where this machine does not let us mount one. */
export function mountSmallDisk(megabytes: number): SmallDisk | null {
  const folder = mkdtempSync(path.join(tmpdir(), 'syncline-small-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    rmdirSync(folder)
    return null
  }
  const filler = path.join(folder, 'filler')
  return {
    folder,
    fill: () => fillFile(filler),
    makeRoom: () => rmSync(filler, { force: true }),
    [Symbol.dispose]() {
      execFileSync('umount', [folder])
      rmdirSync(folder)
    },
  }
}

/** In chunks down to one byte, so that nothing is left. */
function fillFile(file: string): void {
  const descriptor = openSync(file, 'a')
  try {
    for (let chunk = Buffer.alloc(1024 * 1024); chunk.length > 0; ) {
      try {
        writeSync(descriptor, chunk)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
        chunk = chunk.subarray(0, chunk.length >> 1)
      }
    }
  } finally {
    closeSync(descriptor)
  }
}
