/**
 * Lines of the log of which strangers can bring about as many as they like: so many a second of each event, and then one line that
 * says how many were left out. Metrics count all of them.
 */
import type { Clock } from '../foundation/clock.ts'
import type { EventFields, EventName, Logger } from '../observe/logger.ts'

const windowMs = 1_000

export class BoundedLines {
  readonly #logger: Logger
  readonly #clock: Clock
  /** What each event has had since its window began, for those that have one. */
  readonly #lines = new Map<EventName, number>()

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger
    this.#clock = clock
  }

  /** Always the same `perSecondMax` for the same event. */
  event(event: EventName, perSecondMax: number, fields: EventFields): void {
    const lines = this.#lines.get(event) ?? 0
    this.#lines.set(event, lines + 1)
    if (lines === 0) this.#clock.after(windowMs, () => this.#end(event, perSecondMax))
    if (lines < perSecondMax) this.#logger.event(event, fields)
  }

  #end(event: EventName, perSecondMax: number): void {
    const leftOut = (this.#lines.get(event) ?? 0) - perSecondMax
    this.#lines.delete(event)
    if (leftOut > 0) this.#logger.event('lines left out', { event, lines: leftOut })
  }
}
