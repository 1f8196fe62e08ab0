/**
 * What becomes of a member that does not read as fast as the document is written [SLOW-1]: it is skipped, and once its
 * socket has taken what waits, it is sent what it missed, as one difference. Whoever falls behind again and again, or does
 * not read at all, is too slow.
 *
 * All that is kept of what it missed is the vector of what it was sent: memory does not grow with what it does not read.
 */
import type { StateVector } from '@syncline/shared/update/vector'
import { closeCodes } from '@syncline/shared/wire/close-codes'
import type { Clock } from '../foundation/clock.ts'
import type { Joining } from './joining.ts'
import type { RoomObserver } from './observer.ts'
import type { Seat } from './seats.ts'

/** It is sent what it missed once this little waits in its socket. */
const resumeBytes = 64 * 1024
/** A socket that does not get there in this time belongs to nobody who reads. */
const drainMsMax = 15_000
/** It was brought up to date so often and fell behind again within `steadyMs`. */
const inVainMax = 2
const steadyMs = 30_000

export interface LaggingOptions {
  readonly document: string
  readonly joining: Pick<Joining, 'resume'>
  readonly clock: Clock
  readonly observer: RoomObserver
}

export class Lagging {
  readonly #options: LaggingOptions

  constructor(options: LaggingOptions) {
    this.#options = options
  }

  /** `sent`: the vector of what it was sent until now. Called once each time it falls behind. */
  fallBehind(seat: Seat, sent: StateVector): void {
    const { document, clock, observer } = this.#options
    const { member, lag } = seat
    const nowMs = clock.monotonic()
    observer.memberLagged({ document, member: member.id, waitingBytes: member.waitingBytes })
    seat.live = false
    lag.inVain = nowMs - lag.lastMs < steadyMs ? lag.inVain + 1 : 0
    lag.lastMs = nowMs
    if (lag.inVain > inVainMax) return member.close(closeCodes.tooSlow)
    // A join that is under way reads on to the end of the tail, and makes it live itself.
    if (!seat.joining) void this.#catchUp(seat, sent)
  }

  async #catchUp(seat: Seat, sent: StateVector): Promise<void> {
    const { joining, clock } = this.#options
    const { member } = seat
    const cancel = clock.after(drainMsMax, () => member.close(closeCodes.tooSlow))
    const drained = await member.drained(resumeBytes)
    cancel()
    // A SyncStep1 that has come meanwhile is answered with all of it.
    if (drained && !seat.joining && !seat.live) joining.resume(seat, sent)
  }
}
