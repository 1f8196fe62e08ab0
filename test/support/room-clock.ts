/**
 * A clock that stands still until a test moves it. What falls due on the way is called in order, each at its own time.
 */
import type { Clock } from '@syncline/server/internal/foundation/clock'

interface Timer {
  dueMs: number
  readonly everyMs: number | null
  readonly call: () => void
}

/** A moment in 2026, so that a time since 1970 cannot be taken for one since the start of the clock. */
const startMs = Date.UTC(2026, 10, 21)

export class TestClock implements Clock {
  #nowMs = 0
  readonly #timers = new Set<Timer>()

  /** Timers that are still to be called. */
  get timers(): number {
    return this.#timers.size
  }

  now(): number {
    return startMs + this.#nowMs
  }

  monotonic(): number {
    return this.#nowMs
  }

  after(ms: number, call: () => void): () => void {
    return this.#add({ dueMs: this.#nowMs + ms, everyMs: null, call })
  }

  every(ms: number, call: () => void): () => void {
    return this.#add({ dueMs: this.#nowMs + ms, everyMs: ms, call })
  }

  /** Moves on by `ms`. What the calls leave to promises has not run when this returns: see `turn`. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms
    for (let next = this.#next(endMs); next !== undefined; next = this.#next(endMs)) {
      this.#nowMs = next.dueMs
      if (next.everyMs === null) this.#timers.delete(next)
      else next.dueMs += next.everyMs
      next.call()
    }
    this.#nowMs = endMs
  }

  #add(timer: Timer): () => void {
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  #next(endMs: number): Timer | undefined {
    let next: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.dueMs <= endMs && (next === undefined || timer.dueMs < next.dueMs)) next = timer
    }
    return next
  }
}

/** Lets everything run that waits for nothing but its turn: all promises that are settled, and what follows from them. */
export function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

/** Turns until something is so; what never comes fails by name. */
export async function turnsUntil(what: string, condition: () => boolean, turnsMax = 2_000): Promise<void> {
  for (let turns = 0; !condition(); turns++) {
    if (turns === turnsMax) throw new Error(`waited ${turnsMax} turns in vain for ${what}`)
    await turn()
  }
}
