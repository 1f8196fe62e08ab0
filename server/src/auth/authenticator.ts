/**
 * The one door: who wants to open what comes in with a token, and goes out with a grant or with the check that failed.
 *
 * It orders the checks; each of them has a file of its own. Nothing is opened before it has answered [AUTH-1].
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { Clock } from '../foundation/clock.ts'
import { AppError } from '../foundation/errors.ts'
import { splitList } from '../foundation/setting-type.ts'
import type { Settings } from '../foundation/settings-table.ts'
import type { CountedAddress } from '../foundation/tally.ts'
import { type AnswerRefusalCode, Answers } from './answers.ts'
import type { AuthEvent } from './auth-event.ts'
import { type Authenticate, createCallback, passOn } from './callback.ts'
import type { Claims } from './claims.ts'
import type { Fetch } from './fetch-json.ts'
import { type Grant, grantFrom } from './grant.ts'
import type { Revocations } from './revocations.ts'
import { createTokenVerifier, type TokenRefusalCode, type TokenVerifier } from './token-verifier.ts'

/** As many as fit into the head of a request beside everything else: Node takes 16 KiB. */
const tokenCharactersMax = 8_192

export interface ApplicantAddress extends CountedAddress {
  /** As the application is told it. */
  readonly address: string
}

/** Who wants to open what. */
export interface Applicant {
  /** As `findToken` found it, or as it came in the framing of a client. */
  readonly token: string | null
  readonly origin: string | null
  readonly headers: IncomingHttpHeaders
  readonly address: ApplicantAddress
  /** Null: the server as a whole, as for its list of documents. */
  readonly document: string | null
}

export type RefusalCode =
  | TokenRefusalCode
  | AnswerRefusalCode
  | 'DOCUMENT_NOT_GRANTED'
  | 'GRANT_REVOKED'
  | 'REVOCATIONS_UNAVAILABLE'

export type Checked =
  | { readonly ok: true; readonly grant: Grant }
  /** With its HTTP status, its close code, and whether to come back (`refusal.entry`). */
  | { readonly ok: false; readonly refusal: AppError<RefusalCode> }

export interface Authenticator {
  check(applicant: Applicant): Promise<Checked>
}

export interface AuthenticatorOptions {
  readonly clock: Clock
  readonly revocations: Revocations
  /** Asked instead of checking tokens, where the server is embedded. */
  readonly authenticate?: Authenticate | undefined
  readonly fetch?: Fetch
  readonly onEvent?: (event: AuthEvent) => void
}

/**
 * Null where nothing says who may do what. Throws `AUTH_KEY_UNUSABLE`, and `SETTING_INVALID` where a function is handed in beside
 * settings that say the same thing otherwise.
 */
export function createAuthenticator(
  settings: Settings,
  { clock, revocations, authenticate, fetch = globalThis.fetch, onEvent = () => {} }: AuthenticatorOptions,
): Authenticator | null {
  const verifier = createTokenVerifier(settings, { clock, fetch, onEvent })
  const { authCallbackUrl: url } = settings
  if (authenticate !== undefined && (verifier !== null || url !== '')) {
    const expected = 'left out where authSecret, authPublicKeyFile, authJwksUrl or authCallbackUrl is given'
    throw new AppError('SETTING_INVALID', { setting: 'authenticate', expected, found: 'a function' })
  }
  const asked = authenticate ?? (url === '' ? null : createCallback(url, fetch))
  const whoIs = verifier === null ? askWith(asked, settings, { clock, onEvent }) : verifyWith(verifier)
  if (whoIs === null) return null
  return {
    async check(applicant) {
      const { length = 0 } = applicant.token ?? ''
      if (length > tokenCharactersMax) {
        const reason = `it has ${length} characters, at most ${tokenCharactersMax} are allowed`
        return { ok: false, refusal: new AppError('TOKEN_MALFORMED', { reason }) }
      }
      const known = await whoIs(applicant)
      if (!known.ok) return known
      // A revocation is kept no longer than this, so nothing may outlive it: the application is asked anew.
      const endsMs = Math.min(known.endsMs, clock.now() + settings.limitTokenLifeMs)
      const grant = grantFrom(known.claims, { document: applicant.document, endsMs })
      if (grant === null) return { ok: false, refusal: new AppError('DOCUMENT_NOT_GRANTED', {}) }
      return revocations.judge(grant, applicant.document)
    },
  }
}

type Known =
  | { readonly ok: true; readonly claims: Claims; readonly endsMs: number }
  | { readonly ok: false; readonly refusal: AppError<TokenRefusalCode | AnswerRefusalCode> }

type WhoIs = (applicant: Applicant) => Promise<Known>

function verifyWith(verifier: TokenVerifier): WhoIs {
  return async ({ token }) =>
    token === null || token === ''
      ? { ok: false, refusal: new AppError('TOKEN_MISSING', {}) }
      : verifier.verify(token)
}

function askWith(
  authenticate: Authenticate | null,
  settings: Settings,
  { clock, onEvent }: { readonly clock: Clock; readonly onEvent: (event: AuthEvent) => void },
): WhoIs | null {
  if (authenticate === null) return null
  const answers = new Answers({
    authenticate,
    clock,
    timeoutMs: settings.authCallbackTimeoutMs,
    cacheMs: settings.authCallbackCacheMs,
    onEvent,
  })
  const passedOn = {
    names: splitList(settings.authCallbackHeaders),
    cookieOrigins: splitList(settings.authCallbackCookieOrigins),
  }
  return async ({ document, token, origin, address, headers }) => {
    const passed = passOn(headers, origin, passedOn)
    const question = { document, token, origin, address: address.address, headers: passed }
    const answer = await answers.ask(question, address)
    if (!answer.ok) return answer
    const { endsMs: end } = answer.claims
    const endsMs = end === null ? Number.POSITIVE_INFINITY : end + settings.authClockToleranceMs
    if (endsMs > clock.now()) return { ...answer, endsMs }
    const until = new Date(end!).toISOString()
    return { ok: false, refusal: new AppError('TOKEN_EXPIRED', { until }) }
  }
}
