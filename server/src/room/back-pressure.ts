/**
 * When too much waits for its commit, the sockets of those who wrote it are not read; they go on when half is saved.
 */
import type { Member } from './member.ts'

export class BackPressure {
  readonly #waitingBytesMax: number
  readonly #onHeld: () => void
  readonly #paused = new Set<Member>()

  /** `onHeld` is called once for each time that a member is held up. */
  constructor(waitingBytesMax: number, onHeld: () => void) {
    this.#waitingBytesMax = waitingBytesMax
    this.#onHeld = onHeld
  }

  authored(member: Member, waitingBytes: number): void {
    if (waitingBytes <= this.#waitingBytesMax || this.#paused.has(member)) return
    this.#paused.add(member)
    member.setReading(false)
    this.#onHeld()
  }

  committed(waitingBytes: number): void {
    if (this.#paused.size === 0 || waitingBytes > this.#waitingBytesMax / 2) return
    for (const member of this.#paused) member.setReading(true)
    this.#paused.clear()
  }

  forget(member: Member): void {
    this.#paused.delete(member)
  }
}
