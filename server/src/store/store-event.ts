/**
 * What a store tells the one who opened it, for logs and metrics. Nothing depends on it being heard.
 */
export type StoreEvent =
  /** Writes wait from now on; `reason` is one sentence for an operator. */
  | { readonly kind: 'away'; readonly reason: string }
  | { readonly kind: 'here'; readonly awayMs: number }
  /** Another store thread takes over after the pause. */
  | { readonly kind: 'thread-died'; readonly reason: string; readonly restartInMs: number }
  /** What "saved" means from now on, as in `UpdateLog`. */
  | { readonly kind: 'saved-means'; readonly savedMeans: string }
  /** Removing what no longer counts has to wait; nobody else does. */
  | { readonly kind: 'chores-stalled'; readonly reason: string }
