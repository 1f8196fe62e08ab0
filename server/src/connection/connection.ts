/**
 * One WebSocket: the states of its life, what is read from it, and what is written to it.
 *
 *     silent ── the first frame chooses the framing ──▶ talking ── either side ends it ──▶ closing
 *
 * What is said on it, and about which documents, is its conversation's.
 */
import type { Socket } from 'node:net'
import { type CloseCode, closeCodes } from '@syncline/shared/wire/close-codes'
import type { Clock } from '../foundation/clock.ts'
import { closeWith } from './close-reason.ts'
import type { Conversation } from './conversation.ts'
import type { InboundRateLimits } from './inbound-rate.ts'
import type { Line } from './line.ts'
import type { ConnectionObserver } from './observer.ts'
import { Outbound } from './outbound.ts'
import { Throttle } from './throttle.ts'
import type { StoppingWebSocket } from './web-socket-server.ts'

export interface ConnectionLimits {
  readonly messageBytesMax: number
  /** Queued and not yet taken by the operating system; a reader above it is closed 4508. */
  readonly waitingBytesMax: number
  /** Every client speaks as soon as it is connected; one that does not only holds a place. */
  readonly firstFrameTimeoutMs: number
  readonly rate: InboundRateLimits
}

export interface ConnectionOptions {
  readonly id: string
  readonly webSocket: StoppingWebSocket
  readonly socket: Socket
  readonly clock: Clock
  readonly limits: ConnectionLimits
  readonly observer: ConnectionObserver
  readonly converse: (line: Line, firstFrame: Uint8Array) => Conversation
  readonly onClosed: (connection: Connection) => void
}

type State =
  | { readonly at: 'silent' }
  | { readonly at: 'talking'; readonly conversation: Conversation }
  /** `code`: the one that we sent, if it was us. */
  | { readonly at: 'closing'; readonly by: 'client' | 'server' | 'lost'; readonly code: number | null }

/** A peer that does not answer the close frame is cut off after this. */
const closeHandshakeMs = 5_000
/** What `ws` calls a message above its own limits. */
const tooLargeErrors = [
  'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
  'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH',
  'WS_ERR_TOO_MANY_BUFFERED_PARTS',
]
/** The code of a connection that broke off without a close frame (RFC 6455, 7.1.5). */
const abnormalClosure = 1006

export class Connection implements Line {
  readonly id: string
  readonly #options: ConnectionOptions
  readonly #outbound: Outbound
  readonly #openedMs: number
  readonly #cancelFirstFrame: () => void
  readonly #throttle: Throttle
  /** Those who have asked that the socket be not read. */
  readonly #holding = new Set<object>()
  /** Who wait to hear of the client again. */
  readonly #pings: (() => void)[] = []
  #state: State = { at: 'silent' }
  #heardMs: number
  #pingedMs: number

  constructor(options: ConnectionOptions) {
    const { id, clock, limits, observer, socket, webSocket } = options
    this.#options = options
    this.id = id
    this.#openedMs = clock.monotonic()
    this.#heardMs = this.#openedMs
    this.#pingedMs = this.#openedMs
    this.#outbound = new Outbound(socket, limits.waitingBytesMax, this.#openedMs, () => {
      observer.limitReached('limitWaitingBytes')
      this.close(closeCodes.tooSlow)
    })
    this.#throttle = new Throttle(limits.rate, clock, {
      setReading: reading => this.setReading(this.#throttle, reading),
      held: limit => observer.limitReached(limit),
      tooFast: ({ limit, refusal }) => {
        observer.limitReached(limit)
        this.close(closeCodes.tooMany, refusal.message)
      },
    })
    const { firstFrameTimeoutMs } = limits
    this.#cancelFirstFrame = clock.after(firstFrameTimeoutMs, () => {
      if (this.#state.at !== 'silent') return
      observer.limitReached('firstFrameTimeoutMs')
      this.close(closeCodes.tooSlow, `nothing was said in ${firstFrameTimeoutMs} ms`)
    })
    webSocket.on('message', (data, isBinary) => this.#hear(data as Buffer, isBinary))
    webSocket.on('pong', () => this.#heard())
    webSocket.on('error', error => this.#failed(error))
    webSocket.on('close', code => this.#closed(code))
  }

  get #isClosing(): boolean {
    return this.#state.at === 'closing'
  }

  get waitingBytes(): number {
    return this.#outbound.waitingBytes
  }

  send(frame: Uint8Array): void {
    if (this.#state.at === 'closing') return
    this.#options.observer.frameOut(frame.byteLength)
    this.#outbound.write(frame, this.#options.clock.monotonic())
  }

  async drained(bytes: number): Promise<boolean> {
    return (await this.#outbound.drained(bytes)) && this.#state.at !== 'closing'
  }

  setReading(who: object, reading: boolean): void {
    if (reading) this.#holding.delete(who)
    else {
      this.#holding.add(who)
      this.#answerPings()
    }
    const { webSocket } = this.#options
    const reads = this.#holding.size === 0
    if (reads !== webSocket.isPaused || this.#state.at === 'closing') return
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

  /** Resolves at once where the client cannot be heard of, because its socket is not being read. */
  ping(): Promise<void> {
    const { webSocket } = this.#options
    if (this.#holding.size > 0) return Promise.resolve()
    if (this.#state.at !== 'closing') webSocket.ping()
    return new Promise(resolve => this.#pings.push(resolve))
  }

  evict(): void {
    this.close(closeCodes.tooMany, 'it did not answer, and another one needed its place')
  }

  cut(): void {
    this.#options.webSocket.terminate()
  }

  /** To be called every few seconds: pings, and the data frame without which stock clients reconnect after 30 s. */
  beat(
    nowMs: number,
    timing: { pingIntervalMs: number; deadAfterMs: number; keepAliveIntervalMs: number },
  ): void {
    if (this.#state.at === 'closing') return
    // Who is not read cannot be heard.
    if (this.#holding.size > 0) this.#heardMs = nowMs
    if (nowMs - this.#heardMs >= timing.deadAfterMs) {
      this.#options.webSocket.terminate()
      return
    }
    if (nowMs - this.#pingedMs >= timing.pingIntervalMs) {
      this.#pingedMs = nowMs
      this.#options.webSocket.ping()
    }
    if (nowMs - this.#outbound.lastSentMs >= timing.keepAliveIntervalMs && this.#state.at === 'talking') {
      const frame = this.#state.conversation.keepAlive()
      if (frame !== null) this.send(frame)
    }
  }

  #hear(data: Buffer, isBinary: boolean): void {
    if (this.#state.at === 'closing') return
    const { limits, observer } = this.#options
    this.#heard()
    observer.frameIn(data.byteLength)
    if (!isBinary) return this.close(closeCodes.malformed, 'a text frame came, only binary frames are spoken')
    this.#throttle.note(data.byteLength, this.#heardMs)
    if (this.#isClosing) return
    if (data.byteLength > limits.messageBytesMax) return this.#refuseTooLarge(data)
    this.#conversation(data)?.hear(data)
  }

  #refuseTooLarge(data: Buffer): void {
    const { limits, observer } = this.#options
    const reason = `a message of ${data.byteLength} bytes came, at most ${limits.messageBytesMax} are allowed`
    observer.limitReached('limitMessageBytes')
    if (this.#state.at === 'talking') this.#state.conversation.hearTooLarge(data, reason)
    else this.close(closeCodes.tooLarge, reason)
  }

  /** `ws` answers by itself what is no WebSocket, or far too large, with the codes of `web-socket-server.ts`: these are told and counted here. */
  #failed({ code = '', message }: NodeJS.ErrnoException): void {
    if (!code.startsWith('WS_ERR_') || this.#isClosing) return this.#tellClientError(message)
    if (!tooLargeErrors.includes(code)) return this.close(closeCodes.malformed, message)
    const { observer, webSocket } = this.#options
    observer.limitReached('limitMessageBytes')
    this.close(webSocket.tooLarge, message)
  }

  #heard(): void {
    this.#heardMs = this.#options.clock.monotonic()
    this.#answerPings()
  }

  #answerPings(): void {
    if (this.#pings.length > 0) for (const resolve of this.#pings.splice(0)) resolve()
  }

  /** Null where the first frame has ended the connection. */
  #conversation(frame: Uint8Array): Conversation | null {
    if (this.#state.at === 'talking') return this.#state.conversation
    this.#cancelFirstFrame()
    const conversation = this.#options.converse(this, frame)
    if (this.#isClosing) {
      conversation.leave('closed')
      return null
    }
    this.#state = { at: 'talking', conversation }
    this.#options.webSocket.tooLarge = conversation.tooLarge
    return conversation
  }

  #tellClientError(reason: string): void {
    this.#options.observer.clientError({ connection: this.id, reason })
  }

  #closed(code: number): void {
    const { observer, clock, onClosed } = this.#options
    this.#pings.length = 0
    const lost = code === abnormalClosure
    this.#leave(lost ? 'lost' : 'client', lost ? 'lost' : 'closed', null)
    const { by, code: sent } = this.#state as Extract<State, { at: 'closing' }>
    const ms = clock.monotonic() - this.#openedMs
    observer.disconnected({ connection: this.id, code: sent ?? code, by, ms })
    onClosed(this)
  }

  #leave(by: 'client' | 'server' | 'lost', how: 'closed' | 'lost', code: number | null): void {
    if (this.#state.at === 'closing') return
    const conversation = this.#state.at === 'talking' ? this.#state.conversation : null
    this.#cancelFirstFrame()
    this.#throttle.stop()
    this.#state = { at: 'closing', by, code }
    conversation?.leave(how)
  }
}
