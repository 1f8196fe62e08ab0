/**
 * Which base joiners are being sent, and when a former one may go: once no local joiner uses it and `keepMs` have
 * passed (other processes may still read it).
 */
import type { Clock } from '../foundation/clock.ts'
import type { Base } from '../store/update-log.ts'

export class Generations {
  #current: Base | null
  readonly #holders = new Map<number, number>()
  readonly #ripe = new Set<number>()
  readonly #clock: Clock
  readonly #keepMs: number
  readonly #drop: (generation: number) => void

  constructor(current: Base | null, clock: Clock, keepMs: number, drop: (generation: number) => void) {
    this.#current = current
    this.#clock = clock
    this.#keepMs = keepMs
    this.#drop = drop
  }

  get current(): Base | null {
    return this.#current
  }

  /** Keeps a base readable until the returned function is called. */
  hold({ generation }: Base): () => void {
    this.#holders.set(generation, (this.#holders.get(generation) ?? 0) + 1)
    return () => {
      const left = this.#holders.get(generation)! - 1
      if (left > 0) {
        this.#holders.set(generation, left)
        return
      }
      this.#holders.delete(generation)
      this.#dropIfFree(generation)
    }
  }

  /** Null where the store has lost it. */
  replace(next: Base | null): void {
    const former = this.#current
    this.#current = next
    if (former === null || former.generation === next?.generation) return
    this.#clock.after(this.#keepMs, () => {
      this.#ripe.add(former.generation)
      this.#dropIfFree(former.generation)
    })
  }

  #dropIfFree(generation: number): void {
    if (!this.#ripe.has(generation) || this.#holders.has(generation)) return
    this.#ripe.delete(generation)
    this.#drop(generation)
  }
}
