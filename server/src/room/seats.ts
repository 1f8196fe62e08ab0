/**
 * The members of one room, and one frame to all of them: built once for each framing, written once to each socket.
 */
import type { StateVector } from '@syncline/shared/update/vector'
import type { Message } from '@syncline/shared/wire/message'
import type { Member } from './member.ts'

export interface Seat {
  readonly member: Member
  /** It has been sent everything committed so far, and gets what is committed from now on. */
  live: boolean
  /** A join is being sent; a SyncStep1 that comes meanwhile is answered after it. */
  joining: boolean
  askedAgain: StateVector | null
  readonly asked: AskedGaps
}

/** Which gaps this connection has been asked about, as `client:clock`. Bounded by the gate's limit of held ranges. */
export interface AskedGaps {
  readonly gaps: Set<string>
  lastMs: number
}

export class Seats {
  readonly #seats = new Map<Member, Seat>()

  get size(): number {
    return this.#seats.size
  }

  [Symbol.iterator](): Iterator<Seat> {
    return this.#seats.values()
  }

  of(member: Member): Seat | undefined {
    return this.#seats.get(member)
  }

  add(member: Member): void {
    const asked = { gaps: new Set<string>(), lastMs: Number.NEGATIVE_INFINITY }
    this.#seats.set(member, { member, live: false, joining: false, askedAgain: null, asked })
  }

  /** The seat it had, if it had one. */
  remove(member: Member): Seat | undefined {
    const seat = this.#seats.get(member)
    this.#seats.delete(member)
    return seat
  }

  broadcast(messages: readonly Message[]): void {
    const frames = new Map<string, Uint8Array[]>()
    for (const { member, live } of this.#seats.values()) {
      if (!live) continue
      let built = frames.get(member.framing)
      if (built === undefined) {
        built = messages.map(message => member.encode(message))
        frames.set(member.framing, built)
      }
      for (const frame of built) member.send(frame)
    }
  }
}
