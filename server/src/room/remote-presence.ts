/**
 * Who is here on other instances, and telling them who is here on this one.
 *
 * An instance says only what belongs to a connection of its own, so whatever it says of a client means that the client is at home
 * there. A client on its way from one instance to another, or whose broken connection the former has not noticed yet, is at
 * home at both for a while: it is shown until the last of them has let it go. Only a removal with a newer clock, which
 * is the client's own goodbye, ends it at once.
 *
 * Another instance has seen the tokens of its people, so whom a state names is believed [AUTH-3]. Where two instances give one client
 * to two users, which takes a relay that lost something, each room leaves it to whom it heard of first.
 *
 * What the relay loses is made up for by the whole of each instance, said from time to time and when another one asks. An instance
 * that says nothing for long is gone, or cannot be heard, and its people with it.
 */
import { type AwarenessEntry, decodeAwareness, encodeAwareness, goneJson } from '@syncline/shared/presence'
import type { Clock } from '../foundation/clock.ts'
import type { RelayChannel } from '../relay/relay.ts'
import type { RoomObserver } from './observer.ts'
import { type Presence, relayedAheadMax } from './presence.ts'
import { isAnothers, isAtHome, type PresenceEntries, type PresenceEntry } from './presence-entries.ts'
import type { PresenceFrames } from './presence-frames.ts'
import { type PresenceUser, userVouchedFor } from './presence-user.ts'

const wholeEveryMs = 10_000
/** People of an instance that died are gone within 30 s; rooms look every second or two. */
const silentMsMax = 28_000
/** Instances that ask in the same moment, as they do when Redis is back, share one answer. */
const answerMs = 100
/** More instances than any installation has; those beyond are not heard. */
const instancesMax = 1_024
/** Other instances may have higher limits; what is beyond ours is left out entry by entry. */
const entriesMax = 65_536

export interface RemotePresenceOptions {
  readonly document: string
  readonly presence: Pick<Presence, 'entries' | 'here' | 'bringers'>
  readonly frames: Pick<PresenceFrames, 'add'>
  readonly clock: Clock
  /** How many members are here: a room without any says nothing. */
  readonly members: () => number
  readonly observer: Pick<RoomObserver, 'presenceLeftOut' | 'remotePresencePassedOver'>
}

export class RemotePresence {
  readonly #options: RemotePresenceOptions
  readonly #entries: PresenceEntries
  readonly #channel: RelayChannel
  /** When each instance was heard last. */
  readonly #heardMs = new Map<string, number>()
  #wholeDueMs: number
  /** One strange instance would fill the log. */
  #isStrangeTold = false
  #isCrowdTold = false
  #cancelAnswer: (() => void) | null = null

  constructor(channel: RelayChannel, options: RemotePresenceOptions) {
    this.#channel = channel
    this.#options = options
    this.#entries = options.presence.entries
    // Not all rooms of a server in the same moment.
    this.#wholeDueMs = options.clock.monotonic() + Math.random() * wholeEveryMs
  }

  /** `whole`: of all connections of that instance, so whoever is not named has none there. */
  hear(instance: string, awareness: Uint8Array, whole: boolean): void {
    const { document, frames, clock, observer } = this.#options
    if (!this.#heardMs.has(instance) && this.#heardMs.size >= instancesMax) return
    const decoded = decodeAwareness(awareness, entriesMax)
    if (!decoded.ok) {
      const isFirst = !this.#isStrangeTold
      this.#isStrangeTold = true
      return observer.remotePresencePassedOver({ document, instance, reason: decoded.reason, isFirst })
    }
    this.#heardMs.set(instance, clock.monotonic())
    const news: AwarenessEntry[] = []
    let leftOut = 0
    for (const entry of decoded.entries) {
      const outcome =
        entry.json === goneJson ? this.#hearGone(instance, entry) : this.#hearState(instance, entry)
      if (outcome === 'full') leftOut++
      else if (outcome !== null) news.push(outcome)
    }
    if (whole) {
      const named = new Set(decoded.entries.map(({ client }) => client))
      news.push(...this.#letGo(instance, client => !named.has(client)))
    }
    frames.add(news, [])
    if (leftOut === 0) return
    const isFirst = !this.#isCrowdTold
    this.#isCrowdTold = true
    observer.presenceLeftOut({ document, member: `instance ${instance}`, entries: leftOut, isFirst })
  }

  /** Another instance wants to know who is here. */
  asked(): void {
    this.#cancelAnswer ??= this.#options.clock.after(answerMs, () => {
      this.#cancelAnswer = null
      this.#sayWhole()
    })
  }

  /** What was said before this may not have been heard, here and there. */
  subscribed(): void {
    this.#channel.askPresence()
    this.asked()
  }

  /** Tells other instances what belongs to a connection here. */
  say(awareness: Uint8Array): void {
    this.#channel.sayPresence(awareness, false)
  }

  /** To be called every second or two. */
  sweep(): void {
    const { clock, frames } = this.#options
    const nowMs = clock.monotonic()
    for (const [instance, heardMs] of this.#heardMs) {
      if (nowMs - heardMs < silentMsMax) continue
      this.#heardMs.delete(instance)
      frames.add(
        this.#letGo(instance, () => true),
        [],
      )
    }
    if (nowMs >= this.#wholeDueMs) this.#sayWhole()
  }

  end(): void {
    this.#cancelAnswer?.()
  }

  #sayWhole(): void {
    const { presence, clock, members } = this.#options
    this.#wholeDueMs = clock.monotonic() + wholeEveryMs
    const entries = presence.here()
    if (entries.length > 0 || members() > 0) this.#channel.sayPresence(encodeAwareness(entries), true)
  }

  /** Gives what is to be told here. */
  #hearState(instance: string, entry: AwarenessEntry): AwarenessEntry | null | 'full' {
    const kept = this.#entries.get(entry.client)
    const user = userVouchedFor(entry.json)
    if (kept === undefined) {
      if (this.#entries.isFull) return 'full'
      this.#entries.add(entry, { owner: null, elsewhere: new Set([instance]), user })
      return entry.clock > 0 ? entry : null
    }
    if (this.#isAnothers(instance, kept, user)) return null
    const isNewer = entry.clock > kept.clock
    kept.elsewhere ??= new Set()
    kept.elsewhere.add(instance)
    if (kept.owner === null) kept.user = user
    // Also of somebody who is gone for the members here: they would not take it back.
    if (!isNewer || (kept.owner !== null && entry.clock > kept.clock + relayedAheadMax)) return null
    this.#entries.take(kept, entry)
    return entry
  }

  /** An instance that names another user than before is believed: there, the former has let go of it. */
  #isAnothers(instance: string, kept: PresenceEntry, user: PresenceUser): boolean {
    if (!this.#options.presence.bringers.haveTokens || !isAnothers(kept, user)) return false
    const wasThere = kept.elsewhere?.delete(instance) === true
    return !wasThere || isAtHome(kept)
  }

  #hearGone(instance: string, entry: AwarenessEntry): AwarenessEntry | null {
    const kept = this.#entries.get(entry.client)
    if (kept?.elsewhere?.delete(instance) !== true) return null
    if (entry.clock > kept.clock) {
      this.#entries.take(kept, entry)
      return entry
    }
    return this.#removeIfNowhere(entry.client, kept)
  }

  /** Clients that have no connection at an instance any more. Gives those who are gone with that. */
  #letGo(instance: string, isGone: (client: number) => boolean): AwarenessEntry[] {
    const removed: AwarenessEntry[] = []
    for (const [client, kept] of this.#entries) {
      if (!isGone(client) || kept.elsewhere?.delete(instance) !== true) continue
      const removal = this.#removeIfNowhere(client, kept)
      if (removal !== null) removed.push(removal)
    }
    return removed
  }

  /** Null where there is nothing to tell. */
  #removeIfNowhere(client: number, kept: PresenceEntry): AwarenessEntry | null {
    if (isAtHome(kept)) return null
    const wasGone = kept.json === goneJson
    const removal = this.#entries.remove(client, kept)
    return wasGone ? null : removal
  }
}
