/**
 * What the application answered, kept for a stated time, so that a crowd that comes back does not fall upon it: equal
 * questions share one answer, also while it is under way. Everything is bounded, the wait as well.
 */
import { hash } from 'node:crypto'
import type { Clock } from '../foundation/clock.ts'
import { withDeadline } from '../foundation/deadline.ts'
import { AppError } from '../foundation/errors.ts'
import { type CountedAddress, Tally } from '../foundation/tally.ts'
import { type AuthEvent, Outage } from './auth-event.ts'
import type { Authenticate, Question } from './callback.ts'
import { type Claims, parseClaims } from './claims.ts'

export type AnswerRefusalCode = 'CALLBACK_REFUSED' | 'CALLBACK_FAILED'

export type Answer =
  | { readonly ok: true; readonly claims: Claims }
  | { readonly ok: false; readonly refusal: AppError<AnswerRefusalCode> }

export interface AnswersOptions {
  readonly authenticate: Authenticate
  readonly clock: Clock
  readonly timeoutMs: number
  readonly cacheMs: number
  readonly onEvent: (event: AuthEvent) => void
}

/** An answer has at most 16 KiB: 64 MiB of them. */
const keptMax = 4_096
const askedMax = 2_000
/** So that one who invents tokens does not take the answers of all. */
const askedPerAddressMax = 250
/** Somebody who was refused, and is given access the next moment, should not wait long for it. */
const refusalKeptMsMax = 2_000

const tooMany = {
  all: `${askedMax} questions wait for an answer already`,
  address: `${askedPerAddressMax} questions about this address wait for an answer already`,
} as const

export class Answers {
  readonly #options: AnswersOptions
  readonly #outage: Outage
  /** By a hash of the question: what is in it is not kept. */
  readonly #kept = new Map<string, { readonly answer: Answer; readonly untilMs: number }>()
  readonly #asked = new Map<string, Promise<Answer>>()
  readonly #tally = new Tally({ max: askedMax, perAddressMax: askedPerAddressMax })

  constructor(options: AnswersOptions) {
    this.#options = options
    this.#outage = new Outage('callback', options.onEvent)
  }

  async ask(question: Question, from: CountedAddress): Promise<Answer> {
    const key = hash('sha256', JSON.stringify(question))
    const kept = this.#kept.get(key)
    if (kept !== undefined && kept.untilMs > this.#options.clock.monotonic()) return kept.answer
    const underWay = this.#asked.get(key)
    if (underWay !== undefined) return underWay
    const taken = this.#tally.take(from)
    if (!taken.ok) return failed(tooMany[taken.full])
    const asked = this.#askOnce(key, question).finally(() => {
      this.#asked.delete(key)
      taken.release()
    })
    this.#asked.set(key, asked)
    return asked
  }

  async #askOnce(key: string, question: Question): Promise<Answer> {
    const { authenticate, clock, timeoutMs: ms, cacheMs } = this.#options
    let given: unknown
    try {
      given = await withDeadline({ clock, ms }, signal => authenticate(question, { signal }))
    } catch (error) {
      return this.#fail(error instanceof Error ? error.message : 'it threw')
    }
    if (given === null || given === undefined) {
      this.#outage.end()
      const answer = { ok: false, refusal: new AppError('CALLBACK_REFUSED', {}) } as const
      return this.#keep(key, answer, Math.min(cacheMs, refusalKeptMsMax))
    }
    const parsed = parseClaims(given)
    if (!parsed.ok) return this.#fail(`its answer cannot be used: ${parsed.reason}`)
    this.#outage.end()
    return this.#keep(key, parsed, cacheMs)
  }

  #fail(reason: string): Answer {
    this.#outage.begin(reason)
    return failed(reason)
  }

  #keep(key: string, answer: Answer, ms: number): Answer {
    if (ms === 0) return answer
    // Put in anew, so that the first is always the one kept longest.
    this.#kept.delete(key)
    this.#kept.set(key, { answer, untilMs: this.#options.clock.monotonic() + ms })
    if (this.#kept.size > keptMax) this.#kept.delete(this.#kept.keys().next().value!)
    return answer
  }
}

function failed(reason: string): Answer {
  return { ok: false, refusal: new AppError('CALLBACK_FAILED', { reason }) }
}
