/**
 * The grants of all open sessions: each ends when its token does, and is judged again whenever something was revoked [AUTH-2].
 */
import type { Access } from '@syncline/shared/api/access'
import { type CloseCode, closeCodes } from '@syncline/shared/wire/close-codes'
import type { Grant } from '../auth/grant.ts'
import type { Revocations } from '../auth/revocations.ts'
import type { Clock } from '../foundation/clock.ts'
import { AppError } from '../foundation/errors.ts'
import { TurnBudget } from '../foundation/turn-budget.ts'

/** Who has a grant. */
export interface Grantee {
  setAccess(access: Access): void
  /** The grant ends within a minute, and not if another token comes: told once. */
  endsSoon(): void
  close(code: CloseCode, detail?: string): void
}

/** One session's grant, as it is watched. */
export interface WatchedGrant {
  /** Another token came: what it grants takes the place of what the former one did. */
  replace(grant: Grant): void
  stop(): void
}

interface Watched {
  readonly document: string
  readonly grantee: Grantee
  /** As the token gave it: what a revocation takes away of it can be given back. */
  grant: Grant
  isToldOfEnd: boolean
}

/** What a client may take to fetch another token. */
const soonMs = 60_000
/** How late a grant may end. Looking through all of them costs less than a timer for each. */
const lookMs = 1_000
/** Judged in one turn of the event loop: about a millisecond. */
const judgedPerTurn = 500

export class Grants {
  readonly #revocations: Pick<Revocations, 'judge'>
  readonly #clock: Clock
  readonly #watched = new Set<Watched>()
  readonly #budget = new TurnBudget(judgedPerTurn)
  readonly #stops: readonly (() => void)[]

  constructor(revocations: Pick<Revocations, 'judge' | 'onChange'>, clock: Clock) {
    this.#revocations = revocations
    this.#clock = clock
    this.#stops = [
      revocations.onChange(() => void this.#judgeAll()),
      clock.every(lookMs, () => this.#lookThrough()),
    ]
  }

  /** From when the session is opened until `stop`. What was revoked since the grant was checked counts at once. */
  watch(grant: Grant, document: string, grantee: Grantee): WatchedGrant {
    const watched: Watched = { grant, document, grantee, isToldOfEnd: false }
    this.#watched.add(watched)
    return {
      replace: newer => {
        watched.grant = newer
        watched.isToldOfEnd = false
        this.#judge(watched)
      },
      stop: () => this.#watched.delete(watched),
    }
  }

  close(): void {
    for (const stop of this.#stops) stop()
    this.#watched.clear()
  }

  async #judgeAll(): Promise<void> {
    for (const watched of [...this.#watched]) {
      await this.#budget.spend(1)
      if (this.#watched.has(watched)) this.#judge(watched)
    }
  }

  #judge({ grant, document, grantee }: Watched): void {
    const judged = this.#revocations.judge(grant, document)
    if (judged.ok) grantee.setAccess(judged.grant.access)
    else this.#end(grantee, judged.refusal)
  }

  #lookThrough(): void {
    const nowMs = this.#clock.now()
    for (const watched of [...this.#watched]) {
      const { grant, grantee, isToldOfEnd } = watched
      if (grant.endsMs <= nowMs) {
        this.#end(grantee, new AppError('TOKEN_EXPIRED', { until: new Date(grant.endsMs).toISOString() }))
      } else if (!isToldOfEnd && grant.endsMs - soonMs <= nowMs) {
        watched.isToldOfEnd = true
        grantee.endsSoon()
      }
    }
  }

  #end(grantee: Grantee, { entry, message }: AppError): void {
    grantee.close(entry.close ?? closeCodes.notAuthenticated, message)
  }
}
