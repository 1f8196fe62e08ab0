/**
 * What tests of authentication have in common: keys, tokens signed with them, somebody who wants in, and the real door.
 */
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { Applicant } from '@syncline/server/internal/auth/authenticator'
import { type Authenticator, createAuthenticator } from '@syncline/server/internal/auth/authenticator'
import type { Authenticate } from '@syncline/server/internal/auth/callback'
import { createMemoryRevocations } from '@syncline/server/internal/auth/memory-revocations'
import { openRevocations, type Revocations } from '@syncline/server/internal/auth/revocations'
import { settingsWith } from '@syncline/server/internal/foundation/settings'
import type { Settings } from '@syncline/server/internal/foundation/settings-table'
import { type JWTPayload, SignJWT } from 'jose'
import { TestClock } from './room-clock.ts'

export const secret = 'a secret that only the tests know'

/** The moment at which a `TestClock` starts, in seconds. */
export const nowSeconds = new TestClock().now() / 1000

export const goodClaims: JWTPayload = {
  sub: 'u1',
  name: 'Ada',
  color: 'teal',
  jti: 't1',
  iat: nowSeconds,
  exp: nowSeconds + 3_600,
  docs: [
    { name: 'doc', access: 'write' },
    { name: 'team/*', access: 'read' },
  ],
}

/** Signs `goodClaims` with what is changed about them; `undefined` leaves a claim out. */
export function makeToken(
  changed: Readonly<Record<string, unknown>> = {},
  { key = Buffer.from(secret), ...header }: { key?: KeyObject | Uint8Array; alg?: string; kid?: string } = {},
): Promise<string> {
  return new SignJWT({ ...goodClaims, ...changed }).setProtectedHeader({ alg: 'HS256', ...header }).sign(key)
}

export const rsaKeys = () => generateKeyPairSync('rsa', { modulusLength: 2048 })
export const ecKeys = (namedCurve = 'P-256') => generateKeyPairSync('ec', { namedCurve })

/** As it stands in a key set. */
export function asJwk(key: KeyObject, more: Readonly<Record<string, string>> = {}) {
  return { ...key.export({ format: 'jwk' }), ...more }
}

export const applicant = (token: string | null, more: Partial<Applicant> = {}): Applicant => ({
  token,
  origin: null,
  headers: {},
  address: { address: '127.0.0.1', counted: '127.0.0.1', isLocal: true },
  document: 'doc',
  ...more,
})

export interface Door {
  readonly clock: TestClock
  readonly revocations: Revocations
  readonly authenticator: Authenticator
  /** The access that is granted, or the code of the refusal. */
  tryToOpen(token: string | null, more?: Partial<Applicant>): Promise<string>
}

export async function openDoor(
  given: Partial<Settings>,
  { authenticate }: { readonly authenticate?: Authenticate } = {},
): Promise<Door> {
  const clock = new TestClock()
  const settings = settingsWith(given)
  const revocations = await openRevocations({ list: createMemoryRevocations(), clock, settings })
  const authenticator = createAuthenticator(settings, { clock, revocations, authenticate })
  if (authenticator === null) throw new Error('these settings make no door')
  return {
    clock,
    revocations,
    authenticator,
    async tryToOpen(token, more) {
      const checked = await authenticator.check(applicant(token, more))
      return checked.ok ? checked.grant.access : checked.refusal.code
    },
  }
}
