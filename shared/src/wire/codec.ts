import type { Decoded, Message } from './message.ts'

/** One framing: bytes of a WebSocket binary message to a neutral `Message` and back. Knows no room, never throws. */
export interface Codec {
  /** For logs and metrics, and the key under which a frame is built once for all members that share it. */
  readonly framing: string
  decode(frame: Uint8Array): Decoded
  encode(message: Message): Uint8Array
}
