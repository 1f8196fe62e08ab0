/**
 * How long requests are gathered before they go over to the store thread: nothing as long as few come, so that whoever writes
 * alone waits for nothing but the disk, and a little when many come, since each transaction costs a flush however much is in it.
 */
import { Rate } from '../foundation/rate.ts'

/** From here on, a transaction for each append would cost more than a quarter of a core. */
const gatherFromPerSecond = 1_000
/** Less than anybody notices, and some flushes of a fast disk. At 3,000 edits a second the first saves a third of the CPU time, the second a fifth of the rest. */
const gatherMs = 2
const spanMs = 100

export class Gathering {
  readonly #rate = new Rate(spanMs, 0)

  /** A request has come; returns for how many milliseconds others are waited for before it is handed over. */
  note(nowMs: number): number {
    this.#rate.note(1, nowMs)
    return this.#rate.perSecond >= gatherFromPerSecond ? gatherMs : 0
  }
}
