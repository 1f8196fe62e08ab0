/**
 * Has a room's tail compacted when it is worth it, and puts the new base under the room. Nobody waits for it: while it
 * runs, and when it fails, the room goes on with base and tail.
 */
import type { Compactor } from '../compaction/compactor.ts'
import type { Clock } from '../foundation/clock.ts'
import type { UpdateLog } from '../store/update-log.ts'
import { isDueAtRest, isDueWhileBusy } from './compaction-due.ts'
import type { Following } from './following.ts'
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
  readonly following: Pick<Following, 'end' | 'hasBase' | 'lookSoon'>
  readonly log: Pick<UpdateLog, 'claimCompaction'>
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

  whileBusy(): void {
    if (!this.#running && isDueWhileBusy(this.#size()) && this.#hasGrown()) void this.#run()
  }

  atRest(lastCommitMs: number): void {
    const { clock, following } = this.#options
    if (this.#running || clock.monotonic() - lastCommitMs < restMs) return
    if (isDueAtRest(this.#size()) && following.end.seq !== this.#failedThrough) void this.#run()
  }

  #size() {
    const { tail, generations } = this.#options
    return { tailBytes: tail.bytes, tailWindows: tail.windows, baseBytes: generations.current?.bytes ?? 0 }
  }

  #hasGrown(): boolean {
    return this.#options.tail.windows >= this.#failedAtWindows * growthBeforeRetry
  }

  async #run(): Promise<void> {
    this.#running = true
    const letGo = await this.#options.log.claimCompaction(this.#options.document).catch(() => null)
    if (letGo !== null) {
      await this.#compact()
      letGo()
    }
    this.#running = false
  }

  async #compact(): Promise<void> {
    const { document, tail, generations, known, following, compactor, clock, observer } = this.#options
    let through = following.end.seq
    let startedMs = clock.monotonic()
    const begin = () => {
      // The new base ends where a chunk ends, so that the tail after it is whole chunks.
      tail.seal()
      through = following.end.seq
      startedMs = clock.monotonic()
      return { base: generations.current, through }
    }
    const result = await compactor.compact({ document, begin })
    const ms = clock.monotonic() - startedMs
    if (result.outcome === 'replaced') {
      known.takeDeletes(result.deletes)
      generations.replace(result.base)
      tail.dropThrough(through)
      following.hasBase(result.base.generation)
      this.#failedAtWindows = 0
      observer.compacted({ document, outcome: 'replaced', ms, bytes: result.base.bytes })
    } else {
      this.#failedAtWindows = tail.windows
      this.#failedThrough = through
      if (result.outcome === 'superseded') following.lookSoon()
      observer.compacted({ document, ms, ...result })
    }
  }
}
