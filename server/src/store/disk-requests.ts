import type { EntryBody } from './encode-append.ts'
import type { StoreOpenCode } from './store-open-error.ts'
import type {
  Appended,
  DamagedPart,
  ExpectedEnd,
  Head,
  History,
  ListedDocument,
  NewBase,
  NewContent,
  Progress,
  Renewed,
  Replaced,
} from './update-log.ts'

/**
 * What the main thread and the store thread say to each other. Plain data, because it is cloned on its way.
 *
 * Everything that a request needs is in the request: a thread that replaced a dead one gets the unanswered requests again
 * and nothing else.
 */
export interface Requests {
  load: { ask: { document: string }; answer: StoredHead }
  read: { ask: { document: string; after: number; bytesMax: number }; answer: StoredBody[] }
  piece: { ask: { document: string; generation: number; piece: number }; answer: Uint8Array | 'gone' }
  list: { ask: { after: string | null; limit: number }; answer: ListedDocument[] }
  append: {
    ask: { document: string; since: number; entries: readonly EntryBody[]; history: History | undefined }
    answer: Appended
  }
  replace: {
    /** `nonce`, 16 hex digits, tells a request that is asked again from a new one. */
    ask: { document: string; expected: number | null; base: NewBase; nonce: string }
    answer: Replaced
  }
  renew: {
    ask: {
      document: string
      expected: ExpectedEnd | null
      content: StoredContent
      nonce: string
    }
    answer: Renewed
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

/** A head whose former epochs are still as they are stored. */
export interface StoredHead extends Omit<Head, 'formerEpochs'> {
  readonly formerEpochs: readonly { readonly epoch: string; readonly lacks: Uint8Array }[]
}

/** The content of a document that is replaced, with what the former epoch had as it is stored. */
export interface StoredContent extends Omit<NewContent, 'lacks'> {
  readonly lacks: Uint8Array
}

export interface StoredBody {
  readonly body: Uint8Array
  readonly seq: number
  readonly link: string
  readonly previousLink: string
}

/** `refused`: what was asked can never be done as it is; otherwise it may be asked again. */
export type Answer =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | {
      readonly id: number
      readonly ok: false
      readonly refused: boolean
      readonly message: string
      /** The log has another history than the append named. */
      readonly rewritten?: boolean
      /** What of a document is damaged, where it is that. `found` ends the sentence of which the error is made. */
      readonly damage?: { readonly document: string; readonly part: DamagedPart; readonly found: string }
    }

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
  | { readonly kind: 'progress'; readonly id: number; readonly progress: Progress }
  /** All that waited since the first `stalled` has been written. */
  | { readonly kind: 'recovered' }

export interface ThreadData {
  readonly file: string
}
