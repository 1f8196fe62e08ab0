/**
 * A document while it is loaded on this instance. Orders the steps of the way of an edit; its neighbours do them:
 * gate → window queue → committer (log) → tail, acknowledgements, seats (broadcast) → compaction.
 *
 * Knows members, not connections, and bytes, not documents: nothing here builds a `Y.Doc` [ROOM-1].
 */
import type { StateVector } from '@syncline/shared/update/vector'
import { type CloseCode, closeCodes } from '@syncline/shared/wire/close-codes'
import type { Message } from '@syncline/shared/wire/message'
import type { End } from '../store/update-log.ts'
import { ask, askWhereAccessGrew } from './asking.ts'
import { Committer, type Shown } from './committer.ts'
import { Intake } from './intake.ts'
import { Joining } from './joining.ts'
import { Lagging } from './lagging.ts'
import type { Member } from './member.ts'
import { OtherInstances } from './other-instances.ts'
import { Pace } from './pace.ts'
import { Presence } from './presence.ts'
import { PresenceFrames } from './presence-frames.ts'
import { PresenceIntake } from './presence-intake.ts'
import type { Loaded, RoomServices } from './room-services.ts'
import { Seats } from './seats.ts'
import { Shrinking } from './shrinking.ts'
import { Stateless } from './stateless.ts'
import type { Window } from './tail.ts'
import { WindowQueue } from './window-queue.ts'

export class Room {
  readonly document: string
  readonly #services: RoomServices
  readonly #loaded: Loaded
  readonly #seats = new Seats()
  readonly #queue = new WindowQueue(() => this.#intake.saved())
  readonly #others: OtherInstances
  readonly #committer: Committer
  readonly #intake: Intake
  readonly #presence: Presence
  readonly #presenceFrames: PresenceFrames
  readonly #presenceIntake: PresenceIntake
  readonly #stateless: Stateless
  readonly #shrinking: Shrinking
  readonly #joining: Joining
  readonly #lagging: Lagging
  readonly #onFailed: (room: Room) => void
  #lastCommitMs: number
  #failed = false
  #retired = false

  constructor(document: string, loaded: Loaded, services: RoomServices, onFailed: (room: Room) => void) {
    const { clock, limits, observer, log, instance } = services
    this.document = document
    this.#loaded = loaded
    this.#services = services
    this.#onFailed = onFailed
    this.#lastCommitMs = clock.monotonic()
    this.#presence = new Presence(limits.presence, clock, (news, said) =>
      this.#presenceFrames.add(news, said),
    )
    const windowMs = (pace: Pace) => pace.windowMs(this.#seats.size, services.loopLagMs())
    this.#presenceFrames = new PresenceFrames(
      this.#queue,
      clock,
      windowMs,
      message => this.#seats.broadcastPresence(message),
      services.relay === null ? null : awareness => this.#others.presence?.say(awareness),
    )
    this.#presenceIntake = new PresenceIntake({
      document,
      presence: this.#presence,
      frames: this.#presenceFrames,
      limits: limits.presence,
      clock,
      observer,
    })
    this.#others = new OtherInstances({
      document,
      loaded,
      services,
      queue: this.#queue,
      presence: { presence: this.#presence, frames: this.#presenceFrames, members: () => this.#seats.size },
      offer: arrival => this.#committer.offer(arrival),
      onWindows: windows => {
        this.#keep(windows)
        this.#send(windows)
      },
      onStateless: payload => this.#stateless.hearElsewhere(payload),
      onMended: sent => this.#bringUpToDate(sent),
      onEpochEnded: () => this.#endEpoch(),
      onFault: error => this.#fail(error),
    })
    this.#stateless = new Stateless({
      document,
      limits: limits.stateless,
      observer,
      onText: services.onStateless,
      tellHere: message => this.#seats.broadcastStateless(message),
      tellOthers: payload => this.#others.sayStateless(payload),
    })
    const { following } = this.#others
    this.#shrinking = new Shrinking({ ...services, ...loaded, document, following })
    const onLive = (member: Member) => this.#presenceIntake.tellCurrent(member)
    this.#joining = new Joining({
      document,
      loaded,
      services,
      upToDate: () => this.#others.upToDate(),
      onLive,
    })
    this.#lagging = new Lagging({ document, joining: this.#joining, clock, observer })
    const pace = new Pace(this.#lastCommitMs)
    this.#committer = new Committer({
      document,
      log,
      clock,
      instance,
      queue: this.#queue,
      following,
      windowMs: () => windowMs(pace),
      awayMs: limits.showUnsavedAfterMs ?? limits.storeAwayCloseAfterMs,
      onMergeFailure: (seq, authors, error) => observer.mergeFailed({ document, seq, authors, error }),
      onCommitted: windows => this.#keep(windows),
      onTold: (windows, took) => this.#broadcast(windows, took),
      onAway: ms => this.#storeAway(ms),
      onShown: windows => this.#send(windows),
      onRewritten: why => this.#others.mend(why),
      onRefused: error => this.#fail(error),
    })
    this.#intake = new Intake({
      document,
      services,
      loaded,
      queue: this.#queue,
      committer: this.#committer,
      pace,
      isOfAnother: (client, member) => this.#presence.isOfAnother(client, member),
      onFault: error => this.#fail(error),
    })
  }

  get members(): number {
    return this.#seats.size
  }

  /** Ranges behind gaps, and presence entries, for the census. */
  get held(): { heldRanges: number; presenceEntries: number } {
    return { heldRanges: this.#loaded.known.heldCount, presenceEntries: this.#presence.size }
  }

  /** The end of what is committed, as `{seq, link}`. */
  get end(): End {
    return this.#others.following.end
  }

  /** Something may still be written: a second room for the same document would not hear of it. */
  get isBusy(): boolean {
    return this.#committer.isBusy || this.#shrinking.isRunning || this.#intake.isBusy || this.#others.isBusy
  }

  enter(member: Member): void {
    this.#seats.add(member)
    // A room that has failed is still found by who was about to enter it; nothing would ever be committed for them.
    if (this.#committer.isStalled || this.#failed || this.#retired) member.close(closeCodes.overload)
  }

  leave(member: Member, how: 'closed' | 'lost'): void {
    const seat = this.#seats.remove(member)
    if (seat === undefined) return
    this.#intake.forget(member)
    this.#presence.leave(member.id, how)
    const { document } = this
    const left = { document, member: member.id, members: this.#seats.size, wasLive: seat.joined }
    this.#services.observer.memberLeft(left)
  }

  /** `member.access` is another than before. */
  accessChanged(member: Member): void {
    const seat = this.#seats.of(member)
    if (seat === undefined) return
    askWhereAccessGrew(seat, this.#loaded.known)
    this.#presence.accessChanged(member)
  }

  /** A promise where the member's next messages have to wait for this one. */
  receive(member: Member, message: Message): void | Promise<void> {
    const seat = this.#seats.of(member)
    if (seat === undefined) return
    switch (message.kind) {
      case 'sync-step-1':
        return this.#joining.answer(seat, message.vector)
      case 'sync-step-2':
      case 'update':
        // A copy: the message is a view into what was read from the socket, and would keep all of that in memory.
        return this.#intake.take(seat, message.update.slice(), message.kind)
      case 'awareness':
        return this.#presenceIntake.take(member, message.awareness)
      case 'query-awareness':
        return this.#presenceIntake.answer(member)
      case 'stateless':
        return this.#stateless.hear(member, message.payload)
      case 'saved':
        return this.#intake.whenSaved(seat, () => member.send(member.encode(message)))
      default:
        return member.close(closeCodes.malformed, `a client does not send ${message.kind} to a document`)
    }
  }

  /** To be called every few seconds: what happens at rest. */
  tick(): void {
    this.#presence.sweep()
    this.#loaded.tail.forgetFrames()
    if (!this.#committer.isBusy) this.#shrinking.atRest(this.#lastCommitMs)
  }

  /** To be called every second or two: what was missed is found, also when nobody types any more. */
  sweep(): void {
    this.#others.sweep()
  }

  /** The room is let go. */
  letGo(): void {
    this.#others.leave()
  }

  closeAll(code: CloseCode): void {
    for (const { member } of [...this.#seats]) member.close(code)
  }

  /** The document is about to become another: nobody enters any more, and everybody comes back to what it is then. */
  retire(): void {
    this.#retired = true
    this.closeAll(closeCodes.restart)
  }

  #keep(windows: readonly Window[]): void {
    for (const window of windows) this.#loaded.tail.add(window)
  }

  #broadcast(windows: readonly Window[], { ms, updates }: { ms: number; updates: number }): void {
    this.#send(windows)
    this.#presenceFrames.afterCommit()
    this.#intake.committed()
    const bytes = windows.reduce((sum, { update }) => sum + update.byteLength, 0)
    this.#services.observer.windowCommitted({ updates, bytes, ms, members: this.#seats.size })
    this.#shrinking.whileBusy()
  }

  #send(windows: readonly Shown[]): void {
    const messages: Message[] = windows.map(({ update }) => ({ kind: 'update', update }))
    this.#seats.broadcast(messages, seat => this.#lagging.fallBehind(seat, this.#sentBefore(windows)))
    this.#lastCommitMs = this.#services.clock.monotonic()
  }

  /** The vector of what live members had been sent before these windows. */
  #sentBefore(windows: readonly Shown[]): StateVector {
    const notSent = [...windows, ...this.#queue.uncommitted()]
    return this.#loaded.known.vectorWithout(notSent.map(({ structs }) => structs))
  }

  // --- trouble

  #storeAway(ms: number): 'wait' | 'show' {
    const { limits, observer } = this.#services
    observer.commitStalled({ document: this.document, ms, members: this.#seats.size })
    if (limits.showUnsavedAfterMs !== null) return 'show'
    this.closeAll(closeCodes.overload)
    return 'wait'
  }

  /** The room has read its log anew: whoever is here is sent what it lacks, and asked for what only it has [REL-2]. */
  #bringUpToDate(sent: StateVector): void {
    for (const seat of this.#seats) {
      if (!seat.live) continue
      this.#joining.resume(seat, sent)
      ask(seat, this.#loaded.known)
    }
  }

  /** Another instance has put other content in the document's place: everybody comes back to that. */
  #endEpoch(): void {
    if (this.#failed) return
    this.#failed = true
    this.#onFailed(this)
    this.retire()
  }

  /** What was accepted and can never be stored is still held by its authors: everybody comes back and is asked again. */
  #fail(error: unknown): void {
    if (this.#failed) return
    this.#failed = true
    this.#services.observer.roomFailed({ document: this.document, during: 'append', error })
    this.#onFailed(this)
    this.closeAll(closeCodes.overload)
  }
}
