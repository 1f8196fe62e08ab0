/**
 * Takes windows from the queue to the log, one commit in flight at a time, as often as the room's pace allows.
 *
 * The order is the promise: the log has it, then the room, then its authors are told, then everybody sees it
 * [LOG-1, LOG-2]. A commit that never returns tells nobody anything.
 *
 * Where the operator chose to go on without the store, what waits for it longer than the grace is shown, and nobody is told that
 * it is saved; it is committed in the same order once the store is back [REL-2].
 */
import type { Clock } from '../foundation/clock.ts'
import { type Appended, HistoryRewritten, type UpdateLog } from '../store/update-log.ts'
import { type Draft, draftEntries } from './entries.ts'
import type { Following } from './following.ts'
import type { Window } from './tail.ts'
import type { Arrival, WindowQueue } from './window-queue.ts'

export interface CommitterOptions {
  readonly document: string
  readonly log: UpdateLog
  readonly clock: Clock
  readonly instance: string
  readonly queue: WindowQueue
  readonly following: Pick<Following, 'end' | 'history' | 'own' | 'restarts'>
  /** From the end of one commit to the beginning of the next; 0 in a quiet room. */
  readonly windowMs: () => number
  /** After this long without an answer `onAway` is called, once for each commit. */
  readonly awayMs: number
  readonly onMergeFailure: (seq: number, authors: readonly string[], error: unknown) => void
  /** The log has these windows. */
  readonly onCommitted: (windows: readonly Window[]) => void
  /** After `onCommitted` and after the authors were told. */
  readonly onTold: (windows: readonly Window[], took: { ms: number; updates: number }) => void
  /** The store does not answer: whether to go on without it, and show what is not saved. */
  readonly onAway: (ms: number) => 'wait' | 'show'
  /** Not saved yet. */
  readonly onShown: (windows: readonly Shown[]) => void
  /** The log is not the one that the room knew; resolves when the room knows it again. */
  readonly onRewritten: (why: string) => Promise<void>
  /** The log can never take it. */
  readonly onRefused: (error: unknown) => void
}

/** Windows in one commit: each is an entry and a frame of its own, but they share the flush and the write. */
const windowsPerCommitMax = 8

/** A store that is rewritten more often than this under one commit is broken. */
const rewritesMax = 100

/** A window that has no place in the log yet. */
export type Shown = Draft['content']

interface Batch {
  readonly drafts: readonly Draft[]
  readonly arrivals: readonly Arrival[]
}

export class Committer {
  readonly #options: CommitterOptions
  #inFlight = false
  /** Shown while the store is away, to be committed next. Its bytes count as waiting in the queue, which bounds them. */
  readonly #shown: Batch[] = []
  #showing = false
  #stalled = false
  /** When the last commit ended. */
  #committedMs = Number.NEGATIVE_INFINITY
  #timer: (() => void) | null = null

  constructor(options: CommitterOptions) {
    this.#options = options
  }

  get isBusy(): boolean {
    return this.#inFlight || !this.#options.queue.isEmpty
  }

  /** A commit has been waiting for longer than `awayMs`, and nothing is shown meanwhile. */
  get isStalled(): boolean {
    return this.#stalled
  }

  offer(arrival: Arrival): void {
    this.#options.queue.push(arrival)
    if (this.#timer === null && (this.#showing || !this.#inFlight)) this.#goOnWhenDue()
  }

  /** At once in a quiet room, otherwise when the running window ends. */
  #goOnWhenDue(): void {
    const { clock, windowMs } = this.#options
    const waitMs = this.#committedMs + windowMs() - clock.monotonic()
    if (waitMs <= 0) return this.#goOn()
    this.#timer = clock.after(waitMs, () => {
      this.#timer = null
      this.#goOn()
    })
  }

  #goOn(): void {
    if (!this.#inFlight) void this.#commit()
    else if (this.#showing) this.#show()
  }

  async #commit(): Promise<void> {
    const { queue, onRefused } = this.#options
    this.#inFlight = true
    try {
      await this.#commitBatch(this.#shown.shift() ?? this.#takeBatch())
    } catch (error) {
      onRefused(error)
      return
    }
    this.#inFlight = false
    if (this.#shown.length > 0) void this.#commit()
    else if (!queue.isEmpty && this.#timer === null) this.#goOnWhenDue()
  }

  #takeBatch(): Batch {
    const { clock, instance, queue, following, onMergeFailure } = this.#options
    const taken = queue.takeWindows(windowsPerCommitMax)
    const draftOptions = {
      timeMs: clock.now(),
      instance,
      onMergeFailure: (authors: readonly string[], error: unknown) =>
        onMergeFailure(following.end.seq + 1, authors, error),
    }
    return { drafts: taken.flatMap(window => draftEntries(window, draftOptions)), arrivals: taken.flat() }
  }

  async #commitBatch(batch: Batch): Promise<void> {
    const { clock, following } = this.#options
    const startedMs = clock.monotonic()
    const cancelAwayTimer = this.#watch(batch)
    for (let rewrites = 0; rewrites < rewritesMax; rewrites++) {
      const { restarts } = following
      const appended = await this.#append(batch)
      // An answer from before the room read everything anew is about a log that is no more.
      if (appended === null || following.restarts !== restarts) continue
      cancelAwayTimer()
      return this.#committed(batch, appended, startedMs)
    }
    throw new Error(`the history of this document was rewritten ${rewritesMax} times under one commit`)
  }

  /** In one turn: nothing may read the room between the log's answer and the room's own account of it. */
  #committed({ drafts, arrivals }: Batch, appended: Appended, startedMs: number): void {
    const { clock, queue, following, onCommitted, onTold } = this.#options
    this.#stalled = false
    this.#showing = false
    this.#committedMs = clock.monotonic()
    const fresh = following.own(appended)
    const windows = drafts
      .map(({ content }, i) => ({ seq: appended.ends[i]!.seq, ...content }))
      .filter((_, i) => fresh[i])
    onCommitted(windows)
    queue.commit(arrivals)
    // Also of what was shown before: who was skipped then, or has come since, gets it now.
    onTold(windows, { ms: this.#committedMs - startedMs, updates: arrivals.length })
  }

  /** Null where the log was not the one that the room knew, which it is by now. */
  async #append({ drafts }: Batch): Promise<Appended | null> {
    const { document, log, following, onRewritten } = this.#options
    const entries = drafts.map(draft => draft.entry)
    try {
      return await log.append(document, following.end.seq, entries, following.history)
    } catch (error) {
      if (!(error instanceof HistoryRewritten)) throw error
      await onRewritten(error.message)
      return null
    }
  }

  #watch({ drafts }: Batch): () => void {
    const { clock, queue, awayMs, onAway, onShown } = this.#options
    return clock.after(awayMs, () => {
      this.#showing = onAway(awayMs) === 'show'
      this.#stalled = !this.#showing
      if (!this.#showing) return
      onShown(drafts.map(({ content }) => content))
      if (!queue.isEmpty && this.#timer === null) this.#goOnWhenDue()
    })
  }

  #show(): void {
    if (this.#options.queue.isEmpty) return
    const batch = this.#takeBatch()
    this.#shown.push(batch)
    this.#committedMs = this.#options.clock.monotonic()
    this.#options.onShown(batch.drafts.map(({ content }) => content))
  }
}
