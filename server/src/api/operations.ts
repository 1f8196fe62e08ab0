/**
 * What operators can do with documents and with the store: the contract. `local-operations.ts` does it where the store is open,
 * `remote-operations.ts` asks a running server to. Rejects with what `errorCodeOf` knows a code for.
 */
import type { ExportFormat } from '../content/export-format.ts'
import type { ListedDocument, Progress } from '../store/update-log.ts'

export type OnProgress = (progress: Progress) => void

export interface Operations {
  /** Every document by name, in byte order. */
  list(): AsyncIterable<ListedDocument>
  /** What is saved of a document. */
  export(document: string, format: ExportFormat): Promise<Uint8Array>
  /**
   * Merges an update into a document, as an edit like any other: people who are in it see it. Made in parts, so that a crash
   * may leave some of them; importing it once more completes it.
   */
  import(document: string, update: Uint8Array, onProgress?: OnProgress): Promise<Imported>
  /** Puts an update in the place of a document, under a new epoch: all of it or nothing [LOG-3]. */
  replace(document: string, update: Uint8Array, onProgress?: OnProgress): Promise<Replacement>
  /** Copies the store, as it is when this is done, into a file that does not exist; `file` is an absolute path. */
  backup(file: string, onProgress?: OnProgress): Promise<Backup>
  /** Reads and applies everything that is stored of one document, or of all. */
  verify(document: string | null, listener: VerifyListener): Promise<Verified>
}

export interface Imported {
  /** Where the document's log ended when the update was in it. */
  readonly seq: number
}

export interface Replacement {
  readonly epoch: string
  /** The content was given new client ids, because a former epoch knows the old ones. */
  readonly renamed: boolean
  /** What of the former content could not be read, if anything: who holds that is not known to hold a former epoch. */
  readonly unreadable: readonly string[]
}

export interface Backup {
  readonly bytes: number
}

export interface VerifyListener {
  readonly onFinding: (finding: Finding) => void
  readonly onProgress?: OnProgress
}

/** Something that is not as it should be. */
export interface Finding {
  readonly document: string
  /** `entry 5`, `piece 3 of the base`, `the base`, `the row`, `the document`. */
  readonly place: string
  /** Goes on with the sentence that the place begins. */
  readonly problem: string
}

export interface Verified {
  readonly documents: number
  readonly entries: number
  readonly pieces: number
  readonly findings: number
}
