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
  /** Its access is what the grantee knows of. */
  grant: Grant
  isToldOfEnd: boolean
}

/** What a client may take to fetch another token. */
const soonMs = 60_000
/** How late a grant may end. Looking through all of them costs less than a timer for each. */
const lookMs = 1_000
/** Judged or ended in one turn of the event loop: about a millisecond. */
const judgedPerTurn = 500

export class Grants {
  readonly #revocations: Pick<Revocations, 'judge'>
  readonly #clock: Clock
  readonly #watched = new Set<Watched>()
  readonly #budget = new TurnBudget(judgedPerTurn)
  readonly #stops: readonly (() => void)[]
  /** Whether something was revoked that not everybody has been judged by. */
  #isJudgementDue = false
  #isJudging = false

  constructor(revocations: Pick<Revocations, 'judge' | 'onChange'>, clock: Clock) {
    this.#revocations = revocations
    this.#clock = clock
    this.#stops = [
      revocations.onChange(() => void this.#judgeAll()),
      clock.every(lookMs, () => this.#lookThrough()),
    ]
  }

  /**
   * From when the session is opened until `stop`. A token is checked before the handshake and a session opens with its first frame, so
   * what was revoked in between, or ended, counts before the room can be entered, though not within this call.
   */
  watch(grant: Grant, document: string, grantee: Grantee): WatchedGrant {
    const watched: Watched = { grant, document, grantee, isToldOfEnd: false }
    this.#watched.add(watched)
    queueMicrotask(() => {
      if (this.#watched.has(watched)) this.#judge(watched)
    })
    return {
      replace: newer => {
        watched.grant = { ...newer, access: watched.grant.access }
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

  /** However much is revoked meanwhile, everybody is judged once more and not once for each. */
  async #judgeAll(): Promise<void> {
    this.#isJudgementDue = true
    if (this.#isJudging) return
    this.#isJudging = true
    try {
      while (this.#isJudgementDue) {
        this.#isJudgementDue = false
        await this.#forEach([...this.#watched], watched => this.#judge(watched))
      }
    } finally {
      this.#isJudging = false
    }
  }

  /** In slices, so that nobody who types waits for thousands of others. */
  async #forEach(all: readonly Watched[], act: (watched: Watched) => void): Promise<void> {
    for (const watched of all) {
      if (!this.#watched.has(watched)) continue
      const later = this.#budget.spend(1)
      if (later !== undefined) await later
      if (this.#watched.has(watched)) act(watched)
    }
  }

  #judge(watched: Watched): void {
    if (this.#hasEnded(watched)) return this.#tellOfTime(watched)
    const judged = this.#revocations.judge(watched.grant, watched.document)
    if (!judged.ok) return this.#end(watched, judged.refusal)
    if (judged.grant.access === watched.grant.access) return
    watched.grant = judged.grant
    watched.grantee.setAccess(judged.grant.access)
  }

  #lookThrough(): void {
    const soonestMs = this.#clock.now() + soonMs
    const concerned = [...this.#watched].filter(
      watched => this.#hasEnded(watched) || (!watched.isToldOfEnd && watched.grant.endsMs <= soonestMs),
    )
    void this.#forEach(concerned, watched => this.#tellOfTime(watched))
  }

  #tellOfTime(watched: Watched): void {
    const { grant, grantee, isToldOfEnd } = watched
    if (this.#hasEnded(watched)) {
      const until = new Date(grant.endsMs).toISOString()
      return this.#end(watched, new AppError('TOKEN_EXPIRED', { until }))
    }
    if (isToldOfEnd || grant.endsMs > this.#clock.now() + soonMs) return
    watched.isToldOfEnd = true
    grantee.endsSoon()
  }

  #hasEnded({ grant }: Watched): boolean {
    return grant.endsMs <= this.#clock.now()
  }

  #end(watched: Watched, { entry, message }: AppError): void {
    this.#watched.delete(watched)
    watched.grantee.close(entry.close ?? closeCodes.notAuthenticated, message)
  }
}
