/**
 * From the arrivals of one window to what the log is given: one entry, with the updates merged and their authors named.
 */
import { addClientRanges, type ClientRanges } from '@syncline/shared/update/ranges'
import { mergeUpdates } from 'yjs'
import type { Author, Entry } from '../store/entry.ts'
import { draw8Bytes } from '../store/random-bytes.ts'
import type { Window } from './tail.ts'
import type { Arrival } from './window-queue.ts'

export interface Draft {
  readonly entry: Entry
  readonly content: Omit<Window, 'seq'>
}

export interface DraftOptions {
  readonly timeMs: number
  readonly instance: string
  /** Yjs threw on a merge: told with everybody who had a part in it. */
  readonly onMergeFailure: (authors: readonly string[], error: unknown) => void
}

/** One draft, or, where Yjs cannot merge the updates, one for each arrival: nothing accepted is dropped. */
export function draftEntries(window: readonly Arrival[], options: DraftOptions): Draft[] {
  if (window.length === 1) return [draft(window, window[0]!.update, options)]
  try {
    return [draft(window, mergeUpdates(window.map(arrival => arrival.update)), options)]
  } catch (error) {
    options.onMergeFailure([...new Set(window.map(arrival => arrival.author))], error)
    return window.map(arrival => draft([arrival], arrival.update, options))
  }
}

function draft(window: readonly Arrival[], update: Uint8Array, { timeMs, instance }: DraftOptions): Draft {
  const content = { update, structs: new Map() as ClientRanges, deletes: new Map() as ClientRanges }
  const authors = new Map<string, { name: string; structs: ClientRanges; deletes: ClientRanges }>()
  for (const { author: name, structs, deletes } of window) {
    let author = authors.get(name)
    if (author === undefined) {
      author = { name, structs: new Map(), deletes: new Map() }
      authors.set(name, author)
    }
    for (const into of [author, content]) {
      addClientRanges(into.structs, structs)
      addClientRanges(into.deletes, deletes)
    }
  }
  const named: Author[] = [...authors.values()]
  const nonce = draw8Bytes().toString('hex')
  return { entry: { kind: 'update', timeMs, update, authors: named, instance, nonce }, content }
}
