/**
 * When presence is told: the newest entry of each client id in one frame a window, after the document frames that preceded
 * it (a caret that arrives before the text it stands in vanishes), but never waiting long for a stalled store.
 */
import { type AwarenessEntry, encodeAwareness } from '@syncline/shared/presence'
import type { Message } from '@syncline/shared/wire/message'
import type { Clock } from '../foundation/clock.ts'
import { Pace } from './pace.ts'
import type { WindowQueue } from './window-queue.ts'

/** Longer than any healthy commit, shorter than what a person sees as standing still. */
const waitForCommitMaxMs = 250
/**
 * What each frame costs in time. Stock clients send back each presence frame that they are sent: somebody who floods a small room would
 * make all others in it too fast, and have them closed for that.
 */
const frameMs = 10
/** So many frames may follow each other at once, as when several people come. */
const framesAtOnceMax = 25

interface Waiting {
  readonly entry: AwarenessEntry
  /** The number of the edit that preceded it. */
  readonly after: number
}

export class PresenceFrames {
  readonly #untold = new Map<number, Waiting>()
  /** For other instances: only a part of what is told here, and not always the same state. */
  readonly #unsaid = new Map<number, Waiting>()
  readonly #queue: WindowQueue
  readonly #clock: Clock
  readonly #tell: (message: Message) => void
  readonly #say: ((awareness: Uint8Array) => void) | null
  readonly #pace: Pace
  readonly #windowMs: (pace: Pace) => number
  #toldMs = Number.NEGATIVE_INFINITY
  /** Until when the frames that were told are paid for by time. */
  #paidMs = Number.NEGATIVE_INFINITY
  #cancelWindow: (() => void) | null = null
  #cancelTimer: (() => void) | null = null

  /**
   * `windowMs`: from one frame to the next, 0 where few people move. `say` tells other instances; null where there are none.
   */
  constructor(
    queue: WindowQueue,
    clock: Clock,
    windowMs: (pace: Pace) => number,
    tell: (message: Message) => void,
    say: ((awareness: Uint8Array) => void) | null,
  ) {
    this.#queue = queue
    this.#clock = clock
    this.#pace = new Pace(clock.monotonic())
    this.#windowMs = windowMs
    this.#tell = tell
    this.#say = say
  }

  /** `news` for everybody here, `said` for other instances. */
  add(news: readonly AwarenessEntry[], said: readonly AwarenessEntry[]): void {
    const after = this.#queue.arrived
    for (const entry of news) this.#untold.set(entry.client, { entry, after })
    if (this.#say !== null) for (const entry of said) this.#unsaid.set(entry.client, { entry, after })
    if (this.#isEmpty) return
    this.#pace.note(1, this.#clock.monotonic())
    this.#cancelTimer ??= this.#clock.after(waitForCommitMaxMs, () => this.#flush(Number.POSITIVE_INFINITY))
    this.afterCommit()
  }

  /** Tells what no longer waits for a commit, now or when the running window ends. */
  afterCommit(): void {
    if (this.#isEmpty || this.#cancelWindow !== null) return
    const earliestMs = Math.max(
      this.#toldMs + this.#windowMs(this.#pace),
      this.#paidMs - framesAtOnceMax * frameMs,
    )
    const waitMs = earliestMs - this.#clock.monotonic()
    if (waitMs <= 0) return this.#flush(this.#queue.committed)
    this.#cancelWindow = this.#clock.after(waitMs, () => {
      this.#cancelWindow = null
      this.#flush(this.#queue.committed)
    })
  }

  get #isEmpty(): boolean {
    return this.#untold.size === 0 && this.#unsaid.size === 0
  }

  #flush(committed: number): void {
    const news = takeUntil(this.#untold, committed)
    const said = takeUntil(this.#unsaid, committed)
    if (this.#isEmpty) {
      this.#cancelTimer?.()
      this.#cancelTimer = null
    }
    if (news.length === 0 && said.length === 0) return
    this.#toldMs = this.#clock.monotonic()
    this.#paidMs = Math.max(this.#paidMs, this.#toldMs) + frameMs
    const awareness = news.length === 0 ? null : encodeAwareness(news)
    if (awareness !== null) this.#tell({ kind: 'awareness', awareness })
    if (said.length === 0) return
    const isSame = said.length === news.length && said.every((entry, i) => entry === news[i])
    this.#say?.(isSame && awareness !== null ? awareness : encodeAwareness(said))
  }
}

function takeUntil(waiting: Map<number, Waiting>, committed: number): AwarenessEntry[] {
  const entries: AwarenessEntry[] = []
  for (const [client, { entry, after }] of waiting) {
    if (after > committed) continue
    entries.push(entry)
    waiting.delete(client)
  }
  return entries
}
