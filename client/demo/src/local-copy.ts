/**
 * The copy of a document in this browser (IndexedDB, by the stock `y-indexeddb`). It is why writing goes on without a
 * network and why a reload loses nothing. A browser may refuse it (private windows, forbidden storage); then the page
 * works without, and says so where it matters.
 */
import { IndexeddbPersistence } from 'y-indexeddb'
import type * as Y from 'yjs'

export interface LocalCopy {
  /** Whether what is written is kept across a reload. False until the copy was opened. */
  isKept(): boolean
  /** Settles when what was kept is in the document, or cannot be read. */
  readonly read: Promise<void>
  /** Removes the copy from this browser. The document of this page is as it was. */
  forget(): Promise<void>
}

/** A browser that neither opens nor refuses its storage (another tab blocks it) is not waited for longer. */
const openingTimeMaxMs = 2_000

/** `folder` keeps apart what several servers on one host call by the same name. */
export function openLocalCopy(document: string, doc: Y.Doc, folder: string): LocalCopy {
  if (typeof indexedDB === 'undefined')
    return { isKept: () => false, read: Promise.resolve(), forget: async () => {} }
  const persistence = new IndexeddbPersistence(`syncline${folder}:${document}`, doc)
  const read = new Promise<void>(resolve => {
    void persistence.whenSynced.then(() => resolve())
    // `whenSynced` never settles when the browser refuses; only the opening itself says so.
    persistence._db.catch(() => resolve())
    setTimeout(resolve, openingTimeMaxMs)
  })
  return { isKept: () => persistence.synced, read, forget: () => persistence.clearData() }
}
