/**
 * Takes windows from the queue to the log, one commit in flight at a time, as often as the room's pace allows.
 *
 * The order is the promise: the log has it, then the room, then its authors are told, then everybody sees it
 * [LOG-1, LOG-2]. A commit that never returns tells nobody anything.
 */
import type { Clock } from '../foundation/clock.ts'
import type { End, UpdateLog } from '../store/update-log.ts'
import { draftEntries } from './entries.ts'
import type { Window } from './tail.ts'
import type { Arrival, WindowQueue } from './window-queue.ts'

export interface CommitterOptions {
  readonly document: string
  readonly log: UpdateLog
  readonly clock: Clock
  readonly instance: string
  readonly queue: WindowQueue
  readonly end: End
  /** From the end of one commit to the beginning of the next; 0 in a quiet room. */
  readonly windowMs: () => number
  /** After this long without an answer `onStalled` is called, once for each commit. */
  readonly stallMs: number
  readonly onMergeFailure: (seq: number, authors: readonly string[], error: unknown) => void
  /** The log has these windows. */
  readonly onCommitted: (windows: readonly Window[]) => void
  /** After `onCommitted` and after the authors were told. */
  readonly onTold: (windows: readonly Window[], took: { ms: number; updates: number }) => void
  readonly onStalled: (ms: number) => void
  /** The log can never take it. */
  readonly onRefused: (error: unknown) => void
}

/** Windows in one commit: each is an entry and a frame of its own, but they share the flush and the write. */
const windowsPerCommitMax = 8

export class Committer {
  readonly #options: CommitterOptions
  #end: End
  #inFlight = false
  #stalled = false
  /** When the last commit ended. */
  #committedMs = Number.NEGATIVE_INFINITY
  #timer: (() => void) | null = null

  constructor(options: CommitterOptions) {
    this.#options = options
    this.#end = options.end
  }

  /** The end of what is committed: `{seq, link}`. */
  get end(): End {
    return this.#end
  }

  get isBusy(): boolean {
    return this.#inFlight || !this.#options.queue.isEmpty
  }

  /** A commit has been waiting for longer than `stallMs`. */
  get isStalled(): boolean {
    return this.#stalled
  }

  offer(arrival: Arrival): void {
    this.#options.queue.push(arrival)
    if (!this.#inFlight && this.#timer === null) this.#commitWhenDue()
  }

  /** At once in a quiet room, otherwise when the running window ends. */
  #commitWhenDue(): void {
    const { clock, windowMs } = this.#options
    const waitMs = this.#committedMs + windowMs() - clock.monotonic()
    if (waitMs <= 0) {
      void this.#commit()
      return
    }
    this.#timer = clock.after(waitMs, () => {
      this.#timer = null
      void this.#commit()
    })
  }

  async #commit(): Promise<void> {
    const { queue, onRefused } = this.#options
    this.#inFlight = true
    try {
      await this.#commitWindows(queue.takeWindows(windowsPerCommitMax))
    } catch (error) {
      onRefused(error)
      return
    }
    this.#inFlight = false
    if (!queue.isEmpty) this.#commitWhenDue()
  }

  async #commitWindows(taken: readonly (readonly Arrival[])[]): Promise<void> {
    const { document, log, clock, instance, queue, onMergeFailure, onCommitted, onTold } = this.#options
    const since = this.#end.seq
    const startedMs = clock.monotonic()
    const draftOptions = {
      timeMs: clock.now(),
      instance,
      onMergeFailure: (authors: readonly string[], error: unknown) =>
        onMergeFailure(since + 1, authors, error),
    }
    const drafts = taken.flatMap(window => draftEntries(window, draftOptions))
    const cancelStallTimer = this.#watch()
    const entries = drafts.map(draft => draft.entry)
    const appended = await log.append(document, since, entries)
    cancelStallTimer()
    this.#stalled = false
    this.#end = appended.ends.at(-1)!
    this.#committedMs = clock.monotonic()
    const windows = drafts.map(({ content }, i) => ({ seq: appended.ends[i]!.seq, ...content }))
    onCommitted(windows)
    const arrivals = taken.flat()
    queue.commit(arrivals)
    onTold(windows, { ms: this.#committedMs - startedMs, updates: arrivals.length })
  }

  #watch(): () => void {
    const { clock, stallMs, onStalled } = this.#options
    return clock.after(stallMs, () => {
      this.#stalled = true
      onStalled(stallMs)
    })
  }
}
