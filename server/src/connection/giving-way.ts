/**
 * At most so many of something for each person. Where there are as many, the one that has been known to be alive the longest ago is
 * pinged, and gives way to the newcomer if it is silent: whose network changes leaves connections behind that hang for a minute and
 * more, and must not be kept out by them. Newcomers that come at once ping different ones.
 */
import type { Clock } from '../foundation/clock.ts'

/** One that is counted, as far as it has to be known here. */
export interface Holder {
  /**
   * Pings it, and resolves when it is heard of again; never, or with a rejection, where it is not. One whose socket is not being read
   * cannot be heard of: it is to be counted as alive.
   */
  ping(): Promise<unknown>
  /** It is cut off, and its place is given away. */
  evict(): void
}

/** One place, from when it was taken to its release. */
interface Taken {
  readonly holder: Holder
  /** Ends the question whether it is alive; null while that is not being asked. */
  answer: ((isAlive: boolean) => void) | null
}

/** Who has not answered a ping within this is silent. */
const answerMsMax = 2_000
/** A newcomer asks at most so many, one after the other, before it is refused: it may come back and ask others. */
const asksMax = 5

export class GivingWay {
  readonly #max: number
  readonly #clock: Clock
  /** In the order in which they were last known to be alive: a Set keeps the order of insertion. */
  readonly #taken = new Map<string, Set<Taken>>()

  constructor(max: number, clock: Clock) {
    this.#max = max
    this.#clock = clock
  }

  /** Keys of which there is at least one. */
  get keys(): number {
    return this.#taken.size
  }

  /** The function that gives the place back, once however often it is called; null where all that were asked are alive. */
  take(key: string, holder: Holder): (() => void) | Promise<(() => void) | null> {
    return this.#isFull(key) ? this.#takeOver(key, holder) : this.#add(key, holder)
  }

  async #takeOver(key: string, holder: Holder): Promise<(() => void) | null> {
    for (let asked = 0; asked < Math.min(asksMax, this.#max); asked++) {
      const oldest = this.#oldestNotAsked(key)
      if (oldest === null) return null
      const isAlive = await this.#ask(oldest)
      // Somebody may have gone by himself meanwhile, it or another.
      if (!this.#isFull(key)) return this.#add(key, holder)
      if (!this.#taken.get(key)?.has(oldest)) continue
      this.#remove(key, oldest)
      if (!isAlive) {
        const release = this.#add(key, holder)
        oldest.holder.evict()
        return release
      }
      this.#append(key, oldest)
    }
    return null
  }

  #ask(taken: Taken): Promise<boolean> {
    return new Promise(resolve => {
      const cancel = this.#clock.after(answerMsMax, () => taken.answer?.(false))
      taken.answer = isAlive => {
        cancel()
        taken.answer = null
        resolve(isAlive)
      }
      taken.holder.ping().then(
        () => taken.answer?.(true),
        () => taken.answer?.(false),
      )
    })
  }

  #oldestNotAsked(key: string): Taken | null {
    for (const taken of this.#taken.get(key) ?? []) {
      if (taken.answer === null) return taken
    }
    return null
  }

  #isFull(key: string): boolean {
    return (this.#taken.get(key)?.size ?? 0) >= this.#max
  }

  #add(key: string, holder: Holder): () => void {
    const taken: Taken = { holder, answer: null }
    this.#append(key, taken)
    return () => this.#remove(key, taken)
  }

  #append(key: string, taken: Taken): void {
    const all = this.#taken.get(key)
    if (all === undefined) this.#taken.set(key, new Set([taken]))
    else all.add(taken)
  }

  /** Who is asked and goes by himself answers the question by that. */
  #remove(key: string, taken: Taken): void {
    const all = this.#taken.get(key)
    if (!all?.delete(taken)) return
    if (all.size === 0) this.#taken.delete(key)
    taken.answer?.(false)
  }
}
