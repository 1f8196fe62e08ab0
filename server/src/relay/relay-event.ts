/**
 * What the relay tells the one who opened it, for logs and metrics. Nothing depends on it being heard.
 */
export type RelayEvent =
  /** Nothing is heard from now on; `reason` is one sentence for an operator. */
  | { readonly kind: 'away'; readonly reason: string }
  | { readonly kind: 'here' }
  /** Redis is there and refuses subscriptions. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Bytes that are no publication, or one of a kind that is not known here; `isFirst`: since the document was opened. */
  | {
      readonly kind: 'passed-over'
      readonly document: string
      readonly bytes: number
      readonly isFirst: boolean
    }
  | { readonly kind: 'presence-dropped' }
