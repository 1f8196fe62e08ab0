/**
 * The way of presence through a room, from what a member says to what everybody is told: checked for size and form here, judged by
 * `presence.ts`, told by `presence-frames.ts`.
 */
import { type AwarenessEntry, decodeAwareness, encodeAwareness } from '@syncline/shared/presence'
import { closeCodes } from '@syncline/shared/wire/close-codes'
import type { Clock } from '../foundation/clock.ts'
import type { Member } from './member.ts'
import type { RoomObserver } from './observer.ts'
import type { Heard, Presence, PresenceLimits } from './presence.ts'
import type { PresenceFrames } from './presence-frames.ts'

export interface PresenceIntakeOptions {
  readonly document: string
  readonly presence: Pick<Presence, 'hear' | 'current'>
  readonly frames: Pick<PresenceFrames, 'add'>
  readonly limits: PresenceLimits
  readonly clock: Clock
  readonly observer: Pick<RoomObserver, 'presenceLeftOut' | 'presenceForged' | 'limitReached'>
}

/** How often one member is told of everybody because it asks. */
const answerPauseMs = 1_000

export class PresenceIntake {
  readonly #options: PresenceIntakeOptions
  /** Who has been told of: each of them could fill the log. */
  readonly #hasTooMuch = new WeakSet<Member>()
  readonly #hasForged = new WeakSet<Member>()
  /** When each was told of everybody because it asked. */
  readonly #answeredMs = new WeakMap<Member, number>()

  constructor(options: PresenceIntakeOptions) {
    this.#options = options
  }

  take(member: Member, awareness: Uint8Array): void {
    const { limits, presence, frames, observer } = this.#options
    if (awareness.byteLength > limits.messageBytesMax) {
      observer.limitReached({ limit: 'limitPresenceMessageBytes' })
      const reason = `presence of ${awareness.byteLength} bytes came, at most ${limits.messageBytesMax} are allowed`
      return member.close(closeCodes.tooLarge, `${reason} (limitPresenceMessageBytes)`)
    }
    const decoded = decodeAwareness(awareness, limits.entriesPerRoomMax)
    if (!decoded.ok) return member.close(closeCodes.malformed, decoded.reason)
    const heard = presence.hear(member, decoded.entries)
    frames.add(heard.news, heard.said)
    tell(member, heard.correction)
    this.#observe(member, heard)
  }

  /** Whoever has just been told of everybody has been told of all that came since, and a question of one byte is not to cost that again. */
  answer(member: Member): void {
    const nowMs = this.#options.clock.monotonic()
    if (nowMs - (this.#answeredMs.get(member) ?? Number.NEGATIVE_INFINITY) < answerPauseMs) return
    this.#answeredMs.set(member, nowMs)
    this.tellCurrent(member)
  }

  tellCurrent(member: Member): void {
    tell(member, this.#options.presence.current())
  }

  #observe(member: Member, { leftOut, forged }: Heard): void {
    const { document, observer } = this.#options
    const event = { document, member: member.id }
    if (leftOut > 0) {
      observer.presenceLeftOut({ ...event, entries: leftOut, isFirst: isFirst(this.#hasTooMuch, member) })
    }
    if (forged > 0) {
      observer.presenceForged({ ...event, entries: forged, isFirst: isFirst(this.#hasForged, member) })
    }
  }
}

function isFirst(members: WeakSet<Member>, member: Member): boolean {
  if (members.has(member)) return false
  members.add(member)
  return true
}

function tell(member: Member, entries: readonly AwarenessEntry[]): void {
  if (entries.length > 0)
    member.send(member.encode({ kind: 'awareness', awareness: encodeAwareness(entries) }))
}
