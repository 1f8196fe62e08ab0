/**
 * When presence is told: the newest entry of each client id in one frame a window, after the document frames that preceded
 * it (a caret that arrives before the text it stands in vanishes), but never waiting long for a stalled store.
 */
import { type AwarenessEntry, encodeAwareness } from '@syncline/shared/presence'
import type { Message } from '@syncline/shared/wire/message'
import type { Clock } from '../foundation/clock.ts'
import type { WindowQueue } from './window-queue.ts'

/** Longer than any healthy commit, shorter than what a person sees as standing still. */
const waitForCommitMaxMs = 250

export class PresenceFrames {
  readonly #waiting = new Map<number, { entry: AwarenessEntry; after: number }>()
  readonly #queue: WindowQueue
  readonly #clock: Clock
  readonly #tell: (message: Message) => void
  readonly #windowMs: () => number
  #toldMs = Number.NEGATIVE_INFINITY
  #cancelWindow: (() => void) | null = null
  #cancelTimer: (() => void) | null = null

  /** `windowMs`: from one frame to the next, 0 where few people move. */
  constructor(queue: WindowQueue, clock: Clock, windowMs: () => number, tell: (message: Message) => void) {
    this.#queue = queue
    this.#clock = clock
    this.#windowMs = windowMs
    this.#tell = tell
  }

  add(entries: readonly AwarenessEntry[]): void {
    if (entries.length === 0) return
    const after = this.#queue.arrived
    for (const entry of entries) this.#waiting.set(entry.client, { entry, after })
    this.#cancelTimer ??= this.#clock.after(waitForCommitMaxMs, () => this.#flush(Number.POSITIVE_INFINITY))
    this.afterCommit()
  }

  /** Tells what no longer waits for a commit, now or when the running window ends. */
  afterCommit(): void {
    if (this.#waiting.size === 0 || this.#cancelWindow !== null) return
    const waitMs = this.#toldMs + this.#windowMs() - this.#clock.monotonic()
    if (waitMs <= 0) return this.#flush(this.#queue.committed)
    this.#cancelWindow = this.#clock.after(waitMs, () => {
      this.#cancelWindow = null
      this.#flush(this.#queue.committed)
    })
  }

  #flush(committed: number): void {
    const entries: AwarenessEntry[] = []
    for (const [client, { entry, after }] of this.#waiting) {
      if (after > committed) continue
      entries.push(entry)
      this.#waiting.delete(client)
    }
    if (this.#waiting.size === 0) {
      this.#cancelTimer?.()
      this.#cancelTimer = null
    }
    if (entries.length === 0) return
    this.#toldMs = this.#clock.monotonic()
    this.#tell({ kind: 'awareness', awareness: encodeAwareness(entries) })
  }
}
