/**
 * Takes windows from the queue to the log, one commit in flight at a time.
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

export class Committer {
  readonly #options: CommitterOptions
  #end: End
  #inFlight = false
  #stalled = false

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
    if (!this.#inFlight) void this.#commitAll()
  }

  async #commitAll(): Promise<void> {
    this.#inFlight = true
    try {
      while (!this.#options.queue.isEmpty) await this.#commitWindow(this.#options.queue.takeWindow())
    } catch (error) {
      this.#options.onRefused(error)
      return
    }
    this.#inFlight = false
  }

  async #commitWindow(window: readonly Arrival[]): Promise<void> {
    const { document, log, clock, instance, queue, onMergeFailure, onCommitted, onTold } = this.#options
    const since = this.#end.seq
    const startedMs = clock.monotonic()
    const drafts = draftEntries(window, {
      timeMs: clock.now(),
      instance,
      onMergeFailure: (authors, error) => onMergeFailure(since + 1, authors, error),
    })
    const cancelStallTimer = this.#watch()
    const entries = drafts.map(draft => draft.entry)
    const appended = await log.append(document, since, entries)
    cancelStallTimer()
    this.#stalled = false
    this.#end = appended.ends.at(-1)!
    const windows = drafts.map(({ content }, i) => ({ seq: appended.ends[i]!.seq, ...content }))
    onCommitted(windows)
    queue.commit(window)
    onTold(windows, { ms: clock.monotonic() - startedMs, updates: window.length })
  }

  #watch(): () => void {
    const { clock, stallMs, onStalled } = this.#options
    return clock.after(stallMs, () => {
      this.#stalled = true
      onStalled(stallMs)
    })
  }
}
