/**
 * A member as its room sees it, and a notebook: every frame it was sent, decoded, in order.
 *
 * Its socket takes everything at once unless a test says how many bytes wait; `take` is the moment at which they are gone.
 */
import type { Identity, Member } from '@syncline/server/internal/room/member'
import type { Access } from '@syncline/shared/api/access'
import type { CloseCode } from '@syncline/shared/wire/close-codes'
import type { Message } from '@syncline/shared/wire/message'
import { yWebsocket } from '@syncline/shared/wire/y-websocket'

export interface MemberClosed {
  readonly code: CloseCode
  readonly detail: string | undefined
}

/** As in the Hocuspocus framing; no types of this one. */
const statusType = 8
const statelessType = 5

export class TestMember implements Member {
  readonly id: string
  readonly author: string
  readonly framing = yWebsocket.framing
  access: Access = 'write'
  identity: Identity | null = null
  wantsStatus = false
  takesStateless = false
  readonly sent: Message[] = []
  /** What was set by the room: false while the author's socket is not read. */
  reading = true
  waitingBytes = 0
  closed: MemberClosed | null = null
  /** Called with each message before it is noted. */
  onSend: (message: Message) => void = () => {}
  onClose: () => void = () => {}
  #waiters: (() => void)[] = []

  constructor(id: string) {
    this.id = id
    this.author = `author ${id}`
  }

  encode(message: Message): Uint8Array {
    // Only the Hocuspocus framing has these; here a frame of the same bytes stands for them.
    if (message.kind === 'status') return Uint8Array.of(statusType, message.saved ? 1 : 0)
    if (message.kind === 'stateless')
      return Buffer.from(`${String.fromCharCode(statelessType)}${message.payload}`)
    return yWebsocket.encode(message)
  }

  send(frame: Uint8Array): void {
    if (this.closed !== null) return
    const decoded = decodeFromServer(frame)
    this.onSend(decoded)
    this.sent.push(decoded)
  }

  async drained(bytes: number): Promise<boolean> {
    while (this.closed === null && this.waitingBytes > bytes) {
      await new Promise<void>(resolve => this.#waiters.push(resolve))
    }
    return this.closed === null
  }

  /** The socket has taken everything. */
  take(): void {
    this.waitingBytes = 0
    for (const resolve of this.#waiters.splice(0)) resolve()
  }

  setReading(reading: boolean): void {
    this.reading = reading
  }

  close(code: CloseCode, detail?: string): void {
    if (this.closed !== null) return
    this.closed = { code, detail }
    for (const resolve of this.#waiters.splice(0)) resolve()
    this.onClose()
  }

  /** What its statuses said, in order. */
  statuses(): boolean[] {
    return this.sent.flatMap(message => (message.kind === 'status' ? [message.saved] : []))
  }

  kinds(): string[] {
    return this.sent.map(message => message.kind)
  }

  /** The document bytes of every frame that carries any, in order. */
  documentFrames(): Uint8Array[] {
    return this.sent.flatMap(message => ('update' in message ? [message.update] : []))
  }

  /** What was sent since the last call. */
  news(): Message[] {
    return this.sent.splice(0)
  }
}

/** The server's codec reads what clients say; what only a server says is not among it and not needed here. */
function decodeFromServer(frame: Uint8Array): Message {
  if (frame[0] === statusType) return { kind: 'status', saved: frame[1] === 1 }
  if (frame[0] === statelessType)
    return { kind: 'stateless', payload: Buffer.from(frame.subarray(1)).toString() }
  const decoded = yWebsocket.decode(frame.slice())
  if (!decoded.ok) throw new Error(`the room sent a frame that cannot be read: ${decoded.reason}`)
  return decoded.message
}
