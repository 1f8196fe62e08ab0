/**
 * One WebSocket: the states of its life, and the way of its messages from the socket to the room and back.
 *
 *     opening ── the room is loaded ──▶ joined ── either side ends it ──▶ closing
 *
 * While it is opening, and while a large update of its own is being inspected, its messages wait in order, bounded.
 * It is a `Member` to its room; it knows rooms only as `Place`.
 */
import type { Socket } from 'node:net'
import { type CloseCode, closeCodes } from '@syncline/shared/wire/close-codes'
import type { Codec } from '@syncline/shared/wire/codec'
import type { Message } from '@syncline/shared/wire/message'
import { awarenessAboutNobody } from '@syncline/shared/wire/y-websocket'
import type { WebSocket } from 'ws'
import type { Clock } from '../foundation/clock.ts'
import type { Member } from '../room/member.ts'
import { closeWith } from './close-reason.ts'
import { Inbound, type InboundLimits } from './inbound.ts'
import type { ConnectionObserver } from './observer.ts'
import { Outbound } from './outbound.ts'
import { webSocketFrame } from './web-socket-frame.ts'

/** Every y-websocket client begins with SyncStep1 (`00 00`), and no Hocuspocus frame begins with 0. */
const syncFirstByte = 0
const unknownFraming = 'the first message has to be a SyncStep1 in the y-websocket framing'

export interface ConnectionLimits extends InboundLimits {
  readonly messageBytesMax: number
  /** Queued and not yet taken by the operating system; a reader above it is closed 4508. */
  readonly waitingBytesMax: number
}

/** What a connection wants of a room. */
export interface Place {
  enter(member: Member): void
  receive(member: Member, message: Message): void | Promise<void>
  leave(member: Member, how: 'closed' | 'lost'): void
}

export interface ConnectionOptions {
  readonly id: string
  readonly document: string
  readonly webSocket: WebSocket
  readonly socket: Socket
  readonly codec: Codec
  readonly clock: Clock
  readonly limits: ConnectionLimits
  readonly observer: ConnectionObserver
  readonly onClosed: (connection: Connection) => void
}

type State =
  | { readonly at: 'opening' }
  | { readonly at: 'joined'; readonly place: Place }
  /** `code`: the one that we sent, if it was us. */
  | { readonly at: 'closing'; readonly by: 'client' | 'server' | 'lost'; readonly code: number | null }

/** A peer that does not answer the close frame is cut off after this. */
const closeHandshakeMs = 5_000
/** The code of a connection that broke off without a close frame (RFC 6455, 7.1.5). */
const abnormalClosure = 1006

export class Connection implements Member {
  readonly id: string
  readonly document: string
  readonly framing: string
  readonly access = 'write'
  readonly identity = null
  readonly wantsStatus = false
  readonly #options: ConnectionOptions
  readonly #outbound: Outbound
  readonly #inbound: Inbound
  readonly #openedMs: number
  #state: State = { at: 'opening' }
  #heardMs: number
  #pingedMs: number
  #roomReads = true
  #isFirstFrame = true

  constructor(options: ConnectionOptions) {
    const { id, document, codec, clock, limits, socket, webSocket } = options
    this.#options = options
    this.id = id
    this.document = document
    this.framing = codec.framing
    this.#openedMs = clock.monotonic()
    this.#heardMs = this.#openedMs
    this.#pingedMs = this.#openedMs
    this.#outbound = new Outbound(socket, limits.waitingBytesMax, this.#openedMs, () =>
      this.close(closeCodes.tooSlow),
    )
    this.#inbound = new Inbound(limits, {
      deliver: message => this.#deliver(message),
      overflow: () => this.close(closeCodes.tooMany, 'too much was sent before the document was open'),
      failed: reason => this.close(closeCodes.overload, reason),
      relieved: () => this.#pauseOrResume(),
    })
    webSocket.on('message', (data, isBinary) => this.#hear(data as Buffer, isBinary))
    webSocket.on('pong', () => {
      this.#heardMs = clock.monotonic()
    })
    webSocket.on('error', error => this.#broken(error))
    webSocket.on('close', code => this.#closed(code))
  }

  get author(): string {
    return this.id
  }

  get waitingBytes(): number {
    return this.#outbound.waitingBytes
  }

  /** The room is loaded: what has waited is delivered. */
  join(place: Place): void {
    if (this.#state.at !== 'opening') return
    this.#state = { at: 'joined', place }
    place.enter(this)
    this.#inbound.open()
  }

  encode(message: Message): Uint8Array {
    return webSocketFrame(this.#options.codec.encode(message))
  }

  send(frame: Uint8Array): void {
    if (this.#state.at === 'closing') return
    this.#options.observer.frameOut(frame.byteLength)
    this.#outbound.write(frame, this.#options.clock.monotonic())
  }

  async drained(bytes: number): Promise<boolean> {
    return (await this.#outbound.drained(bytes)) && this.#state.at !== 'closing'
  }

  setReading(reading: boolean): void {
    this.#roomReads = reading
    this.#pauseOrResume()
  }

  #pauseOrResume(): void {
    const { webSocket } = this.#options
    const reads = this.#roomReads && !this.#inbound.isCrowded
    if (reads === !webSocket.isPaused) return
    if (reads) webSocket.resume()
    else webSocket.pause()
  }

  close(code: CloseCode, detail?: string): void {
    if (this.#state.at === 'closing') return
    const { webSocket, clock } = this.#options
    if (detail !== undefined) this.#tellClientError(detail)
    // Who is told to come back keeps its presence for the grace: the others should not see it flicker.
    this.#leave('server', code.retry ? 'lost' : 'closed', code.code)
    webSocket.resume()
    const { code: number, reason } = closeWith(code, detail)
    webSocket.close(number, reason)
    clock.after(closeHandshakeMs, () => webSocket.terminate())
  }

  /** To be called every few seconds: pings, and the data frame without which stock clients reconnect after 30 s. */
  beat(
    nowMs: number,
    timing: { pingIntervalMs: number; deadAfterMs: number; keepAliveIntervalMs: number },
  ): void {
    if (this.#state.at === 'closing') return
    if (nowMs - this.#heardMs >= timing.deadAfterMs) {
      this.#options.webSocket.terminate()
      return
    }
    if (nowMs - this.#pingedMs >= timing.pingIntervalMs) {
      this.#pingedMs = nowMs
      this.#options.webSocket.ping()
    }
    if (nowMs - this.#outbound.lastSentMs >= timing.keepAliveIntervalMs) {
      this.send(this.encode({ kind: 'awareness', awareness: awarenessAboutNobody }))
    }
  }

  #hear(data: Buffer, isBinary: boolean): void {
    if (this.#state.at === 'closing') return
    const { clock, codec, limits, observer } = this.#options
    this.#heardMs = clock.monotonic()
    observer.frameIn(data.byteLength)
    if (!isBinary) return this.close(closeCodes.malformed, 'a text frame came, only binary frames are spoken')
    if (data.byteLength > limits.messageBytesMax) {
      const reason = `a message of ${data.byteLength} bytes came, at most ${limits.messageBytesMax} are allowed`
      return this.close(closeCodes.tooLarge, reason)
    }
    if (this.#isFirstFrame && data[0] !== syncFirstByte)
      return this.close(closeCodes.malformed, unknownFraming)
    this.#isFirstFrame = false
    const decoded = codec.decode(data)
    if (!decoded.ok) return this.close(closeCodes.malformed, decoded.reason)
    this.#inbound.take(decoded.message, data.byteLength)
    this.#pauseOrResume()
  }

  #deliver(message: Message): void | Promise<void> {
    if (this.#state.at === 'joined') return this.#state.place.receive(this, message)
  }

  #tellClientError(reason: string): void {
    this.#options.observer.clientError({ connection: this.id, document: this.document, reason })
  }

  #broken(error: Error): void {
    this.#tellClientError(error.message)
  }

  #closed(code: number): void {
    const { observer, clock, onClosed } = this.#options
    const lost = code === abnormalClosure
    this.#leave(lost ? 'lost' : 'client', lost ? 'lost' : 'closed', null)
    const { by, code: sent } = this.#state as Extract<State, { at: 'closing' }>
    const ms = clock.monotonic() - this.#openedMs
    observer.disconnected({ connection: this.id, document: this.document, code: sent ?? code, by, ms })
    onClosed(this)
  }

  #leave(by: 'client' | 'server' | 'lost', how: 'closed' | 'lost', code: number | null): void {
    if (this.#state.at === 'closing') return
    const place = this.#state.at === 'joined' ? this.#state.place : null
    this.#state = { at: 'closing', by, code }
    this.#inbound.clear()
    place?.leave(this, how)
  }
}
