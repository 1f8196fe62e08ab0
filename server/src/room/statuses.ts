/**
 * Tells members that count what is not saved (Hocuspocus) what became of each of their updates and of each SyncStep2: one
 * status for each, in their order, once everything that had arrived until then is saved [LOG-1].
 *
 * Statuses that say the same and fall due together are one record, and none is a closure: a client may send tens of thousands
 * of small edits at once while the disk is slow.
 *
 * Two things move a client's count away from what it is sent. A SyncStep1 that it did not ask for: it answers, and has not
 * counted that, so the status of the answer would take an edit for saved that is not. And what was refused while it could
 * only read: that stays counted, and is saved all the same with the first SyncStep2 that it is allowed. `Seat.owed` is the
 * difference, and the next SyncStep2 settles it.
 */
import { allows } from '@syncline/shared/api/access'
import { closeCodes } from '@syncline/shared/wire/close-codes'
import type { Member } from './member.ts'
import type { Seat } from './seats.ts'
import type { WindowQueue } from './window-queue.ts'

/**
 * Records that wait for one member. Of what is taken there is one for each edit, and the waiting bytes of the room bound those
 * earlier; beyond this somebody sends what is known or refused in turns, to have it kept.
 */
const recordsMax = 100_000
/** More refused edits than this are not told as saved, whatever comes of them: the client says "unsaved" until it reconnects. */
const owedMax = 10_000

interface Due {
  /** The arrival that it waits for. */
  readonly through: number
  readonly saved: boolean
  count: number
}

export class Statuses {
  readonly #queue: Pick<WindowQueue, 'arrived' | 'committed'>
  readonly #due = new Map<Member, Due[]>()

  constructor(queue: Pick<WindowQueue, 'arrived' | 'committed'>) {
    this.#queue = queue
  }

  /** An update was taken, or is known. */
  updateSaved(seat: Seat): void {
    this.#tell(seat.member, true, 1)
  }

  /** So was everything in a SyncStep2. */
  answerSaved(seat: Seat): void {
    const { member } = seat
    // Who may still only read is told of this one alone: what it was refused is nowhere.
    const pays = allows(member.access, 'write') || seat.owed < 0
    const count = pays ? 1 + seat.owed : 1
    if (pays) seat.owed = Math.min(0, count)
    if (count > 0) this.#tell(member, true, count)
  }

  refused(seat: Seat): void {
    seat.owed = Math.min(seat.owed + 1, owedMax)
    this.#tell(seat.member, false, 1)
  }

  /** The queue has committed: whatever waited for that is told. */
  committed(): void {
    for (const [member, due] of this.#due) {
      const waitsFrom = due.findIndex(({ through }) => through > this.#queue.committed)
      for (const { saved, count } of due.splice(0, waitsFrom === -1 ? due.length : waitsFrom))
        send(member, saved, count)
      if (due.length === 0) this.#due.delete(member)
    }
  }

  forget(member: Member): void {
    this.#due.delete(member)
  }

  #tell(member: Member, saved: boolean, count: number): void {
    const { arrived, committed } = this.#queue
    if (committed >= arrived) return send(member, saved, count)
    let due = this.#due.get(member)
    if (due === undefined) {
      due = []
      this.#due.set(member, due)
    }
    const last = due.at(-1)
    if (last?.through === arrived && last.saved === saved) last.count += count
    else if (due.length < recordsMax) due.push({ through: arrived, saved, count })
    else member.close(closeCodes.overload)
  }
}

function send(member: Member, saved: boolean, count: number): void {
  const frame = member.encode({ kind: 'status', saved })
  for (let i = 0; i < count; i++) member.send(frame)
}
