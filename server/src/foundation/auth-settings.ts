/**
 * The part of the table of settings (`settings-table.ts`) that says who may open what: how tokens are checked, or whom to ask.
 */
import type { z } from 'zod'
import { count, dayMs, milliseconds, type Setting, setting } from './setting.ts'
import { httpUrl, listOf, oneOf, optionalText, secretText, yesOrNo } from './setting-type.ts'

/** As many bytes as an HMAC with SHA-256 has (RFC 7518, 3.2). */
const secretBytesMin = 32

/** What HTTP needs for itself on the way to the application, and must not come from a client. */
const ownHeaders =
  /^(host|connection|keep-alive|upgrade|te|trailer|transfer-encoding|expect|accept-encoding|content-.*|proxy-.*|sec-.*|set-cookie)$/

export const authSettings = {
  authSecret: setting(
    secretText(secretBytesMin),
    '',
    'The secret with which the application signs tokens (HS256); the environment is the place for it, since others can read flags.',
    { isSecret: true },
  ),
  authPublicKeyFile: setting(
    optionalText,
    '',
    'A file with the public key of the application (PEM or JWK), which signs tokens with RS, PS, ES or EdDSA.',
  ),
  authJwksUrl: setting(
    httpUrl,
    '',
    'Where the public keys of the application stand as a JSON Web Key Set, which is read again when a token names a new key.',
  ),
  authIssuer: setting(optionalText, '', 'The issuer (`iss`) that tokens must have; any if empty.'),
  authAudience: setting(
    optionalText,
    '',
    'What the audience (`aud`) of tokens must include; anything if empty.',
  ),
  authClockToleranceMs: milliseconds(
    5_000,
    'By how many milliseconds the clock of the application may differ when a token begins and ends.',
    0,
    10 * 60_000,
  ),
  limitTokenLifeMs: milliseconds(
    31 * dayMs,
    'How many milliseconds a token may have left to live; one that ends later is refused. A revocation is kept as long.',
    60_000,
    3_660 * dayMs,
  ),
  limitRevocations: count(
    'revocations',
    10_000,
    'Revocations that are kept until the tokens that they concern have ended; more are refused.',
    1_000_000,
  ),
  revocationsAway: setting(
    oneOf('keep', 'refuse'),
    'keep',
    'While Redis is away, the revocations last known are what counts (`keep`), or nobody is let in and everybody is sent away (`refuse`).',
  ),
  authCallbackUrl: setting(
    httpUrl,
    '',
    'Where the application is asked (POST, JSON) who somebody is and what they may open, instead of checking tokens here.',
  ),
  authCallbackTimeoutMs: milliseconds(
    5_000,
    'How many milliseconds the application may take to answer; after that the client is refused, and may come back.',
    10,
    60_000,
  ),
  authCallbackCacheMs: milliseconds(
    10_000,
    'How many milliseconds an answer of the application counts for the same question; a refusal at most 2,000.',
    0,
  ),
  authCallbackHeaders: setting(
    listOf('names of headers', name => /^[\w!#$%&'*+.^`|~-]+$/.test(name) && !ownHeaders.test(name)),
    '',
    'Headers of the client that are passed on to the application, for instance `x-tenant, cookie`.',
  ),
  authCallbackCookieOrigins: setting(
    listOf('origins like https://example.org', origin => URL.parse(origin)?.origin === origin),
    '',
    'The origins of pages whose cookies are passed on; without such a list any website could act for those who visit it.',
  ),
  authInBand: setting(
    yesOrNo,
    true,
    'Whether a token counts that comes after the handshake, in the Hocuspocus framing; otherwise it has to come with the request.',
  ),
  authRefusal: setting(
    oneOf('auto', 'http', 'close'),
    'auto',
    'How a client is refused: over HTTP before the handshake, or by a close code after it, which is all that a browser can see. `auto` chooses. With `http` every request has to bring a good token.',
  ),
} as const satisfies Record<string, Setting<string> | Setting<number> | Setting<boolean>>

type AuthSettings = {
  readonly [Name in keyof typeof authSettings]: z.output<(typeof authSettings)[Name]['type']['schema']>
}

/** Ways to know who somebody is; at most one of them may be set. */
const ways = ['authSecret', 'authPublicKeyFile', 'authJwksUrl', 'authCallbackUrl'] as const

const isChecking = (settings: AuthSettings) =>
  ways.some(way => way !== 'authCallbackUrl' && settings[way] !== '')

export const authSettingsRules: readonly {
  readonly setting: keyof AuthSettings
  readonly expected: string
  readonly holds: (settings: AuthSettings) => boolean
}[] = [
  // With two kinds of keys, whoever has learned either may sign.
  ...ways.slice(1).map((way, before) => ({
    setting: way,
    expected: `empty where ${ways.slice(0, before + 1).join(' or ')} is given: only one of them says who somebody is`,
    holds: (settings: AuthSettings) =>
      settings[way] === '' || ways.slice(0, before + 1).every(other => settings[other] === ''),
  })),
  // An operator who sets one of these believes that tokens are checked.
  ...(['authIssuer', 'authAudience'] as const).map(claim => ({
    setting: claim,
    expected: 'empty where there is no authSecret, authPublicKeyFile or authJwksUrl to check tokens with',
    holds: (settings: AuthSettings) => settings[claim] === '' || isChecking(settings),
  })),
  {
    setting: 'authCallbackHeaders',
    expected: 'without cookie as long as authCallbackCookieOrigins does not say whose cookies are passed on',
    holds: ({ authCallbackHeaders, authCallbackCookieOrigins }) =>
      authCallbackCookieOrigins !== '' || !authCallbackHeaders.split(',').includes('cookie'),
  },
]
