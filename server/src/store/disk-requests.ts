import type { EntryBody } from './encode-append.ts'
import type { StoreOpenCode } from './store-open-error.ts'
import type { Appended, Head, ListedDocument, NewBase, Replaced } from './update-log.ts'

/**
 * What the main thread and the store thread say to each other. Plain data, because it is cloned on its way.
 *
 * Everything that a request needs is in the request: a thread that replaced a dead one gets the unanswered requests again
 * and nothing else.
 */
export interface Requests {
  load: { ask: { document: string }; answer: Head }
  read: { ask: { document: string; after: number; bytesMax: number }; answer: StoredBody[] }
  piece: { ask: { document: string; generation: number; piece: number }; answer: Uint8Array | 'gone' }
  list: { ask: { after: string | null; limit: number }; answer: ListedDocument[] }
  append: { ask: { document: string; since: number; entries: readonly EntryBody[] }; answer: Appended }
  replace: {
    /** `nonce`, 16 hex digits, tells a request that is asked again from a new one. */
    ask: { document: string; expected: number | null; base: NewBase; nonce: string }
    answer: Replaced
  }
  drop: { ask: { document: string; generation: number }; answer: null }
  delete: { ask: { document: string }; answer: null }
  backup: { ask: { file: string }; answer: null }
  /** Answered when every request before it is. The thread ends by itself after that. */
  close: { ask: Record<never, never>; answer: null }
}

export type RequestKind = keyof Requests

/** One request of a kind, with the number that its answer comes back under. Numbers only grow. */
export type RequestOf<K extends RequestKind> = { readonly id: number; readonly kind: K } & Requests[K]['ask']
export type Request = { [K in RequestKind]: RequestOf<K> }[RequestKind]

export interface StoredBody {
  readonly body: Uint8Array
  readonly seq: number
  readonly link: string
  readonly previousLink: string
}

/** `refused`: what was asked can never be done as it is; otherwise it may be asked again. */
export type Answer =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly refused: boolean; readonly message: string }

export type ToThread =
  | { readonly kind: 'requests'; readonly requests: readonly Request[] }
  /** The pause after a `stalled` is over. */
  | { readonly kind: 'try-again' }

export type FromThread =
  | { readonly kind: 'opened' }
  | { readonly kind: 'not-opened'; readonly code: StoreOpenCode; readonly message: string }
  | { readonly kind: 'answers'; readonly answers: readonly Answer[] }
  /** Something could not be written and is tried again after `try-again`; `writes`: a caller waits for it. */
  | { readonly kind: 'stalled'; readonly writes: boolean; readonly reason: string }
  /** All that waited since the first `stalled` has been written. */
  | { readonly kind: 'recovered' }

export interface ThreadData {
  readonly file: string
}
