/**
 * One client of one document that keeps what it is sent, if it is told to: for filling a document, for looking whether all
 * of it is there, for joining it again and again.
 */
import { setTimeout } from 'node:timers/promises'
import { type FramingName, framingOf } from './framing.ts'
import { maskedFrame, RawSocket } from './socket.ts'

const syncMsMax = 60_000
const waitingBytesMax = 1024 * 1024
const pollMs = 5

export class Visitor {
  readonly room: string
  readonly #framing
  readonly #keeps: boolean
  #onSynced: () => void = () => {}
  socket!: RawSocket
  /** SyncStep2s that have come. */
  synced = 0
  /** Of updates and SyncStep2s. */
  bytes = 0
  /** Whole messages, as they came, in order. */
  readonly messages: Buffer[] = []
  readonly updates: Uint8Array[] = []

  constructor(room: string, framing: FramingName, options: { keeps?: boolean } = {}) {
    this.room = room
    this.#framing = framingOf(framing)
    this.#keeps = options.keeps ?? false
  }

  async connect(port: number): Promise<this> {
    this.socket = await RawSocket.open(port, this.#framing.path(this.room), {
      onMessage: (socket, bytes, start, end) => this.#hear(socket, bytes, start, end),
      onClose: () => this.#onSynced(),
    })
    return this
  }

  /** Says who it is and asks for the document, as one with none of it. */
  open(): void {
    for (const message of this.#framing.opening(this.room)) this.socket.write(maskedFrame(message))
  }

  /** Asks once more. The server answers in order, so what was sent before has then been taken. */
  askAgain(): void {
    this.socket.write(maskedFrame(this.#framing.opening(this.room).at(-1)!))
  }

  /** Resolves when so many SyncStep2s and so many bytes have come. */
  whenSynced(times: number, bytes = 0): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = globalThis.setTimeout(() => {
        reject(new Error(`${this.room}: ${this.synced} answers, ${this.bytes} bytes after ${syncMsMax} ms`))
      }, syncMsMax)
      this.#onSynced = () => {
        if (this.socket.closed) reject(new Error(`${this.room}: closed`))
        else if (this.synced < times || this.bytes < bytes) return
        clearTimeout(timer)
        resolve()
      }
      this.#onSynced()
    })
  }

  /** Sends updates as fast as they are taken. */
  async write(updates: readonly Uint8Array[]): Promise<void> {
    for (const update of updates) {
      while (this.socket.waitingBytes > waitingBytesMax && !this.socket.closed) await setTimeout(pollMs)
      this.socket.write(maskedFrame(this.#framing.update(this.room, update)))
    }
  }

  #hear(socket: RawSocket, bytes: Buffer, start: number, end: number): void {
    const kind = this.#framing.read(bytes, start, end)
    if (kind === 'denied') throw new Error('the server denied a visitor the document')
    if (this.#keeps) this.messages.push(Buffer.from(bytes.subarray(start, end)))
    if (kind === 'sync-step-1') socket.write(maskedFrame(this.#framing.nothingToTell(this.room)))
    if (kind !== 'sync-step-2' && kind !== 'update') return
    const { bodyStart, bodyEnd } = this.#framing
    this.bytes += bodyEnd - bodyStart
    if (this.#keeps) this.updates.push(new Uint8Array(bytes.subarray(bodyStart, bodyEnd)))
    if (kind === 'sync-step-2') this.synced++
    this.#onSynced()
  }
}
