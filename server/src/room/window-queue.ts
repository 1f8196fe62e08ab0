/**
 * What has passed the gate and waits for its commit, in order of arrival.
 *
 * The first edit after a quiet moment forms a window alone; what arrives while a commit is in flight forms the next ones.
 * Each arrival has a number, so that an acknowledgement can wait for everything that came before it.
 */
import type { Fresh } from './gate.ts'

const windowUpdatesMax = 64
const windowBytesMax = 256 * 1024

export interface Arrival extends Fresh {
  /** Who the entry names: the user of the token, or the connection. */
  readonly author: string
  /** Runs after the commit, before the broadcast. */
  readonly onSaved?: () => void
}

export class WindowQueue {
  readonly #waiting: Arrival[] = []
  /** Taken, and not committed yet. */
  readonly #inFlight: Arrival[] = []
  #bytes = 0
  #arrived = 0
  #committed = 0
  /** Acknowledgements that wait, in the order of what they wait for. */
  readonly #waiters: { through: number; call: () => void }[] = []
  readonly #onCommit: () => void

  /** `onCommit` runs at each commit, after those who waited for it were called and before anybody is shown what it holds. */
  constructor(onCommit: () => void = () => {}) {
    this.#onCommit = onCommit
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  /** Bytes accepted and not yet committed, those in flight included. */
  get bytes(): number {
    return this.#bytes
  }

  /** The number of the last arrival: what a later message has to wait for. */
  get arrived(): number {
    return this.#arrived
  }

  get committed(): number {
    return this.#committed
  }

  /** In flight or waiting, in order. */
  uncommitted(): readonly Arrival[] {
    return [...this.#inFlight, ...this.#waiting]
  }

  push(arrival: Arrival): void {
    this.#waiting.push(arrival)
    this.#bytes += arrival.update.byteLength
    this.#arrived++
  }

  /** The next windows, at most so many. */
  takeWindows(countMax: number): Arrival[][] {
    const windows: Arrival[][] = []
    while (windows.length < countMax && !this.isEmpty) windows.push(this.#takeWindow())
    for (const window of windows) this.#inFlight.push(...window)
    return windows
  }

  /** At most 64 updates and 256 KiB; a larger update travels alone. */
  #takeWindow(): Arrival[] {
    let bytes = 0
    let count = 0
    for (const { update } of this.#waiting) {
      if (count > 0 && (count >= windowUpdatesMax || bytes + update.byteLength > windowBytesMax)) break
      bytes += update.byteLength
      count++
    }
    return this.#waiting.splice(0, count)
  }

  /** What was taken first is saved: everybody who waited for it is called. */
  commit(arrivals: readonly Arrival[]): void {
    for (const arrival of arrivals) this.#bytes -= arrival.update.byteLength
    this.#inFlight.splice(0, arrivals.length)
    this.#committed += arrivals.length
    for (const arrival of arrivals) arrival.onSaved?.()
    while (this.#waiters.length > 0 && this.#waiters[0]!.through <= this.#committed)
      this.#waiters.shift()!.call()
    this.#onCommit()
  }

  /** Calls once everything that has arrived until now is saved, at once if it is [LOG-1]. */
  whenSaved(call: () => void): void {
    if (this.#committed >= this.#arrived) call()
    else this.#waiters.push({ through: this.#arrived, call })
  }
}
