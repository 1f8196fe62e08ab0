/**
 * Opens documents on connections: a session is counted, its grant is watched, its room is loaded, and all of that ends with it.
 */
import { closeCodes } from '@syncline/shared/wire/close-codes'
import type { Grant } from '../auth/grant.ts'
import type { Clock } from '../foundation/clock.ts'
import type { InboundLimits } from './inbound.ts'
import type { ConnectionObserver } from './observer.ts'
import { type Place, Session, type SessionOptions } from './session.ts'

export interface SessionsOptions {
  readonly openRoom: (document: string) => Promise<Place> | 'full'
  readonly clock: Clock
  readonly limits: InboundLimits
  /** A room that cannot be opened within this is answered 1013. */
  readonly openingMsMax: number
  readonly observer: ConnectionObserver
}

/** What is asked for, by somebody who may have it. */
export type SessionRequest = Pick<
  SessionOptions,
  'id' | 'document' | 'codec' | 'grant' | 'wantsStatus' | 'line' | 'end'
>

export class Sessions {
  readonly #options: SessionsOptions

  constructor(options: SessionsOptions) {
    this.#options = options
  }

  /** The session, whose room is entered as soon as it is there. Messages that it takes before wait in order. */
  open(request: SessionRequest): Session {
    const { limits, observer } = this.#options
    const session = new Session({ ...request, limits })
    const { document, grant, line, codec } = request
    observer.sessionOpened({
      connection: line.id,
      member: session.id,
      document,
      framing: codec.framing,
      ...shownGrant(grant),
    })
    void this.#enterRoom(session)
    return session
  }

  async #enterRoom(session: Session): Promise<void> {
    const { openRoom, clock, openingMsMax } = this.#options
    const opening = openRoom(session.document)
    if (opening === 'full') return session.close(closeCodes.overload, 'too many documents are open')
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
function shownGrant(grant: Grant | null): { user?: string; access?: string } {
  if (grant === null) return {}
  return { ...(grant.user === null ? {} : { user: grant.user.id }), access: grant.access }
}
