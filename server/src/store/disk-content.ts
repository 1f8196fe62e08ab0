import type { DatabaseSync } from 'node:sqlite'
import { sliceChecksum } from './disk-checksum.ts'
import { transact } from './disk-transaction.ts'
import { type DamagedPart, LogDamage } from './update-log.ts'

/**
 * Contents: bytes of any length, written in slices before anything refers to them.
 *
 * One transaction must stay small, or everybody's appends wait for one large base. So what is large goes into the store
 * beforehand, slice by slice, and the transaction that makes it count only writes its number. Until then, and again
 * when nothing refers to it any more, a content stands in the table `loose`; what is loose and not being written is removed
 * by the chores, after a crash as well.
 */

/** The largest slice, and what one transaction writes of contents. */
export const sliceBytesMax = 256 * 1024

/** What a content costs besides its bytes: its row, and a slice's. Without it a transaction could hold any number of empty ones. */
const contentCostBytes = 256
const slicesAtOnce = 2
const sweptAtOnceMax = 64

/** A content that is not what was written. Who reads it knows what it was to be. */
export class DamagedContent extends Error {
  override name = 'DamagedContent'
}

/** Runs a read, and gives what it finds damaged the name by which an operator knows it. */
export function namingDamage<T>(document: string, part: DamagedPart, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof DamagedContent)) throw error
    throw new LogDamage(document, part, error.message, { cause: error })
  }
}

/** Some contents on their way into the store. Nothing refers to them yet. */
export interface WriteAhead {
  /** Writes up to one slice's worth in one transaction. True when everything is written. Throws with nothing advanced. */
  step(): boolean
  /** The numbers of the contents, in the order of the parts. Complete once `step` has returned true. */
  readonly contents: readonly number[]
  /** Ends the job, done or not: what is still loose may be swept from now on. */
  release(): void
}

export type Contents = ReturnType<typeof createContents>

export function createContents(database: DatabaseSync) {
  const insertLoose = database.prepare('INSERT INTO loose DEFAULT VALUES')
  const insertLooseAgain = database.prepare('INSERT INTO loose (content) VALUES (?)')
  const deleteLoose = database.prepare('DELETE FROM loose WHERE content = ?')
  const selectLoose = database.prepare('SELECT content FROM loose ORDER BY content')
  const insertSlice = database.prepare(
    'INSERT INTO slice (content, number, checksum, bytes) VALUES (?, ?, ?, ?)',
  )
  const selectSlices = database.prepare(
    'SELECT number, checksum, bytes FROM slice WHERE content = ? ORDER BY number',
  )
  const selectLengths = database.prepare(
    'SELECT number, length(bytes) AS bytes FROM slice WHERE content = ? ORDER BY number LIMIT ?',
  )
  const deleteSlice = database.prepare('DELETE FROM slice WHERE content = ? AND number = ?')
  /** Contents of jobs that are not released: loose, but not to be swept. */
  const beingWritten = new Set<number>()

  function writeAhead(parts: readonly Uint8Array[]): WriteAhead {
    const contents: number[] = []
    let offset = 0

    /** Writes until the transaction is full. Returns where it stopped; the job moves on only once that is committed. */
    function writeSlices(): { started: number[]; offset: number } {
      const started = contents.slice()
      let at = offset
      let budget = sliceBytesMax
      while (budget > 0) {
        const part = parts[started.length - 1]
        const rest = part === undefined ? 0 : part.length - at
        if (rest === 0) {
          if (started.length === parts.length) break
          started.push(Number(insertLoose.run().lastInsertRowid))
          at = 0
          budget -= contentCostBytes
        } else {
          // What fits into one slice is not torn into two.
          if (rest > budget && budget < sliceBytesMax - contentCostBytes) break
          const slice = part!.subarray(at, at + sliceBytesMax)
          // A slice is numbered by where it begins.
          const content = started.at(-1)!
          insertSlice.run(content, at, sliceChecksum(content, at, slice), slice)
          at += slice.length
          budget -= slice.length
        }
      }
      return { started, offset: at }
    }

    return {
      contents,
      step() {
        const written = transact(database, writeSlices)
        for (const content of written.started.slice(contents.length)) {
          contents.push(content)
          beingWritten.add(content)
        }
        offset = written.offset
        return contents.length === parts.length && offset >= (parts.at(-1)?.length ?? 0)
      },
      release() {
        for (const content of contents) beingWritten.delete(content)
      },
    }
  }

  return {
    writeAhead,
    /** Inside a transaction: something refers to the content from now on. */
    refer(content: number): void {
      deleteLoose.run(content)
    },
    /** Inside a transaction: nothing refers to the content any more. */
    letGo(content: number): void {
      insertLooseAgain.run(content)
    },
    /** Throws `DamagedContent` where a slice is missing or changed. An empty content has no slice, so nobody misses it. */
    read(content: number): Uint8Array {
      const slices: Uint8Array[] = []
      let end = 0
      for (const row of selectSlices.all(content)) {
        const { number, checksum, bytes } = row as { number: number; checksum: number; bytes: Uint8Array }
        if (number !== end) throw new DamagedContent(`lacks a slice at byte ${end}`)
        if (sliceChecksum(content, number, bytes) !== checksum)
          throw new DamagedContent(
            `is not what was written: the checksum of its slice at byte ${end} differs`,
          )
        slices.push(bytes)
        end += bytes.length
      }
      return slices.length === 1 ? slices[0]! : new Uint8Array(Buffer.concat(slices))
    },
    /** The first slice, which is enough to see whose entry it is. */
    readBeginning(content: number): Uint8Array {
      return (selectSlices.get(content)?.bytes as Uint8Array | undefined) ?? new Uint8Array()
    },
    /** Inside a transaction: removes up to a slice's worth of what is loose. False when there is nothing to remove. */
    sweep(): boolean {
      let budget = sliceBytesMax
      for (const content of sweepable()) {
        const slices = selectLengths.all(content, slicesAtOnce) as { number: number; bytes: number }[]
        for (const slice of slices) {
          deleteSlice.run(content, slice.number)
          budget -= slice.bytes
        }
        if (slices.length < slicesAtOnce) deleteLoose.run(content)
        budget -= contentCostBytes
        if (budget <= 0) break
      }
      return budget < sliceBytesMax
    },
  }

  function sweepable(): number[] {
    const found: number[] = []
    for (const { content } of selectLoose.iterate() as Iterable<{ content: number }>) {
      if (!beingWritten.has(content)) found.push(content)
      if (found.length === sweptAtOnceMax) break
    }
    return found
  }
}
