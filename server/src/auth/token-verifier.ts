/**
 * Checks tokens (JWT, RFC 7519), and says of one that is refused which check it was that failed. Where tokens come from is
 * `token-source.ts`, what they say is `claims.ts`.
 *
 * Nothing of a token goes into a refusal but its times: refusals are logged.
 */
import { createSecretKey } from 'node:crypto'
import { errors, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from 'jose'
import type { authErrors } from '../foundation/auth-errors.ts'
import type { Clock } from '../foundation/clock.ts'
import { AppError } from '../foundation/errors.ts'
import type { Settings } from '../foundation/settings-table.ts'
import type { AuthEvent } from './auth-event.ts'
import { type Claims, parseClaims } from './claims.ts'
import type { Fetch } from './fetch-json.ts'
import { KeySet, KeysUnavailable } from './key-set.ts'
import { publicKeyAlgorithms, readPublicKey } from './public-key.ts'

export type TokenRefusalCode =
  | Exclude<Extract<keyof typeof authErrors, `TOKEN_${string}`>, 'TOKEN_NOT_MADE'>
  | 'KEYS_UNAVAILABLE'

export type VerifiedToken =
  | {
      readonly ok: true
      readonly claims: Claims
      /** When it ends for this server, milliseconds since 1970: the tolerance is in it. */
      readonly endsMs: number
    }
  | { readonly ok: false; readonly refusal: AppError<TokenRefusalCode> }

export interface TokenVerifier {
  verify(token: string): Promise<VerifiedToken>
}

type VerifierSettings = Pick<
  Settings,
  | 'authSecret'
  | 'authPublicKeyFile'
  | 'authJwksUrl'
  | 'authIssuer'
  | 'authAudience'
  | 'authClockToleranceMs'
  | 'limitTokenLifeMs'
>

export interface TokenVerifierOptions {
  readonly clock: Clock
  readonly fetch: Fetch
  readonly onEvent: (event: AuthEvent) => void
}

/** The algorithm of a secret. With the others of its kind a longer secret would be needed. */
export const secretAlgorithm = 'HS256'

/** Null where there is nothing to check with. Throws `AUTH_KEY_UNUSABLE`. */
export function createTokenVerifier(
  settings: VerifierSettings,
  options: TokenVerifierOptions,
): TokenVerifier | null {
  const keys = keysOf(settings, options)
  if (keys === null) return null
  const { clock } = options
  const { authIssuer, authAudience, authClockToleranceMs, limitTokenLifeMs } = settings
  const checks: JWTVerifyOptions = {
    algorithms: [...keys.algorithms],
    clockTolerance: authClockToleranceMs / 1000,
    ...(authIssuer === '' ? {} : { issuer: authIssuer }),
    ...(authAudience === '' ? {} : { audience: authAudience }),
  }

  function take(payload: JWTPayload): VerifiedToken {
    const parsed = parseClaims(payload)
    if (!parsed.ok) return refused(new AppError('TOKEN_CLAIMS_INVALID', { reason: parsed.reason }))
    const { claims } = parsed
    if (claims.endsMs === null) return badEnd('a token must end')
    const endsMs = claims.endsMs + authClockToleranceMs
    if (endsMs > clock.now() + limitTokenLifeMs)
      return badEnd('it is further away than limitTokenLifeMs allows')
    return { ok: true, claims, endsMs }
  }

  return {
    async verify(token) {
      try {
        return take(await verifyWith(keys.find, token, { ...checks, currentDate: new Date(clock.now()) }))
      } catch (error) {
        return refused(refusalOf(error, keys.algorithms))
      }
    },
  }
}

interface Keys {
  /** Fixed by the kind of key, never by the token. */
  readonly algorithms: readonly string[]
  readonly find: JWTVerifyGetKey
}

function keysOf(settings: VerifierSettings, options: TokenVerifierOptions): Keys | null {
  const { authSecret, authPublicKeyFile, authJwksUrl } = settings
  if (authSecret !== '') {
    const key = createSecretKey(authSecret, 'utf8')
    return { algorithms: [secretAlgorithm], find: async () => key }
  }
  if (authPublicKeyFile !== '') {
    const { key, algorithms } = readPublicKey(authPublicKeyFile)
    return { algorithms, find: async () => key }
  }
  if (authJwksUrl === '') return null
  return { algorithms: publicKeyAlgorithms, find: new KeySet({ url: authJwksUrl, ...options }).find }
}

/** What an authentic token says. A token that names no key may be signed with any of a set: each is tried. */
async function verifyWith(
  find: JWTVerifyGetKey,
  token: string,
  checks: JWTVerifyOptions,
): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, find, checks)).payload
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    for await (const key of error) {
      try {
        return (await jwtVerify(token, key, checks)).payload
      } catch (reason) {
        if (!(reason instanceof errors.JWSSignatureVerificationFailed)) throw reason
      }
    }
    throw new errors.JWSSignatureVerificationFailed()
  }
}

function refusalOf(error: unknown, allowed: readonly string[]): AppError<TokenRefusalCode> {
  if (error instanceof KeysUnavailable) return new AppError('KEYS_UNAVAILABLE', { reason: error.message })
  if (error instanceof errors.JWTExpired)
    return new AppError('TOKEN_EXPIRED', { until: shownTime(error.payload.exp) })
  if (error instanceof errors.JWTClaimValidationFailed) return claimRefusal(error)
  if (error instanceof errors.JOSEAlgNotAllowed)
    return new AppError('TOKEN_ALGORITHM_NOT_ALLOWED', { allowed: allowed.join(', ') })
  if (error instanceof errors.JWSSignatureVerificationFailed) return new AppError('TOKEN_SIGNATURE_WRONG', {})
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid)
    return new AppError('TOKEN_MALFORMED', { reason: 'it is no signed JWT, header.claims.signature' })
  if (error instanceof errors.JOSENotSupported)
    return new AppError('TOKEN_MALFORMED', { reason: 'it needs an extension (crit) that is not known here' })
  // No key of that name, or one that jose cannot use: too short, private, of another kind than its algorithm.
  return new AppError('TOKEN_KEY_UNKNOWN', {})
}

function claimRefusal({
  claim,
  reason,
  payload,
}: errors.JWTClaimValidationFailed): AppError<TokenRefusalCode> {
  if (claim === 'iss') return new AppError('TOKEN_ISSUER_WRONG', {})
  if (claim === 'aud') return new AppError('TOKEN_AUDIENCE_WRONG', {})
  if (claim === 'nbf' && reason === 'check_failed')
    return new AppError('TOKEN_NOT_YET_VALID', { from: shownTime(payload.nbf) })
  return new AppError('TOKEN_CLAIMS_INVALID', { reason: `${claim}: expected a number of seconds since 1970` })
}

function shownTime(seconds: number | undefined): string {
  const date = new Date((seconds ?? Number.NaN) * 1000)
  return Number.isNaN(date.getTime()) ? 'a time that no calendar has' : date.toISOString()
}

function badEnd(reason: string): VerifiedToken {
  return refused(new AppError('TOKEN_CLAIMS_INVALID', { reason: `exp: ${reason}` }))
}

function refused(refusal: AppError<TokenRefusalCode>): VerifiedToken {
  return { ok: false, refusal }
}
