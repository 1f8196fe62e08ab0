/**
 * Opens documents on connections: a session is counted, its grant is watched, its room is loaded, and all of that ends with it.
 */
import { closeCodes } from '@syncline/shared/wire/close-codes'
import type { Grant } from '../auth/grant.ts'
import type { Clock } from '../foundation/clock.ts'
import type { ConnectionCounts } from './connection-counts.ts'
import type { ConnectionUsers } from './connection-users.ts'
import type { Grants, WatchedGrant } from './grants.ts'
import type { InboundLimits } from './inbound.ts'
import type { ConnectionObserver } from './observer.ts'
import type { OverLimit } from './over-limit.ts'
import { type Place, Session, type SessionOptions } from './session.ts'

export interface SessionsOptions {
  readonly openRoom: (document: string) => Promise<Place> | 'full'
  /** Null where nobody has to say who they are. */
  readonly grants: Grants | null
  readonly counts: ConnectionCounts
  readonly clock: Clock
  readonly limits: InboundLimits
  /** A room that cannot be opened within this is answered 1013. */
  readonly openingMsMax: number
  readonly observer: ConnectionObserver
}

/** What is asked for, by somebody who may have it. */
export interface SessionRequest extends Omit<SessionOptions, 'limits' | 'onLimit'> {
  /** Of its connection. */
  readonly users: ConnectionUsers
}

export class Sessions {
  readonly #options: SessionsOptions
  readonly #watched = new WeakMap<Session, WatchedGrant>()

  constructor(options: SessionsOptions) {
    this.#options = options
  }

  /** The session, whose room is entered as soon as it is there. Messages that it takes before wait in order. */
  open(request: SessionRequest): Session {
    const { limits, observer, grants } = this.#options
    const { document, grant, line, codec } = request
    const session = new Session({ ...request, limits, onLimit: limit => observer.limitReached(limit) })
    const { framing } = codec
    observer.sessionOpened({ connection: line.id, member: session.id, document, framing, ...shown(grant) })
    if (grant !== null && grants !== null) {
      const watched = grants.watch(grant, document, session)
      this.#watched.set(session, watched)
      session.whenLeft(watched.stop)
    }
    void this.#enter(session, request)
    return session
  }

  /** Another token came for it. */
  replaceGrant(session: Session, grant: Grant | null): void {
    if (grant !== null) this.#watched.get(session)?.replace(grant)
  }

  async #enter(session: Session, request: SessionRequest): Promise<void> {
    const user = request.grant?.user?.id
    const over = user === undefined ? null : await this.#count(user, session, request)
    if (session.hasLeft) return
    if (over === null) return this.#enterRoom(session)
    this.#options.observer.limitReached(over.limit)
    request.voice.overLimit(over.refusal)
  }

  async #count(user: string, session: Session, { users, line }: SessionRequest): Promise<OverLimit | null> {
    const over = await users.add(user, line)
    if (over !== null) return over
    const holder = {
      ping: () => line.ping(),
      evict: () => session.close(closeCodes.tooMany, 'it did not answer, and another one needed its place'),
    }
    const taken = await this.#options.counts.toDocument(user, session.document, holder)
    if (!taken.ok) return taken
    session.whenLeft(taken.release)
    return null
  }

  async #enterRoom(session: Session): Promise<void> {
    const { openRoom, clock, openingMsMax, observer } = this.#options
    const opening = openRoom(session.document)
    if (opening === 'full') {
      observer.limitReached('limitRooms')
      return session.close(closeCodes.overload, 'too many documents are open')
    }
    const cancel = clock.after(openingMsMax, () => session.close(closeCodes.overload))
    try {
      session.join(await opening)
    } catch {
      // The room has told the observer why; nothing was promised, so the client comes back.
      session.close(closeCodes.overload)
    } finally {
      cancel()
    }
  }
}

/** Who it is and what they may do, for the log. */
function shown(grant: Grant | null): { user?: string; access?: string } {
  if (grant === null) return {}
  return { ...(grant.user === null ? {} : { user: grant.user.id }), access: grant.access }
}
