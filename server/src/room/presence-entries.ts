/**
 * The newest awareness entry of each client id in a room, and where that client is at home: at a connection here, or on other
 * instances. What connections say is judged in `presence.ts`, what other instances say in `remote-presence.ts`.
 */
import { type AwarenessEntry, goneJson } from '@syncline/shared/presence'
import type { Clock } from '../foundation/clock.ts'
import type { PresenceUser } from './presence-user.ts'

export interface PresenceEntry {
  clock: number
  /** `'null'` for somebody who is gone: kept for a while, so that an old state that arrives late does not bring them back. */
  json: string
  /** A connection here. */
  owner: string | null
  /** Other instances at which it has a connection; null for none. */
  elsewhere: Set<string> | null
  /** Whose it is, here or elsewhere, and until the grace is over; null where it is free, or nobody has to say who they are. */
  user: PresenceUser | null
  seenMs: number
  /** When its owner broke off or left; of no meaning while it has one. */
  freedMs: number
}

export class PresenceEntries {
  readonly #entries = new Map<number, PresenceEntry>()
  readonly #entriesMax: number
  readonly #clock: Clock

  constructor(entriesMax: number, clock: Clock) {
    this.#entriesMax = entriesMax
    this.#clock = clock
  }

  get size(): number {
    return this.#entries.size
  }

  get isFull(): boolean {
    return this.#entries.size >= this.#entriesMax
  }

  get(client: number): PresenceEntry | undefined {
    return this.#entries.get(client)
  }

  [Symbol.iterator](): IterableIterator<[number, PresenceEntry]> {
    return this.#entries.entries()
  }

  /** Somebody who was not known. */
  add(
    { client, clock, json }: AwarenessEntry,
    home: Pick<PresenceEntry, 'owner' | 'elsewhere' | 'user'>,
  ): void {
    this.#entries.set(client, { clock, json, ...home, seenMs: this.#clock.monotonic(), freedMs: 0 })
  }

  delete(client: number): void {
    this.#entries.delete(client)
  }

  /** A newer state. */
  take(kept: PresenceEntry, { clock, json }: AwarenessEntry): void {
    kept.clock = clock
    kept.json = json
    kept.seenMs = this.#clock.monotonic()
    if (json !== goneJson) return
    kept.elsewhere = null
    if (kept.owner === null) kept.user = null
  }

  /**
   * Nobody has it any more. At the known clock: a higher one would swallow what the client says next, a lower one is refused
   * by it.
   */
  remove(client: number, kept: PresenceEntry): AwarenessEntry {
    const removal = { client, clock: kept.clock, json: goneJson }
    this.take(kept, removal)
    return removal
  }
}

export function isElsewhere({ elsewhere }: PresenceEntry): boolean {
  return elsewhere !== null && elsewhere.size > 0
}

/** Here or elsewhere. Who is nowhere at home may be within the grace. */
export function isAtHome(kept: PresenceEntry): boolean {
  return kept.owner !== null || isElsewhere(kept)
}

/** Never where nobody has to say who they are. */
export function isAnothers(kept: PresenceEntry, user: PresenceUser | null): boolean {
  return user !== null && kept.user !== null && kept.user !== user
}
