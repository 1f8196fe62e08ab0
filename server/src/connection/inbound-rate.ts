/**
 * How fast one connection may send: messages and bytes per second, each with a burst.
 *
 * One read of a socket can hold thousands of messages, and all of them arrive although it is no longer read. So every message is
 * taken, and whoever has sent more than the allowance goes into debt: the socket is not read until the debt is paid by time. Meanwhile
 * it waits in the buffers of the client, which costs nobody else anything. Who is at it again each time, without a pause in between,
 * is too fast.
 */
import { AppError } from '../foundation/errors.ts'
import { type OverLimit, overLimit } from './over-limit.ts'

export interface InboundRateLimits {
  readonly messagesPerSecondMax: number
  readonly bytesPerSecondMax: number
  /** A burst is what may be sent in this time, all at once. */
  readonly burstMs: number
  /** Being in debt for this long without a pause is too fast. */
  readonly tooFastAfterMs: number
}

/** The longest time in debt: who was allowed one very large message must not look dead because of it. */
const debtMsMax = 10_000
/** With so much allowance saved up, there has been a pause. */
const pauseMs = 1_000

export class InboundRate {
  readonly #limits: InboundRateLimits
  readonly #msPerMessage: number
  readonly #msPerByte: number
  /** What is left of each allowance, as the time in which it comes back; below 0 it is a debt. */
  #messagesMs: number
  #bytesMs: number
  #spentMs: number
  /** Since when there was no pause between debts; null while there is none. */
  #tooFastSinceMs: number | null = null

  constructor(limits: InboundRateLimits, nowMs: number) {
    this.#limits = limits
    this.#msPerMessage = 1000 / limits.messagesPerSecondMax
    this.#msPerByte = 1000 / limits.bytesPerSecondMax
    this.#messagesMs = limits.burstMs
    this.#bytesMs = limits.burstMs
    this.#spentMs = nowMs
  }

  /** For one message that came: 0, or for how many milliseconds the socket is not to be read, or that it has been too fast for too long. */
  spend(bytes: number, nowMs: number): number | OverLimit {
    this.#earn(nowMs)
    this.#messagesMs = Math.max(this.#messagesMs - this.#msPerMessage, -debtMsMax)
    this.#bytesMs = Math.max(this.#bytesMs - bytes * this.#msPerByte, -debtMsMax)
    if (this.#messagesMs >= 0 && this.#bytesMs >= 0) return 0
    this.#tooFastSinceMs ??= nowMs
    if (nowMs - this.#tooFastSinceMs >= this.#limits.tooFastAfterMs) return this.#tooFast()
    return this.debtMs(nowMs)
  }

  /** How many milliseconds it takes until the socket may be read again: messages that came meanwhile have added to it. */
  debtMs(nowMs: number): number {
    this.#earn(nowMs)
    return Math.ceil(Math.max(0, -this.#messagesMs, -this.#bytesMs))
  }

  /** Which of the two limits has been reached. */
  get limit(): 'limitMessagesPerSecond' | 'limitBytesPerSecond' {
    return this.#messagesMs <= this.#bytesMs ? 'limitMessagesPerSecond' : 'limitBytesPerSecond'
  }

  #earn(nowMs: number): void {
    const { burstMs } = this.#limits
    const earnedMs = nowMs - this.#spentMs
    this.#spentMs = nowMs
    this.#messagesMs = Math.min(this.#messagesMs + earnedMs, burstMs)
    this.#bytesMs = Math.min(this.#bytesMs + earnedMs, burstMs)
    if (Math.min(this.#messagesMs, this.#bytesMs) >= pauseMs) this.#tooFastSinceMs = null
  }

  #tooFast(): OverLimit {
    const { messagesPerSecondMax, bytesPerSecondMax, tooFastAfterMs: ms } = this.#limits
    const { limit } = this
    const refusal =
      limit === 'limitMessagesPerSecond'
        ? new AppError('TOO_MANY_MESSAGES', { ms, messagesPerSecondMax })
        : new AppError('TOO_MANY_BYTES', { ms, bytesPerSecondMax })
    return overLimit(limit, refusal)
  }
}
