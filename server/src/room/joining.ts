/**
 * Answers every SyncStep1, one at a time for each member: one that comes while an answer is being sent is answered after
 * it, and only the newest of several, since each says all that its client has.
 */
import { decodeVector, type StateVector } from '@syncline/shared/update/vector'
import { closeCodes } from '@syncline/shared/wire/close-codes'
import { type JoinSource, sendDocument } from './join.ts'
import type { Member } from './member.ts'
import { otherEpochReason } from './other-epoch.ts'
import type { Loaded, RoomServices } from './room-services.ts'
import type { Bringing, Seat } from './seats.ts'
import { chunkBytesMax } from './tail.ts'

export interface JoiningOptions {
  readonly document: string
  readonly loaded: Loaded
  readonly services: RoomServices
  /** Resolves when the room has everything that is acknowledged anywhere; null where that is so. */
  readonly upToDate: () => Promise<void> | null
  /** The member has everything, for the first time or again. */
  readonly onLive: (member: Member) => void
}

export class Joining {
  readonly #options: JoiningOptions
  readonly #source: JoinSource

  constructor(options: JoiningOptions) {
    this.#options = options
    const { document, loaded, services } = options
    this.#source = {
      document,
      generations: loaded.generations,
      tail: loaded.tail,
      frames: services.joinFrames,
      budget: services.joinBudget,
      clock: services.clock,
      split: update => services.workers.split(update, chunkBytesMax),
      vector: () => loaded.known.encodedVector(),
    }
  }

  answer(seat: Seat, encodedVector: Uint8Array): void {
    const decoded = decodeVector(encodedVector)
    if (!decoded.ok) return seat.member.close(closeCodes.malformed, decoded.reason)
    const former = this.#refusal(decoded.vector)
    if (former !== null) return this.#refuse(seat.member, former)
    if (seat.member.wantsStatus) seat.begunWith = decoded.vector
    const what = { vector: decoded.vector, asked: true }
    if (seat.joining) seat.sentNext = what
    else this.#begin(seat, what)
  }

  /** A member that was skipped for a while, or whose room has read its log anew, is sent what it lacks. */
  resume(seat: Seat, vector: StateVector): void {
    const what = { vector, asked: false }
    if (!seat.joining) this.#begin(seat, what)
    // What is being sent may have begun with a base that is no more.
    else seat.sentNext ??= what
  }

  /**
   * Before anything is sent: a client that still holds what this document was would show both, and keep both in its own store,
   * until it answered our SyncStep1 and was refused for that [LOG-3].
   */
  #refusal(vector: StateVector): string | null {
    return otherEpochReason(vector.keys(), this.#options.loaded.known.formerClients)
  }

  #refuse(member: Member, reason: string): void {
    const { document, services } = this.#options
    services.observer.updateRefused({
      document,
      member: member.id,
      rule: 'other-epoch',
      reason,
      isRepeated: false,
    })
    member.close(closeCodes.otherEpoch, reason)
  }

  #begin(seat: Seat, what: Bringing): void {
    seat.joining = true
    this.#sendAll(seat, what).catch(error => {
      const { document, services } = this.#options
      services.observer.roomFailed({ document, during: 'load', error })
      seat.member.close(closeCodes.overload)
    })
  }

  async #sendAll(seat: Seat, first: Bringing): Promise<void> {
    for (let next: Bringing | null = first; next !== null; next = seat.sentNext) {
      seat.sentNext = null
      if (next.asked) await this.#upToDate(seat)
      if (!(await this.#send(seat, next))) return seat.member.close(closeCodes.overload)
    }
    seat.joining = false
  }

  /** A store that does not answer is not waited for longer than by those who have written. */
  async #upToDate({ member }: Seat): Promise<void> {
    const { services, upToDate } = this.#options
    const waiting = upToDate()
    if (waiting === null) return
    const { clock, limits } = services
    const cancel = clock.after(limits.storeAwayCloseAfterMs, () => member.close(closeCodes.overload))
    await waiting.finally(cancel)
  }

  async #send(seat: Seat, what: Bringing): Promise<boolean> {
    const { document, services, onLive } = this.#options
    const { clock, observer } = services
    const { member } = seat
    const startedMs = clock.monotonic()
    const wasLive = seat.live
    const makeLive = () => {
      seat.live = true
    }
    const { outcome, bytes } = await sendDocument({ member, makeLive, ...what }, this.#source)
    if (outcome === 'left') return false
    if (!wasLive) onLive(member)
    if (!seat.joined) {
      seat.joined = true
      observer.memberJoined({ document, member: member.id, ms: clock.monotonic() - startedMs, bytes })
    }
    return true
  }
}
