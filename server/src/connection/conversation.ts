import type { CloseCode } from '@syncline/shared/wire/close-codes'

/**
 * What is said on a connection, in the framing that its first frame has chosen: about one document or about many.
 */
export interface Conversation {
  /** One message of the client, within the limits of size and pace. The bytes are a view into what was read. */
  hear(frame: Uint8Array): void
  /** What the socket is closed with for a message of which nothing can be read, because `ws` takes none so large. */
  readonly tooLarge: CloseCode
  /** One message above the limit of size: its beginning may tell what it is about. */
  hearTooLarge(frame: Uint8Array, reason: string): void
  /** A data frame that no client reacts to, for its watchdog; null where nobody needs one. */
  keepAlive(): Uint8Array | null
  /** The connection is over: every document is left. */
  leave(how: 'closed' | 'lost'): void
}
