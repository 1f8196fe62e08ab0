/**
 * Answers every SyncStep1, one at a time for each member: one that comes while an answer is being sent is answered after
 * it, and only the newest of several, since each says all that its client has.
 */
import { decodeVector, type StateVector } from '@syncline/shared/update/vector'
import { closeCodes } from '@syncline/shared/wire/close-codes'
import { sendDocument } from './join.ts'
import type { Member } from './member.ts'
import type { Loaded, RoomServices } from './room-services.ts'
import type { Seat } from './seats.ts'
import { chunkBytesMax } from './tail.ts'

export interface JoiningOptions {
  readonly document: string
  readonly loaded: Loaded
  readonly services: RoomServices
  /** The member has everything, for the first time. */
  readonly onLive: (member: Member) => void
}

export class Joining {
  readonly #options: JoiningOptions

  constructor(options: JoiningOptions) {
    this.#options = options
  }

  answer(seat: Seat, encodedVector: Uint8Array): void {
    const decoded = decodeVector(encodedVector)
    if (!decoded.ok) return seat.member.close(closeCodes.malformed, decoded.reason)
    if (seat.joining) {
      seat.askedAgain = decoded.vector
      return
    }
    seat.joining = true
    this.#sendAll(seat, decoded.vector).catch(error => {
      const { document, services } = this.#options
      services.observer.roomFailed({ document, during: 'load', error })
      seat.member.close(closeCodes.overload)
    })
  }

  async #sendAll(seat: Seat, first: StateVector): Promise<void> {
    for (let vector: StateVector | null = first; vector !== null; vector = seat.askedAgain) {
      seat.askedAgain = null
      if (!(await this.#send(seat, vector))) return seat.member.close(closeCodes.overload)
    }
    seat.joining = false
  }

  async #send(seat: Seat, vector: StateVector): Promise<boolean> {
    const { document, services, loaded, onLive } = this.#options
    const { clock, log, workers, observer } = services
    const { generations, tail, known } = loaded
    const { member } = seat
    const startedMs = clock.monotonic()
    const isFirst = !seat.live
    const source = {
      document,
      log,
      generations,
      tail,
      difference: workers.difference,
      split: (update: Uint8Array) => workers.split(update, chunkBytesMax),
      vector: () => known.encodedVector(),
    }
    const { outcome, bytes } = await sendDocument(member, vector, source, () => {
      seat.live = true
    })
    if (outcome === 'left') return false
    if (isFirst) {
      onLive(member)
      observer.memberJoined({ document, member: member.id, ms: clock.monotonic() - startedMs, bytes })
    }
    return true
  }
}
