/**
 * How long requests are gathered before they go over to the store thread: nothing as long as few come, so that whoever writes
 * alone waits for nothing but the disk, and a little when many come, since each transaction costs a flush however much is in it.
 */

/** From here on, a transaction for each append would cost more than a quarter of a core. */
const gatherFromPerSecond = 1_000
/** Less than anybody notices, and some flushes of a fast disk: measured, it takes a third of the CPU time of 3,000 edits a second. */
const gatherMs = 1
/** Rates are measured over spans of this length. */
const spanMs = 100

export class Gathering {
  #spanStartMs = 0
  #spanCount = 0
  #perSecond = 0

  /** A request has come; returns for how many milliseconds others are waited for before it is handed over. */
  note(nowMs: number): number {
    const passedMs = nowMs - this.#spanStartMs
    if (passedMs >= spanMs) {
      // Whoever writes after a pause does not wait for what others did before it.
      this.#perSecond = passedMs < 2 * spanMs ? (this.#spanCount * 1000) / passedMs : 0
      this.#spanCount = 0
      this.#spanStartMs = nowMs
    }
    this.#spanCount++
    return this.#perSecond >= gatherFromPerSecond ? gatherMs : 0
  }
}
