import type { Entry, StoredEntry } from './entry.ts'
import type { FormerEpoch, Lacks } from './former-epoch.ts'

/**
 * The contract of the log: one ordered, durable list of entries per document, and one compacted base under it.
 *
 * Guarantees, over every variant (`test/contract/update-log.suite.ts` holds them):
 *
 * - **Saved means durable.** `append` resolves only after the entries have been flushed to what the variant calls
 *   durable. A store whose flush never returns never resolves it. It rejects only when the entry can never be taken
 *   (`LogRefusal`); trouble that may pass (disk full, I/O error, a dead store thread) is retried inside and shown
 *   by `health`, in the order in which the appends were asked for.
 * - **All or nothing, contiguous.** The entries of one append get consecutive seqs, first 1, no seq is used twice
 *   within an epoch, and a reader sees all of them or none.
 * - **A retried append is recognised** by instance and nonce among the entries after `since`: it gets the position
 *   that it already has.
 * - **Links chain.** Each entry has 8 random bytes (`link`) and names its predecessor's; the first one's predecessor is
 *   `noLink`. A base remembers the link of the last entry in it.
 * - **A rewritten history is recognised.** Others may write to the same store, and a store may lose its end (a failover of Redis
 *   to a replica that lags). An append whose `history` is not the log's appends nothing and rejects with `HistoryRewritten`.
 * - **The base is replaced by compare-and-swap**: only if the current generation is the expected one, in one step that
 *   a crash leaves done or undone. Trimming follows in slices and is resumed when the store is opened again;
 *   entries at or before the base's `through` are never returned, trimmed or not.
 * - **Pieces are immutable** under their generation. A former generation can be read until `dropGeneration`, or until the
 *   store is opened again; after that `readPiece` answers `gone`.
 * - **A document is replaced in one step** that a crash leaves done or undone: it gets a new epoch, whose log begins with a
 *   base at seq 1, and what the former epoch had is remembered for as long as the document is kept.
 * - **What is damaged is not served.** Stored bytes that are not what was written are never handed out: the read rejects
 *   with a `LogDamage` that names the document and the place. Other documents, and other places, can still be read.
 * - Documents do not wait for each other: one that fails fails alone.
 * - Names are exact strings: no normalisation, `__proto__` and NUL are names like others. Half a surrogate pair, and more
 *   than 1,024 bytes of UTF-8, are refused (`LogRefusal`) by whatever is asked about them.
 * - Entries are copied when they are handed in, and what is handed out belongs to the caller. The bytes of a base must not
 *   be changed before `replaceBase` has been answered.
 */
export interface UpdateLog {
  /** What is known of a document without reading its content. Never creates anything. */
  load(document: string): Promise<Head>
  /** The same without content: cheap enough to be asked every second for every room. */
  position(document: string): Promise<Position>
  /** Entries with seq > `after` in order, as many as fit into about `bytesMax` (at least one if there is one). */
  readEntries(document: string, after: number, bytesMax: number): Promise<StoredEntry[]>
  /** One piece of a base, numbered from 0. */
  readPiece(document: string, generation: number, piece: number): Promise<Uint8Array | 'gone'>
  /**
   * Appends entries at the end and creates the document if it is new. `since` is the last seq that the caller knows of:
   * only what lies after it is searched for a nonce. `history` is what the caller takes the log's to be.
   */
  append(document: string, since: number, entries: readonly Entry[], history?: History): Promise<Appended>
  /**
   * Asks to be the only one who compacts a document: what is returned lets go, and null means that somebody else is at it. It
   * saves work and nothing depends on it: the claim of a process that died ends by itself.
   */
  claimCompaction(document: string): Promise<(() => void) | null>
  /** Puts a new base under the log, if `expected` (a generation, or null for none) is still the current one. */
  replaceBase(document: string, expected: number | null, base: NewBase): Promise<Replaced>
  /** Forgets a former generation. The current one is never dropped. */
  dropGeneration(document: string, generation: number): Promise<void>
  /**
   * Puts other content in the place of a document's, under a new epoch; makes the document if there is none. Only if
   * `expected` is still its end (null: whatever is there, for a document that cannot be read). Former entries and bases are
   * gone at once for everybody who asks; an append or a base that is asked for meanwhile may come before or after.
   */
  replaceDocument(document: string, expected: ExpectedEnd | null, content: NewContent): Promise<Renewed>
  /** Documents by name in byte order, after the one named, at most `limit`. */
  list(after: string | null, limit: number): Promise<ListedDocument[]>
  /** Removes a document with all that belongs to it. Made again, it has a new epoch. */
  delete(document: string): Promise<void>
  /**
   * Writes a consistent copy that can be opened as a store of its own, while appends go on. Refused (`LogRefusal`) by a variant
   * that keeps nothing, and for a file that exists. `onProgress` hears from time to time how far it is.
   */
  backup(file: string, onProgress?: (progress: Progress) => void): Promise<void>
  /** What an operator who reads "saved" can rely on, as one sentence. */
  readonly savedMeans: string
  readonly health: StoreHealth
  /** Calls on every change of `health`; the returned function ends that. */
  onHealth(listener: (health: StoreHealth) => void): () => void
  /** Flushes what was asked for and lets go. Nothing may be asked afterwards. */
  close(): Promise<void>
}

/** The end of a document's log. `link` is 16 hex digits (8 bytes). */
export interface End {
  readonly seq: number
  readonly link: string
}

/** The predecessor of the first entry. */
export const noLink = '0000000000000000'

/**
 * What a caller takes the history of a log to be: `link` is that of the entry at `since`, and `epoch` null where it has seen none.
 * A document that is not there is made with the epoch given, so that one whose store has lost it comes back as what it was; that
 * needs `since` to be 0.
 */
export interface History {
  readonly epoch: string | null
  readonly link: string
}

export interface Position {
  /** As in `Head`. */
  readonly epoch: string | null
  readonly end: End
  /** Of the current base. */
  readonly generation: number | null
}

export interface Head {
  /** 16 hex digits, or null for a document that was never written. */
  readonly epoch: string | null
  /** `{seq: 0, link: noLink}` for a document that was never written. */
  readonly end: End
  readonly base: Base | null
  /** Epochs that the document had before it was replaced, oldest first, each with what it had that is no more. */
  readonly formerEpochs: readonly FormerEpoch[]
}

/** Where a document's log has to end for something to be done. For one that was never written: null, 0, `noLink`. */
export interface ExpectedEnd extends End {
  readonly epoch: string | null
}

/** The compacted state under the log. Vectors and updates are V1 bytes. */
export interface NewBase {
  /** The base holds all entries up to this seq. */
  readonly through: number
  /**
   * The link of the entry at `through`. Where it is given and the log has another one there, the document was deleted and
   * made again, or its history rewritten, since the base was built: the base is superseded.
   */
  readonly link?: string
  /** Complete updates, at most 256 KiB each where struct boundaries allow. */
  readonly pieces: readonly Uint8Array[]
  /** The state vector of the base's bytes, by walk: contiguous from 0, stops at a gap. */
  readonly byteVector: Uint8Array
  /** The state vector of the document loaded from it: what clients can reach. */
  readonly documentVector: Uint8Array
  /** What a client at `documentVector` still needs: the delete set and whatever lies behind gaps, as one update. */
  readonly catchUp: Uint8Array
}

export interface Base extends Omit<NewBase, 'pieces' | 'link'> {
  /** Unique in the store: a document that was deleted and made again does not get it a second time. */
  readonly generation: number
  /** The link of the entry at `through`: the first entry of the tail names it as its predecessor's. */
  readonly link: string
  readonly pieces: number
  /** Bytes of all pieces together. */
  readonly bytes: number
}

export interface Appended {
  readonly epoch: string
  /** One for each entry, in order. */
  readonly ends: readonly End[]
  /** The link of the entry before the first of them. */
  readonly previousLink: string
}

export type Replaced =
  | { readonly ok: true; readonly generation: number }
  /** Somebody else was faster, or the log ends before `through`: the result is to be thrown away. */
  | { readonly ok: false; readonly reason: 'superseded' }
  /**
   * There was no room for it, or it could not be written. Nothing has changed and nothing is retried inside: a base that waits
   * for room would take the room that appends wait for.
   */
  | { readonly ok: false; readonly reason: 'away' }

/** What takes the place of a document. */
export interface NewContent extends Omit<NewBase, 'through' | 'link'> {
  /** What the epoch that ends now had and the new one lacks. Not kept where there was no document. */
  readonly lacks: Lacks
}

export type Renewed =
  | { readonly ok: true; readonly epoch: string; readonly end: End }
  /** The log did not end at `expected`, or, as for a base, there was no room: nothing has changed. */
  | Extract<Replaced, { ok: false }>

/** How far something is that takes long; the unit is the teller's. */
export interface Progress {
  readonly done: number
  readonly total: number
}

export interface ListedDocument {
  readonly document: string
  readonly epoch: string
  readonly end: End
  readonly baseBytes: number
  readonly tailEntries: number
}

export type StoreHealth =
  | { readonly at: 'here' }
  /** Writes are waiting, since `sinceMs` (unix milliseconds); `reason` is one sentence for an operator. */
  | { readonly at: 'away'; readonly sinceMs: number; readonly reason: string }

/** A place in a document's log, or in what stands under it. */
export type DamagedPart =
  /** Entries from one seq to another, both included: missing, or not what was written. */
  | { readonly kind: 'entries'; readonly from: number; readonly to: number }
  | { readonly kind: 'piece'; readonly piece: number }
  /** The base without its pieces: vectors, catch-up frame, numbers. */
  | { readonly kind: 'base' }
  /** The epoch, or what is remembered of former ones. */
  | { readonly kind: 'document' }

/** What is stored is not what was written: a damaged disk, or somebody changed it. The message names document and place. */
export class LogDamage extends Error {
  override name = 'LogDamage'
  readonly document: string
  readonly part: DamagedPart
  /** What is wrong with it. */
  readonly found: string

  constructor(document: string, part: DamagedPart, found: string, options?: ErrorOptions) {
    super(`the store is damaged: ${describePart(part)} of ${JSON.stringify(document)} ${found}`, options)
    this.document = document
    this.part = part
    this.found = found
  }
}

export function describePart(part: DamagedPart): string {
  switch (part.kind) {
    case 'entries':
      return part.from === part.to ? `entry ${part.from}` : `entries ${part.from} to ${part.to}`
    case 'piece':
      return `piece ${part.piece} of the base`
    case 'base':
      return 'the base'
    case 'document':
      return 'the row'
  }
}

/** The log is not the one that the caller knew: it ends earlier, goes on otherwise, or has another epoch. Read it again. */
export class HistoryRewritten extends Error {
  override name = 'HistoryRewritten'
}

/** An append that can never succeed as it is (too large for the store, closed store). */
export class LogRefusal extends Error {
  override name = 'LogRefusal'
}
