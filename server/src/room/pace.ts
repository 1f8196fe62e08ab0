/**
 * How long a room collects edits before it commits them: nothing while it is quiet, more the more it would have to write
 * [ROOM-2].
 *
 * What costs in a crowded room is writing frames to sockets (about 6 µs each), not merging: with a window of `n` ms, a
 * room of `m` members writes at most `1000 / n × m` frames a second, however many updates come. A lone writer, or a few,
 * wait for nothing but the disk.
 */
import { Rate } from '../foundation/rate.ts'

/** Below this many frames a second a room does not wait: about a twentieth of a core. */
const freeFramesPerSecond = 10_000
/** What the window is made long enough to stay below, per room: about a third of a core. */
const framesPerSecondMax = 50_000
const windowMsMin = 10
export const windowMsMax = 30
/** An event loop that is late by more than this has too much to do, whoever is to blame. */
const lagMsMax = 10
const spanMs = 250

export class Pace {
  readonly #updates: Rate

  constructor(nowMs: number) {
    this.#updates = new Rate(spanMs, nowMs)
  }

  /** Updates have arrived. */
  note(updates: number, nowMs: number): void {
    this.#updates.note(updates, nowMs)
  }

  /** Milliseconds from the end of one commit to the beginning of the next. */
  windowMs(members: number, loopLagMs: number): number {
    const frames = this.#updates.perSecond * members
    if (frames <= freeFramesPerSecond) return 0
    if (loopLagMs > lagMsMax) return windowMsMax
    return Math.min(windowMsMax, Math.max(windowMsMin, (members * 1000) / framesPerSecondMax))
  }
}
