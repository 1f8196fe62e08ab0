/**
 * Who is here, as the connections of this instance tell it: what they say of whom is taken or left, and whose connection an entry
 * belongs to. What other instances say of theirs is `remote-presence.ts`.
 *
 * The rules (they are y-protocols' own, with an owner added):
 * - An entry is taken if its clock is higher than the known one (unknown counts as 0), or equal and it removes.
 *   Renewals that change nothing are taken and passed on: receivers forget whoever was not renewed for 30 s.
 * - A connection's *own* id is the one that its first awareness frame names alone. Whoever first brings an id owns it, until
 *   the connection whose own id it is takes it over; tabs relay each other's states, and a relayed state updates the
 *   entry, never its owner.
 * - A removal counts only from the owner, or where the owner is gone: a tab that thinks a hidden neighbour outdated says
 *   so to us too, and the neighbour is still there.
 * - Where members have tokens [AUTH-3], what they say of their user is made true (`vouched-presence.ts`), and a client id
 *   belongs to its user: nobody else says anything under it while it is at home, here or elsewhere, or within the grace. Echoes,
 *   which stock clients send of whatever they hear, are no offence; newer states are.
 * - Where readers are not shown, nothing is taken from members that may only read, and who becomes one is gone for the others.
 * - After an abrupt loss the owner's ids are free for `graceMs` and then removed at the known clock. A bumped clock would
 *   swallow what the returning client says next. Who has come to another instance meanwhile is not removed.
 * - Other instances are told of what belongs to a connection here, and of nothing else: a state that a tab relays for a client of
 *   another instance is told by that one.
 *
 * It decides what is to be told; when it is told is `presence-frames.ts`.
 */
import { allows } from '@syncline/shared/api/access'
import { type AwarenessEntry, goneJson } from '@syncline/shared/presence'
import type { Clock } from '../foundation/clock.ts'
import { type Bringer, Bringers, mayBring, type Speaker } from './presence-bringers.ts'
import { isAnothers, isAtHome, isElsewhere, PresenceEntries, type PresenceEntry } from './presence-entries.ts'
import { vouchedState } from './vouched-presence.ts'

export interface PresenceLimits {
  readonly entriesPerRoomMax: number
  readonly entriesPerConnectionMax: number
  /** Of a message, and of each state in it once it says whose it is. */
  readonly messageBytesMax: number
  /** Whether members that may only read are shown. */
  readonly ofReaders: boolean
  readonly graceMs: number
  readonly outdatedMs: number
}

/**
 * How far ahead of its owner a state that somebody else relays may be. An id whose clock was raised to the end of all
 * numbers could never say anything again.
 */
export const relayedAheadMax = 100

export interface Heard {
  /** To be told to everybody, the sender included. */
  readonly news: readonly AwarenessEntry[]
  /** To be told to other instances. */
  readonly said: readonly AwarenessEntry[]
  /** To be told to the sender alone: it is gone for the others, and answers that with a higher clock. */
  readonly correction: readonly AwarenessEntry[]
  /** Entries left out because the room or the connection is full, or the state too large. */
  readonly leftOut: number
  /** Entries left out because their client ids are another user's. */
  readonly forged: number
}

type Outcome = 'news' | 'moved-here' | 'stale' | 'gone-for-others' | 'full' | 'forged'

/** `news` is to be told to everybody here, `said` to other instances. */
type Announce = (news: readonly AwarenessEntry[], said: readonly AwarenessEntry[]) => void

export class Presence {
  readonly entries: PresenceEntries
  readonly bringers = new Bringers()
  readonly #limits: PresenceLimits
  readonly #clock: Clock
  readonly #announce: Announce

  /** `announce` is called with removals that come later than the event that caused them. */
  constructor(limits: PresenceLimits, clock: Clock, announce: Announce) {
    this.entries = new PresenceEntries(limits.entriesPerRoomMax, clock)
    this.#limits = limits
    this.#clock = clock
    this.#announce = announce
  }

  get size(): number {
    return this.entries.size
  }

  /** Whether a client id belongs to another user who is connected, here or to another instance [AUTH-3]. */
  isOfAnother(client: number, speaker: Speaker): boolean {
    const kept = this.entries.get(client)
    if (kept === undefined || !isAtHome(kept)) return false
    return isAnothers(kept, this.bringers.userOf(speaker))
  }

  hear(speaker: Speaker, entries: readonly AwarenessEntry[]): Heard {
    const bringer = this.bringers.heard(speaker, entries)
    const news: AwarenessEntry[] = []
    const said: AwarenessEntry[] = []
    const correction: AwarenessEntry[] = []
    let leftOut = 0
    let forged = 0
    for (const entry of this.#isShown(speaker) ? entries : []) {
      const outcome = this.#hearOne(speaker, bringer, entry)
      if (outcome === 'news') this.#pass(entry.client, news, said)
      else if (outcome === 'moved-here') said.push(this.#entryOf(entry.client))
      else if (outcome === 'gone-for-others') correction.push(this.#removalOf(entry.client))
      else if (outcome === 'full') leftOut++
      else if (outcome === 'forged') forged++
    }
    return { news, said, correction, leftOut, forged }
  }

  #pass(client: number, news: AwarenessEntry[], said: AwarenessEntry[]): void {
    const entry = this.#entryOf(client)
    news.push(entry)
    if (this.entries.get(client)!.owner !== null) said.push(entry)
  }

  #hearOne(speaker: Speaker, bringer: Bringer, stated: AwarenessEntry): Outcome {
    const kept = this.entries.get(stated.client)
    const refusal = this.#refusal(kept, bringer, stated)
    if (refusal !== null) return refusal
    const isNewer = kept === undefined || stated.clock > kept.clock
    const entry = isNewer ? this.#vouched(stated, speaker) : stated
    if (entry === null) return 'full'
    if (kept !== undefined) return this.#update(kept, entry, speaker.id, bringer)
    bringer.ids.add(entry.client)
    this.entries.add(entry, { owner: speaker.id, elsewhere: null, user: bringer.user })
    return entry.clock > 0 ? 'news' : 'stale'
  }

  /** Null for what may be said, as far as it is new. */
  #refusal(kept: PresenceEntry | undefined, bringer: Bringer, stated: AwarenessEntry): Outcome | null {
    const removes = stated.json === goneJson
    if (kept === undefined && removes) return 'stale'
    if (kept !== undefined && isAnothers(kept, bringer.user))
      return stated.clock > kept.clock ? 'forged' : 'stale'
    const isFree = kept === undefined || kept.user === null
    if (isFree && !removes && !mayBring(bringer, stated)) return 'stale'
    return kept === undefined && !this.#hasRoomFor(bringer) ? 'full' : null
  }

  #update(kept: PresenceEntry, entry: AwarenessEntry, connection: string, bringer: Bringer): Outcome {
    const { owner } = kept
    const isOwn = bringer.own === entry.client
    const isNewer = entry.clock > kept.clock
    const removes = entry.json === goneJson
    const wasAtHome = isAtHome(kept)
    if (isOwn || (!wasAtHome && !removes && isNewer)) this.#takeOver(connection, bringer, entry.client, kept)
    const isRelayed = wasAtHome && owner !== connection && !isOwn
    if (isRelayed && (removes || entry.clock > kept.clock + relayedAheadMax)) return 'stale'
    if (isNewer || (entry.clock === kept.clock && removes && kept.json !== goneJson)) {
      this.entries.take(kept, entry)
      return 'news'
    }
    if (isOwn && !removes && kept.json === goneJson) return 'gone-for-others'
    return isOwn && owner === null && wasAtHome ? 'moved-here' : 'stale'
  }

  /** With what the token says of its user; null where it has become too large. */
  #vouched(entry: AwarenessEntry, { identity }: Speaker): AwarenessEntry | null {
    if (identity === null || entry.json === goneJson) return entry
    const json = vouchedState(entry.json, identity, this.#limits.messageBytesMax)
    return json === null ? null : { ...entry, json }
  }

  /** The connection said goodbye (its removals have been heard), or broke off: then its ids stay free for a while. */
  leave(connection: string, how: 'closed' | 'lost'): void {
    const bringer = this.bringers.of(connection)
    this.bringers.delete(connection)
    if (bringer !== undefined) this.#free(connection, bringer, how === 'closed' ? 0 : this.#limits.graceMs)
  }

  /** `speaker.access` is another than before. */
  accessChanged(speaker: Speaker): void {
    const bringer = this.bringers.of(speaker.id)
    if (bringer === undefined || this.#isShown(speaker)) return
    this.#free(speaker.id, bringer, 0)
    bringer.ids.clear()
  }

  #isShown({ access }: Speaker): boolean {
    return this.#limits.ofReaders || allows(access, 'write')
  }

  /** Its ids are no longer its own; who does not take one over within the grace is gone. */
  #free(connection: string, bringer: Bringer, graceMs: number): void {
    const free = [...bringer.ids].filter(client => this.entries.get(client)?.owner === connection)
    const freedMs = this.#clock.monotonic()
    for (const client of free) {
      const kept = this.entries.get(client)!
      kept.owner = null
      kept.freedMs = freedMs
      if (kept.json === goneJson && !isElsewhere(kept)) kept.user = null
    }
    const present = free.filter(client => this.entries.get(client)!.json !== goneJson)
    if (present.length === 0) return
    if (graceMs === 0) this.#removeFree(present, freedMs)
    else this.#clock.after(graceMs, () => this.#removeFree(present, freedMs))
  }

  /** What a newcomer is told. Who was not renewed lately may be gone; who is not will renew. */
  current(): AwarenessEntry[] {
    const since = this.#clock.monotonic() - this.#limits.outdatedMs
    const entries: AwarenessEntry[] = []
    for (const [client, { clock, json, seenMs }] of this.entries) {
      if (json !== goneJson && clock > 0 && seenMs >= since) entries.push({ client, clock, json })
    }
    return entries
  }

  /** Everybody who is at home here, those who broke off and may come back included. */
  here(): AwarenessEntry[] {
    const entries: AwarenessEntry[] = []
    for (const [client, kept] of this.entries) {
      const { clock, json } = kept
      const isHere = kept.owner !== null || !isElsewhere(kept)
      if (isHere && json !== goneJson && clock > 0) entries.push({ client, clock, json })
    }
    return entries
  }

  /** Forgets who has been gone, or ownerless and silent, for long. To be called now and then. */
  sweep(): void {
    const before = this.#clock.monotonic() - this.#limits.outdatedMs
    for (const [client, kept] of this.entries) {
      // Whoever is still within the grace is announced as gone at its end, however long ago they were seen.
      const isGone = kept.json === goneJson && !this.#isClaimed(client, kept)
      const isAbsent = isGone || (!isAtHome(kept) && kept.freedMs < before)
      if (isAbsent && kept.seenMs < before) this.#forget(client, kept)
    }
  }

  /** Removes those who have had no owner since `freedMs`: who came back and broke off again has a grace of its own. */
  #removeFree(clients: number[], freedMs: number): void {
    const removed: AwarenessEntry[] = []
    const said: AwarenessEntry[] = []
    for (const client of clients) {
      const kept = this.entries.get(client)
      if (kept === undefined || kept.owner !== null || kept.json === goneJson) continue
      if (kept.freedMs !== freedMs) continue
      // Who is elsewhere stays: only that it is not here any more is said.
      if (!isElsewhere(kept)) removed.push(this.entries.remove(client, kept))
      said.push(this.#removalOf(client))
    }
    if (said.length > 0) this.#announce(removed, said)
  }

  /** At the known clock: a higher one would swallow what the client says next, a lower one is refused by it. */
  #removalOf(client: number): AwarenessEntry {
    return { client, clock: this.entries.get(client)!.clock, json: goneJson }
  }

  #entryOf(client: number): AwarenessEntry {
    const { clock, json } = this.entries.get(client)!
    return { client, clock, json }
  }

  /** A user keeps their own id while they are connected, also when they show nothing of themselves. */
  #isClaimed(client: number, { owner, user }: PresenceEntry): boolean {
    return user !== null && owner !== null && this.bringers.of(owner)?.own === client
  }

  #hasRoomFor(bringer: Bringer): boolean {
    return !this.entries.isFull && bringer.ids.size < this.#limits.entriesPerConnectionMax
  }

  #takeOver(connection: string, bringer: Bringer, client: number, kept: PresenceEntry): void {
    if (kept.owner === connection) return
    if (kept.owner !== null) this.bringers.of(kept.owner)?.ids.delete(client)
    kept.owner = connection
    kept.user = bringer.user
    bringer.ids.add(client)
  }

  #forget(client: number, kept: PresenceEntry): void {
    if (kept.owner !== null) this.bringers.of(kept.owner)?.ids.delete(client)
    kept.owner = null
    // Whose it is elsewhere stays known; what is said there next is taken at any clock.
    if (isElsewhere(kept)) kept.clock = 0
    else this.entries.delete(client)
  }
}
