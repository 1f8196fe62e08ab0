/**
 * Reads a document from the log as a room needs it: what is known (vector, ranges behind gaps, delete set), and the windows
 * after the base. The base's content stays in the store; its vector and its catch-up frame tell all that the gate needs.
 */
import { decodeVector } from '@syncline/shared/update/vector'
import { walkStored } from '@syncline/shared/update/walk'
import { type Base, type End, type Head, noLink, type UpdateLog } from '../store/update-log.ts'
import { Known } from './known.ts'
import { clientsOf } from './other-epoch.ts'
import type { Window } from './tail.ts'

const readBytesMax = 1024 * 1024
/** Another instance may put a new base under the log in the middle of a reading; more often than this, something else is wrong. */
const startsMax = 5

export interface Stored {
  readonly head: Head
  readonly known: Known
  /** After the base, in order. */
  readonly windows: readonly Window[]
  readonly end: End
}

export async function readStored(document: string, log: UpdateLog): Promise<Stored> {
  for (let starts = 1; ; starts++) {
    const head = await log.load(document)
    const stored = await readAfter(document, log, head)
    if (stored.end.seq >= head.end.seq) return stored
    if (starts === startsMax)
      throw new Error(`the log of this document ends at ${stored.end.seq}, expected ${head.end.seq}`)
  }
}

/** Ends early where entries are missing: they were trimmed, or are lost. */
async function readAfter(document: string, log: UpdateLog, head: Head): Promise<Stored> {
  const known = new Known(clientsOf(head.formerEpochs))
  if (head.base !== null) takeBase(known, head.base)
  const windows: Window[] = []
  let end: End = { seq: head.base?.through ?? 0, link: head.base?.link ?? noLink }
  for (;;) {
    const page = await log.readEntries(document, end.seq, readBytesMax)
    for (const { seq, link, update } of page) {
      if (seq !== end.seq + 1) return { head, known, windows, end }
      const { structs, deletes } = walkStored(update, `entry ${seq} of this document`)
      known.take(structs, deletes)
      windows.push({ seq, update, structs, deletes })
      end = { seq, link }
    }
    if (page.length === 0) return { head, known, windows, end }
  }
}

/** Also what a base takes over that is in no update: deletes that Yjs made while it integrated. */
export function takeBase(known: Known, base: Base): void {
  const vector = decodeVector(base.byteVector)
  if (!vector.ok) throw new Error(`the base's vector is unreadable: ${vector.reason}`)
  const contiguous = new Map([...vector.vector].map(([client, clock]) => [client, [0, clock]]))
  const { structs, deletes } = walkStored(base.catchUp, 'the catch-up frame of this document')
  known.take(contiguous, deletes)
  // What lies behind gaps, and what the vector counts already: taking it twice changes nothing.
  known.take(structs, new Map())
}
