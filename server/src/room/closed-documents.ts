/**
 * The documents that nobody may enter for a moment, because they are about to become others. One change of a document at a
 * time; whoever wants to enter waits for the last one.
 */
import type { Clock } from '../foundation/clock.ts'

/** How long what was brought may take to be saved. A store that takes longer is away: nothing is changed then. */
const emptyMsMax = 10_000
const emptyPollMs = 10

/** What was brought to a document could not be saved in time, so the document was left as it is. */
export class DocumentBusy extends Error {
  override name = 'DocumentBusy'
}

/** A room that nobody is in any more. */
export interface RetiredRoom {
  /** Something of it is still on its way into the store. */
  readonly isBusy: boolean
}

export class ClosedDocuments {
  readonly #clock: Clock
  readonly #reopened = new Map<string, Promise<void>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#reopened.size
  }

  /** When the document may be entered again; null if it may be now. */
  reopened(document: string): Promise<void> | null {
    return this.#reopened.get(document) ?? null
  }

  async during<T>(
    document: string,
    retire: () => Promise<RetiredRoom | null>,
    work: () => Promise<T>,
  ): Promise<T> {
    const before = this.#reopened.get(document)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#reopened.set(document, promise)
    await before
    let room: RetiredRoom | null = null
    try {
      room = await retire()
      if (room !== null && !(await this.#idle(room, emptyMsMax)))
        throw new DocumentBusy('what was brought to the document waits for the store')
      return await work()
    } finally {
      // A room that still writes must not meet one that was opened after it: their entries would mix.
      void this.#idle(room, Number.POSITIVE_INFINITY).then(() => {
        if (this.#reopened.get(document) === promise) this.#reopened.delete(document)
        resolve()
      })
    }
  }

  /** False if it is still busy after so long. */
  async #idle(room: RetiredRoom | null, msMax: number): Promise<boolean> {
    const endMs = this.#clock.monotonic() + msMax
    while (room?.isBusy) {
      if (this.#clock.monotonic() >= endMs) return false
      await new Promise<void>(wake => this.#clock.after(emptyPollMs, wake))
    }
    return true
  }
}
