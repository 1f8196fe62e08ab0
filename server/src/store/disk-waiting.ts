import type { ReadyAppend } from './disk-append.ts'
import { sliceBytesMax, type WriteAhead } from './disk-content.ts'
import type { RequestOf } from './disk-requests.ts'
import type { EntryBody } from './encode-append.ts'

/**
 * The writes that wait in the store thread, and which of them may go next.
 *
 * In one document they go in the order in which they were asked for; documents do not wait for each other. A base is not
 * in that order while its parts are being written, since it is compared when it is swapped in, but it is swapped only
 * after what was asked before it, and a document is deleted only after the bases that were.
 */

/** What one transaction may write. */
const transactionBytesMax = 1024 * 1024
/** Beside its bytes an append rewrites a page of the database. */
const appendCostBytes = 4_096
/** What an append brings along inside its transaction; the entries beyond that are written beforehand. */
const inlineBytesMax = sliceBytesMax

export interface WaitingAppend {
  readonly kind: 'append'
  readonly request: RequestOf<'append'>
  readonly inlineBytes: number
  /** Entries that are written beforehand, and the job that does it once it has begun. */
  readonly large: readonly EntryBody[]
  ahead: WriteAhead | null
  aheadDone: boolean
}

export interface WaitingDelete {
  readonly kind: 'delete'
  readonly request: RequestOf<'delete'>
}

/** A new base, or a whole document in the place of another. */
export interface WaitingBase {
  readonly request: RequestOf<'replace'> | RequestOf<'renew'>
  ahead: WriteAhead | null
  aheadDone: boolean
}

export function waitingAppend(request: RequestOf<'append'>): WaitingAppend {
  const large: EntryBody[] = []
  let inlineBytes = 0
  for (const entry of request.entries)
    if (inlineBytes + entry.body.length > inlineBytesMax) large.push(entry)
    else inlineBytes += entry.body.length
  return { kind: 'append', request, inlineBytes, large, ahead: null, aheadDone: large.length === 0 }
}

export function readyAppend({ request, large, ahead }: WaitingAppend): ReadyAppend {
  return { request, contents: new Map(large.map((entry, i) => [entry, ahead!.contents[i]!])) }
}

export function createWaiting() {
  let writes: (WaitingAppend | WaitingDelete)[] = []
  let bases: WaitingBase[] = []

  const isBefore = (id: number, document: string) => (other: { request: { id: number; document: string } }) =>
    other.request.id < id && other.request.document === document

  return {
    push(write: WaitingAppend | WaitingDelete): void {
      writes.push(write)
    },
    pushBase(base: WaitingBase): void {
      bases.push(base)
    },
    /** The appends of the next transaction, in order. They stay until `done`. */
    nextTransaction(): WaitingAppend[] {
      const taken: WaitingAppend[] = []
      const held = new Set<string>()
      let bytes = 0
      for (const write of writes) {
        if (held.has(write.request.document)) continue
        if (write.kind === 'append' && write.aheadDone) {
          bytes += write.inlineBytes + appendCostBytes
          if (bytes > transactionBytesMax) break
          taken.push(write)
        } else held.add(write.request.document)
      }
      return taken
    },
    /** The first append with large entries that are not all written. */
    nextLargeAppend: (): WaitingAppend | undefined =>
      writes.find((write): write is WaitingAppend => write.kind === 'append' && !write.aheadDone),
    /** The first base whose parts are not all written, or that nothing keeps from being swapped in. */
    nextBase: (): WaitingBase | undefined =>
      bases.find(
        ({ request, aheadDone }) => !aheadDone || !writes.some(isBefore(request.id, request.document)),
      ),
    nextDelete: (): WaitingDelete | undefined =>
      writes.find(
        (write): write is WaitingDelete =>
          write.kind === 'delete' &&
          ![...writes, ...bases].some(isBefore(write.request.id, write.request.document)),
      ),
    done(finished: readonly object[]): void {
      const gone = new Set(finished)
      writes = writes.filter(write => !gone.has(write))
      bases = bases.filter(base => !gone.has(base))
    },
    /** Everything written beforehand for appends is given up: after an error it is not known what is there. */
    restartLargeAppends(): void {
      for (const write of writes) {
        if (write.kind === 'delete' || write.ahead === null) continue
        write.ahead.release()
        write.ahead = null
        write.aheadDone = false
      }
    },
    /** The newest write that waits, 0 if none does. */
    lastId: (): number => writes.at(-1)?.request.id ?? 0,
    firstId: (): number => writes[0]?.request.id ?? Number.POSITIVE_INFINITY,
    isEmpty: (): boolean => writes.length === 0 && bases.length === 0,
  }
}
