import type { Decoded, Message } from './message.ts'

/** One framing on its way out: a neutral `Message` to the bytes of a WebSocket binary message. Knows no room. */
export interface Encoder {
  /** For logs, and the key under which a frame is built once for all members that share it. */
  readonly framing: string
  /** Throws for a message that the framing does not have. */
  encode(message: Message): Uint8Array
}

/** One framing both ways. */
export interface Codec extends Encoder {
  /** Never throws. */
  decode(frame: Uint8Array): Decoded
}
