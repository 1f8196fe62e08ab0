/**
 * What two ends can say to each other, without the framing that carried it.
 *
 * A codec (`y-websocket.ts`, later others) turns one WebSocket message into one `Message` and back; rooms and
 * connections know only this union. One message per WebSocket message, always: stock clients read the first
 * and drop the rest without a sound.
 *
 * The bytes inside (`vector`, `update`, awareness) are as they came: the gate and presence parse them.
 */
export type Message =
  | { readonly kind: 'sync-step-1'; readonly vector: Uint8Array }
  | { readonly kind: 'sync-step-2'; readonly update: Uint8Array }
  | { readonly kind: 'update'; readonly update: Uint8Array }
  | { readonly kind: 'awareness'; readonly awareness: Uint8Array }
  | { readonly kind: 'query-awareness' }
  | { readonly kind: 'permission-denied'; readonly reason: string }
  /** What somebody brings to be let in, in the framing itself; may be empty. */
  | { readonly kind: 'token'; readonly token: string }
  /** Asks for a newer one. */
  | { readonly kind: 'token-request' }
  | { readonly kind: 'authenticated'; readonly mayWrite: boolean }
  /** Text of the application, of which nothing is kept. */
  | { readonly kind: 'stateless'; readonly payload: string }
  /** The client is done with this document, and not with its socket. */
  | { readonly kind: 'close' }
  /** Answers one update or SyncStep2: it is saved (also where all of it was), or it was refused. */
  | { readonly kind: 'status'; readonly saved: boolean }
  /** Asks to be told when everything said before it is saved; answered with the same token (y-sweet's 102). */
  | { readonly kind: 'saved'; readonly token: Uint8Array }

/** What became of some bytes: a message, or a sentence that says what is wrong with them. */
export type Decoded =
  | { readonly ok: true; readonly message: Message }
  | { readonly ok: false; readonly reason: string }
