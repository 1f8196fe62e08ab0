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
 * - After an abrupt loss the owner's ids are free for `graceMs` and then removed at the known clock. A bumped clock would
 *   swallow what the returning client says next. Who has come to another instance meanwhile is not removed.
 * - Other instances are told of what belongs to a connection here, and of nothing else: a state that a tab relays for a client of
 *   another instance is told by that one.
 *
 * It decides what is to be told; when it is told is `presence-frames.ts`.
 */
import { type AwarenessEntry, goneJson } from '@syncline/shared/presence'
import type { Clock } from '../foundation/clock.ts'
import { isAtHome, isElsewhere, PresenceEntries, type PresenceEntry } from './presence-entries.ts'

export interface PresenceLimits {
  readonly entriesPerRoomMax: number
  readonly entriesPerConnectionMax: number
  readonly graceMs: number
  readonly outdatedMs: number
}

/**
 * How far ahead of its owner a state that somebody else relays may be. An id whose clock was raised to the end of all
 * numbers could never say anything again.
 */
export const relayedAheadMax = 100

interface Bringer {
  /** Client id, null before the first awareness frame, 'none' where that frame named nobody or several. */
  own: number | null | 'none'
  readonly ids: Set<number>
}

export interface Heard {
  /** To be told to everybody, the sender included. */
  readonly news: readonly AwarenessEntry[]
  /** To be told to other instances. */
  readonly said: readonly AwarenessEntry[]
  /** To be told to the sender alone: it is gone for the others, and answers that with a higher clock. */
  readonly correction: readonly AwarenessEntry[]
  /** Entries left out because the room or the connection is full. */
  readonly leftOut: number
}

/** `news` is to be told to everybody here, `said` to other instances. */
type Announce = (news: readonly AwarenessEntry[], said: readonly AwarenessEntry[]) => void

export class Presence {
  readonly entries: PresenceEntries
  readonly #bringers = new Map<string, Bringer>()
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

  hear(connection: string, entries: readonly AwarenessEntry[]): Heard {
    const bringer = this.#bringer(connection)
    if (bringer.own === null && entries.length > 0)
      bringer.own = entries.length === 1 ? entries[0]!.client : 'none'
    const news: AwarenessEntry[] = []
    const said: AwarenessEntry[] = []
    const correction: AwarenessEntry[] = []
    let leftOut = 0
    for (const entry of entries) {
      const outcome = this.#hearOne(connection, bringer, entry)
      if (outcome === 'news') news.push(entry)
      const isHere = outcome === 'news' && this.entries.get(entry.client)!.owner !== null
      if (isHere || outcome === 'moved-here') said.push(entry)
      else if (outcome === 'gone-for-others') correction.push(this.#removalOf(entry.client))
      else if (outcome === 'full') leftOut++
    }
    return { news, said, correction, leftOut }
  }

  #hearOne(
    connection: string,
    bringer: Bringer,
    entry: AwarenessEntry,
  ): 'news' | 'moved-here' | 'stale' | 'gone-for-others' | 'full' {
    const kept = this.entries.get(entry.client)
    const isOwn = bringer.own === entry.client
    const removes = entry.json === goneJson
    if (kept === undefined) {
      if (removes) return 'stale'
      if (!this.#hasRoomFor(bringer)) return 'full'
      bringer.ids.add(entry.client)
      this.entries.add(entry, { owner: connection, elsewhere: null })
      return entry.clock > 0 ? 'news' : 'stale'
    }
    const { owner } = kept
    const wasAtHome = isAtHome(kept)
    if (isOwn || (!wasAtHome && !removes && entry.clock > kept.clock))
      this.#takeOver(connection, bringer, entry.client, kept)
    const isRelayed = wasAtHome && owner !== connection && !isOwn
    if (isRelayed && (removes || entry.clock > kept.clock + relayedAheadMax)) return 'stale'
    if (entry.clock > kept.clock || (entry.clock === kept.clock && removes && kept.json !== goneJson)) {
      this.entries.take(kept, entry)
      return 'news'
    }
    if (isOwn && !removes && kept.json === goneJson) return 'gone-for-others'
    return isOwn && owner === null && wasAtHome ? 'moved-here' : 'stale'
  }

  /** The connection said goodbye (its removals have been heard), or broke off: then its ids stay free for a while. */
  leave(connection: string, how: 'closed' | 'lost'): void {
    const bringer = this.#bringers.get(connection)
    this.#bringers.delete(connection)
    if (bringer === undefined) return
    const free = [...bringer.ids].filter(client => this.entries.get(client)?.owner === connection)
    const freedMs = this.#clock.monotonic()
    for (const client of free) {
      const kept = this.entries.get(client)!
      kept.owner = null
      kept.freedMs = freedMs
    }
    const present = free.filter(client => this.entries.get(client)!.json !== goneJson)
    if (present.length === 0) return
    if (how === 'closed') this.#removeFree(present, freedMs)
    else this.#clock.after(this.#limits.graceMs, () => this.#removeFree(present, freedMs))
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
      const isAbsent = kept.json === goneJson || (!isAtHome(kept) && kept.freedMs < before)
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

  #bringer(connection: string): Bringer {
    let bringer = this.#bringers.get(connection)
    if (bringer === undefined) {
      bringer = { own: null, ids: new Set() }
      this.#bringers.set(connection, bringer)
    }
    return bringer
  }

  #hasRoomFor(bringer: Bringer): boolean {
    return !this.entries.isFull && bringer.ids.size < this.#limits.entriesPerConnectionMax
  }

  #takeOver(connection: string, bringer: Bringer, client: number, kept: PresenceEntry): void {
    if (kept.owner === connection) return
    if (kept.owner !== null) this.#bringers.get(kept.owner)?.ids.delete(client)
    kept.owner = connection
    bringer.ids.add(client)
  }

  #forget(client: number, kept: PresenceEntry): void {
    if (kept.owner !== null) this.#bringers.get(kept.owner)?.ids.delete(client)
    this.entries.delete(client)
  }
}
