/**
 * One entry of a document's log, and its bytes.
 */

/** Who brought which part of an entry: a delete set names the deleted, not the deleter, and after a merge nobody could tell. */
export interface Author {
  /** The user of the token, or the connection's id where nobody is authenticated. */
  readonly name: string
  /** Clock ranges of structs, per client: flat [from, to, from, to, ...], half open, sorted. */
  readonly structs: ReadonlyMap<number, readonly number[]>
  /** Deleted ranges, per client, in the same form. */
  readonly deletes: ReadonlyMap<number, readonly number[]>
}

export type EntryKind = 'update' | 'room-event' | 'restore-mark'

export interface Entry {
  readonly kind: EntryKind
  /** Unix milliseconds at which the window was closed. */
  readonly timeMs: number
  /** One Yjs update, V1; the merged updates of one window. */
  readonly update: Uint8Array
  readonly authors: readonly Author[]
  /** Which server process appended it. */
  readonly instance: string
  /** 16 hex digits, random: with `instance` it tells a retried append from a new one. */
  readonly nonce: string
}

export interface StoredEntry extends Entry {
  readonly seq: number
  /** 16 hex digits. */
  readonly link: string
  readonly previousLink: string
}
