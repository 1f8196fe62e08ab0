/**
 * From what is stored of a document to the document itself. Runs in the worker [ROOM-1].
 *
 * Compaction has a loader of its own, which also keeps account of every struct that it was given; this one is for those
 * who want to read.
 */
import { applyUpdate, Doc } from 'yjs'

/** The stored updates of a document: those of its base first, then those of its log. */
export interface StoredUpdates {
  readonly pieces: readonly Uint8Array[]
  readonly entries: readonly { readonly seq: number; readonly update: Uint8Array }[]
}

export type LoadedDocument =
  | { readonly ok: true; readonly document: Doc }
  /** `place` is the piece or the entry at which Yjs threw. */
  | { readonly ok: false; readonly place: string; readonly reason: string }

export function loadDocument({ pieces, entries }: StoredUpdates): LoadedDocument {
  const document = new Doc({ gc: true })
  const updates = [
    ...pieces.map((update, piece) => ({ place: `piece ${piece} of the base`, update })),
    ...entries.map(({ seq, update }) => ({ place: `entry ${seq}`, update })),
  ]
  for (const { place, update } of updates) {
    const reason = applyOrSay(document, update)
    if (reason !== null) return { ok: false, place, reason }
  }
  return { ok: true, document }
}

/** Why Yjs could not take an update, or null if it could. */
export function applyOrSay(document: Doc, update: Uint8Array): string | null {
  try {
    applyUpdate(document, update)
    return null
  } catch (error) {
    return `Yjs threw while applying it: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`
  }
}
