/**
 * How many a second come, measured over short spans: a burst is noticed within one, and a pause ends it at once.
 */
export class Rate {
  readonly #spanMs: number
  #spanStartMs: number
  #spanCount = 0
  #perSecond = 0

  constructor(spanMs: number, nowMs: number) {
    this.#spanMs = spanMs
    this.#spanStartMs = nowMs
  }

  /** As of the last whole span; 0 after a pause, so that who comes first does not answer for what was before it. */
  get perSecond(): number {
    return this.#perSecond
  }

  note(count: number, nowMs: number): void {
    const passedMs = nowMs - this.#spanStartMs
    if (passedMs >= this.#spanMs) {
      this.#perSecond = passedMs < 2 * this.#spanMs ? (this.#spanCount * 1000) / passedMs : 0
      this.#spanCount = 0
      this.#spanStartMs = nowMs
    }
    this.#spanCount += count
  }
}
