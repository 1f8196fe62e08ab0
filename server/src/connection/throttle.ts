/**
 * Holds up one connection that sends faster than it may: its socket is not read until what it has sent is paid for by time.
 */
import type { Clock } from '../foundation/clock.ts'
import { InboundRate, type InboundRateLimits } from './inbound-rate.ts'
import type { OverLimit } from './over-limit.ts'

export interface ThrottleSink {
  setReading(reading: boolean): void
  /** It is held up: once for each time, not for each message. */
  held(limit: OverLimit['limit']): void
  /** It has to be closed. */
  tooFast(why: OverLimit): void
}

export class Throttle {
  readonly #clock: Clock
  readonly #sink: ThrottleSink
  readonly #rate: InboundRate
  /** Null while the socket is read. */
  #cancel: (() => void) | null = null

  constructor(limits: InboundRateLimits, clock: Clock, sink: ThrottleSink) {
    this.#clock = clock
    this.#sink = sink
    this.#rate = new InboundRate(limits, clock.monotonic())
  }

  /** Its socket is not read for being too fast: it cannot answer pings. */
  get isHeld(): boolean {
    return this.#cancel !== null
  }

  /** For each message that came, before it is taken. */
  note(bytes: number, nowMs: number): void {
    const spent = this.#rate.spend(bytes, nowMs)
    if (spent === 0) return
    if (typeof spent !== 'number') return this.#sink.tooFast(spent)
    if (this.#cancel !== null) return
    this.#readIn(spent)
    this.#sink.setReading(false)
    this.#sink.held(this.#rate.limit)
  }

  /** The connection is over. */
  stop(): void {
    this.#cancel?.()
    this.#cancel = null
  }

  /** Messages that were read already have added to the debt by then, and it waits on. */
  #readIn(ms: number): void {
    this.#cancel = this.#clock.after(ms, () => {
      const debtMs = this.#rate.debtMs(this.#clock.monotonic())
      if (debtMs > 0) return this.#readIn(debtMs)
      this.#cancel = null
      this.#sink.setReading(true)
    })
  }
}
