/**
 * What one socket has been given and has not yet taken. All frames of one turn of the event loop leave in one write; a
 * reader that lets more wait than the limit is too slow, which is told to the connection, not decided here.
 */
import type { Socket } from 'node:net'

/** The sockets that have been written to in this turn: one list for all, since a broadcast writes to hundreds. */
let corked: Socket[] = []

function gatherTurn(socket: Socket): void {
  if (socket.writableCorked > 0) return
  socket.cork()
  if (corked.push(socket) === 1) process.nextTick(uncorkAll)
}

function uncorkAll(): void {
  const sockets = corked
  corked = []
  for (const socket of sockets) socket.uncork()
}

export class Outbound {
  readonly #socket: Socket
  readonly #waitingBytesMax: number
  readonly #onTooSlow: () => void
  /** When the last frame was queued, by the caller's clock. */
  lastSentMs: number

  constructor(socket: Socket, waitingBytesMax: number, nowMs: number, onTooSlow: () => void) {
    this.#socket = socket
    this.#waitingBytesMax = waitingBytesMax
    this.#onTooSlow = onTooSlow
    this.lastSentMs = nowMs
  }

  get waitingBytes(): number {
    return this.#socket.writableLength
  }

  write(frame: Uint8Array, nowMs: number): void {
    if (!this.#socket.writable) return
    if (this.waitingBytes > this.#waitingBytesMax) return this.#onTooSlow()
    this.lastSentMs = nowMs
    gatherTurn(this.#socket)
    this.#socket.write(frame)
  }

  /** Resolves when at most `bytes` wait, or with false once the socket is closed. */
  async drained(bytes: number): Promise<boolean> {
    while (this.#socket.writable) {
      if (this.waitingBytes <= bytes) return true
      await new Promise<void>(resolve => {
        const go = () => {
          this.#socket.off('drain', go).off('close', go)
          resolve()
        }
        this.#socket.on('drain', go).on('close', go)
      })
    }
    return false
  }
}
