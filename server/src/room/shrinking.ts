/**
 * Has a room's tail compacted when it is worth it, and puts the new base under the room. Nobody waits for it: while it
 * runs, and when it fails, the room goes on with base and tail.
 */
import type { Compactor } from '../compaction/compactor.ts'
import type { Clock } from '../foundation/clock.ts'
import { isDueAtRest, isDueWhileBusy } from './compaction-due.ts'
import type { Generations } from './generations.ts'
import type { Known } from './known.ts'
import type { RoomObserver } from './observer.ts'
import type { Tail } from './tail.ts'

/** At rest: this long without a commit. */
const restMs = 30_000
/** After a failure the tail has to grow by this factor before the next try: the same input would fail the same way. */
const growthBeforeRetry = 1.5

export interface ShrinkingOptions {
  readonly document: string
  readonly known: Known
  readonly tail: Tail
  readonly generations: Generations
  readonly compactor: Pick<Compactor, 'compact'>
  readonly clock: Clock
  readonly observer: RoomObserver
}

export class Shrinking {
  readonly #options: ShrinkingOptions
  #running = false
  #failedAtWindows = 0
  #failedThrough = -1

  constructor(options: ShrinkingOptions) {
    this.#options = options
  }

  get isRunning(): boolean {
    return this.#running
  }

  /** `through` is the seq of the last committed entry. */
  whileBusy(through: number): void {
    if (!this.#running && isDueWhileBusy(this.#size()) && this.#hasGrown()) void this.#run(through)
  }

  atRest(through: number, lastCommitMs: number): void {
    if (this.#running || this.#options.clock.monotonic() - lastCommitMs < restMs) return
    if (isDueAtRest(this.#size()) && through !== this.#failedThrough) void this.#run(through)
  }

  #size() {
    const { tail, generations } = this.#options
    return { tailBytes: tail.bytes, tailWindows: tail.windows, baseBytes: generations.current?.bytes ?? 0 }
  }

  #hasGrown(): boolean {
    return this.#options.tail.windows >= this.#failedAtWindows * growthBeforeRetry
  }

  async #run(through: number): Promise<void> {
    const { document, tail, generations, known, compactor, clock, observer } = this.#options
    this.#running = true
    const startedMs = clock.monotonic()
    // The new base ends where a chunk ends, so that the tail after it is whole chunks.
    tail.seal()
    const result = await compactor.compact({ document, base: generations.current, through })
    const ms = clock.monotonic() - startedMs
    if (result.outcome === 'replaced') {
      known.takeDeletes(result.deletes)
      generations.replace(result.base)
      tail.dropThrough(through)
      this.#failedAtWindows = 0
      observer.compacted({ document, outcome: 'replaced', ms, bytes: result.base.bytes })
    } else {
      this.#failedAtWindows = tail.windows
      this.#failedThrough = through
      observer.compacted({ document, ms, ...result })
    }
    this.#running = false
  }
}
