/**
 * The connections of this instance that have said who is here: which client ids each has brought, which is its own, and who is
 * behind it.
 */
import type { AwarenessEntry } from '@syncline/shared/presence'
import type { Member } from './member.ts'
import { type PresenceUser, userBehind, userIdIn } from './presence-user.ts'

/** Who says something, as far as presence goes by it. */
export type Speaker = Pick<Member, 'id' | 'access' | 'identity'>

export interface Bringer {
  /** Client id, null before the first awareness frame, 'none' where that frame named nobody or several. */
  own: number | null | 'none'
  readonly ids: Set<number>
  /** Null where nobody has to say who they are. */
  readonly user: PresenceUser | null
}

export class Bringers {
  readonly #bringers = new Map<string, Bringer>()
  #haveTokens = false

  /** Whether those who speak here have shown who they are. Of one server all have, or none has to. */
  get haveTokens(): boolean {
    return this.#haveTokens
  }

  of(connection: string): Bringer | undefined {
    return this.#bringers.get(connection)
  }

  /** Who says `entries`; its own id is known from the first that it says. */
  heard({ id, identity }: Speaker, entries: readonly AwarenessEntry[]): Bringer {
    let bringer = this.#bringers.get(id)
    if (bringer === undefined) {
      bringer = { own: null, ids: new Set(), user: userBehind(identity) }
      this.#bringers.set(id, bringer)
      if (identity !== null) this.#haveTokens = true
    }
    if (bringer.own === null && entries.length > 0)
      bringer.own = entries.length === 1 ? entries[0]!.client : 'none'
    return bringer
  }

  delete(connection: string): void {
    this.#bringers.delete(connection)
  }

  userOf({ id, identity }: Speaker): PresenceUser | null {
    return this.#bringers.get(id)?.user ?? userBehind(identity)
  }
}

/**
 * A client id that nobody has. Where people have tokens, whoever has an id of their own brings another one only if its state names
 * them: tabs of several users in one browser relay each other's states before they have come themselves.
 */
export function mayBring({ own, user }: Bringer, { client, json }: AwarenessEntry): boolean {
  return user === null || own === client || own === 'none' || userIdIn(json) === user
}
