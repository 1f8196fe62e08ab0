import type { CloseCode } from '@syncline/shared/wire/close-codes'
import type { Holder } from './giving-way.ts'

/**
 * What the documents that are spoken about on a connection want of its socket. They know the connection only by this.
 */
export interface Line extends Holder {
  /** Of the connection: unique in this process. */
  readonly id: string
  /** Queues one WebSocket frame. All frames queued in one turn of the event loop leave in one write. Never throws. */
  send(frame: Uint8Array): void
  /** Bytes that were queued and not yet taken by the operating system. */
  readonly waitingBytes: number
  /** Resolves when at most `bytes` wait, or with false once the connection is ending. */
  drained(bytes: number): Promise<boolean>
  /** The socket is read as long as nobody who shares it has asked for it not to be. */
  setReading(who: object, reading: boolean): void
  close(code: CloseCode, detail?: string): void
  /** Ends it without a word. */
  cut(): void
}
