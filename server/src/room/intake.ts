/**
 * The way of an update from a member to the committer: judged by the gate (in the worker where it is large), taken into
 * what the room holds, offered for the next window; what is known already is only acknowledged. What a reader sends ends here.
 */
import { allows } from '@syncline/shared/api/access'
import { closeCodes } from '@syncline/shared/wire/close-codes'
import { ask, shouldAsk } from './asking.ts'
import { BackPressure } from './back-pressure.ts'
import type { Committer } from './committer.ts'
import { type Held, refusedByLimit } from './document-limits.ts'
import { foreignReason, type Source } from './foreign-clients.ts'
import {
  type Fresh,
  type HeavySteps,
  isLarge,
  pass,
  passLarge,
  type RefusalRule,
  type Refused,
  type Verdict,
  walkLimits,
} from './gate.ts'
import type { Member } from './member.ts'
import type { Pace } from './pace.ts'
import { mayOnlyRead, passLargeReadOnly, passReadOnly } from './read-only.ts'
import type { Loaded, RoomServices } from './room-services.ts'
import type { Seat } from './seats.ts'
import { Statuses } from './statuses.ts'
import { isCounted } from './uncounted.ts'
import type { Arrival, WindowQueue } from './window-queue.ts'

export interface IntakeOptions {
  readonly document: string
  readonly services: RoomServices
  readonly loaded: Pick<Loaded, 'known' | 'tail' | 'generations'>
  readonly queue: WindowQueue
  readonly committer: Pick<Committer, 'offer'>
  readonly pace: Pace
  /** Whether it is the client id in presence of another user who is connected. */
  readonly isOfAnother: (client: number, member: Member) => boolean
  /** What is known and what is in the log may differ from here on. */
  readonly onFault: (error: unknown) => void
}

/** An answer to our SyncStep1, or a live edit. */
export type UpdateKind = 'sync-step-2' | 'update'

/** Acknowledgements of one member that wait for a flush. Who asks for more in between is told to come back. */
const waitingPerMemberMax = 1_000
/** How often one member's refusals are told of in full while it stays. */
const refusalPauseMs = 60_000

export class Intake {
  readonly #options: IntakeOptions
  readonly #backPressure: BackPressure
  readonly #statuses: Statuses
  readonly #heavy: HeavySteps
  /** Large updates that the worker has. */
  #inspecting = 0

  constructor(options: IntakeOptions) {
    this.#options = options
    const { limits, workers, observer } = options.services
    this.#backPressure = new BackPressure(limits.waitingBytesMax, () =>
      observer.limitReached({ limit: 'limitRoomWaitingBytes' }),
    )
    this.#statuses = new Statuses(options.queue)
    this.#heavy = { inspect: update => workers.inspect(update, walkLimits(limits)), cut: workers.cut }
  }

  get isBusy(): boolean {
    return this.#inspecting > 0
  }

  /** A promise where the member's next messages have to wait for this one. */
  take(seat: Seat, update: Uint8Array, kind: UpdateKind): void | Promise<void> {
    const { services, loaded } = this.#options
    const { limits } = services
    const { known } = loaded
    const mayWrite = allows(seat.member.access, 'write')
    if (!isLarge(update, limits)) {
      const verdict = mayWrite
        ? pass(update, known, limits, this.#sourceOf(seat, kind))
        : passReadOnly(update, known, limits)
      return this.#judge(seat, update, kind, verdict)
    }
    if (mayWrite) {
      const passing = passLarge(update, known, limits, this.#heavy, this.#sourceOf(seat, kind))
      return this.#judgeLater(seat, update, kind, passing)
    }
    // Only an answer that is answered is worth a worker: whether anything was in the others is told to nobody.
    if (kind === 'update' || !seat.member.wantsStatus) return this.#judge(seat, update, kind, mayOnlyRead)
    return this.#judgeLater(seat, update, kind, passLargeReadOnly(update, known, this.#heavy))
  }

  #sourceOf({ member }: Seat, kind: UpdateKind): Source | null {
    if (member.identity === null) return null
    const { isOfAnother } = this.#options
    return { isOfAnother: client => isOfAnother(client, member), tellsOthers: kind === 'sync-step-2' }
  }

  #judgeLater(seat: Seat, update: Uint8Array, kind: UpdateKind, passing: Promise<Verdict>): Promise<void> {
    this.#inspecting++
    return passing
      .then(
        verdict => this.#judge(seat, update, kind, verdict),
        // The update was not looked at, so nothing is lost: its author has it and comes back with it.
        () => seat.member.close(closeCodes.overload),
      )
      .finally(() => {
        this.#inspecting--
      })
  }

  /** Calls once everything that has arrived is saved [LOG-1]. */
  whenSaved(seat: Seat, call: () => void): void {
    if (seat.waiting >= waitingPerMemberMax) return seat.member.close(closeCodes.overload)
    seat.waiting++
    this.#options.queue.whenSaved(() => {
      seat.waiting--
      call()
    })
  }

  /** A commit has just returned, and nobody has been shown what it holds. */
  saved(): void {
    this.#statuses.committed()
  }

  /** Everybody has been shown it. */
  committed(): void {
    this.#backPressure.committed(this.#options.queue.bytes)
  }

  forget(member: Member): void {
    this.#backPressure.forget(member)
    this.#statuses.forget(member)
  }

  #judge(seat: Seat, original: Uint8Array, kind: UpdateKind, verdict: Verdict): void {
    const { observer } = this.#options.services
    const { member } = seat
    switch (verdict.kind) {
      case 'refused':
        return this.#refuse(member, verdict)
      case 'read-only':
        this.#tellLeftOut(seat, 'read-only', 'it may only read this document')
        if (member.wantsStatus) this.#statuses.refused(seat)
        return
      case 'known':
        observer.updatePassed({ verdict: 'known', bytes: original.byteLength, gaps: 0 })
        this.#tellForeign(seat, verdict)
        if (member.wantsStatus) this.#tellSaved(seat, kind, original)
        else if (kind === 'update') this.whenSaved(seat, echoTo(member, original))
        return
      case 'new':
        this.#tellForeign(seat, verdict)
        return this.#accept(seat, original, kind, verdict)
    }
  }

  #refuse(member: Member, { rule, reason, code }: Refused): void {
    const { document, services } = this.#options
    services.observer.updateRefused({ document, member: member.id, rule, reason, isRepeated: false })
    member.close(code, reason)
  }

  #accept(seat: Seat, original: Uint8Array, kind: UpdateKind, fresh: Fresh): void {
    const { services, loaded, queue, committer, pace, onFault } = this.#options
    const { observer, clock, limits } = services
    const { known } = loaded
    const { member } = seat
    const refused = refusedByLimit(fresh, this.#held(), limits)
    if (refused !== null) return this.#refuse(member, refused)
    const isEchoed = kind === 'update' && fresh.cut && !member.wantsStatus
    const onSaved = isEchoed ? { onSaved: echoTo(member, original) } : {}
    const arrival: Arrival = { ...fresh, author: member.author, ...onSaved }
    try {
      const gaps = known.take(fresh.structs, fresh.deletes)
      pace.note(1, clock.monotonic())
      committer.offer(arrival)
      observer.updatePassed({ verdict: 'new', bytes: original.byteLength, gaps: gaps.length })
      this.#backPressure.authored(member, queue.bytes)
      if (member.wantsStatus) this.#tellSaved(seat, kind, original)
      // Never in answer to a SyncStep2: a client that lacks the same would answer the same again.
      if (kind === 'update' && gaps.length > 0 && shouldAsk(seat.asked, gaps, clock)) ask(seat, known)
    } catch (error) {
      // A vector that claims what is not logged would make its author never send it again.
      onFault(error)
    }
  }

  #held(): Held {
    const { loaded, queue } = this.#options
    const { known, tail, generations } = loaded
    const bytes = (generations.current?.bytes ?? 0) + tail.bytes + queue.bytes
    return { bytes, deleteRanges: known.deleteRangeCount }
  }

  #tellForeign(seat: Seat, { leftOut }: Pick<Fresh, 'leftOut'>): void {
    if (leftOut !== undefined) this.#tellLeftOut(seat, 'foreign-client', foreignReason(leftOut))
  }

  /** Once it is. */
  #tellSaved(seat: Seat, kind: UpdateKind, update: Uint8Array): void {
    if (kind === 'sync-step-2') {
      seat.begunWith = null
      this.#statuses.answerSaved(seat)
    } else if (seat.begunWith === null || isCounted(update, seat.begunWith)) {
      this.#statuses.updateSaved(seat)
    }
  }

  /** What is not taken of a member that stays. */
  #tellLeftOut(seat: Seat, rule: RefusalRule, reason: string): void {
    const { document, services } = this.#options
    const nowMs = services.clock.monotonic()
    const isRepeated = nowMs - seat.refusedMs < refusalPauseMs
    if (!isRepeated) seat.refusedMs = nowMs
    services.observer.updateRefused({ document, member: seat.member.id, rule, reason, isRepeated })
  }
}

/** Yjs 14 clients take their own update coming back as the acknowledgement, so it has to come back whole. Statuses are one, too. */
function echoTo(member: Member, original: Uint8Array): () => void {
  return () => member.send(member.encode({ kind: 'update', update: original }))
}
