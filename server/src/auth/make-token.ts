/**
 * Makes a token with the secret of this server, for trying things: an application makes its own, with a library of its own.
 */
import { createSecretKey } from 'node:crypto'
import { type JWTPayload, SignJWT } from 'jose'
import type { Settings } from '../foundation/settings-table.ts'
import type { ClaimsGiven } from './claims.ts'
import { secretAlgorithm } from './token-verifier.ts'

/** A token that a server with these settings takes, as far as its claims are valid. */
export function makeToken(
  claims: ClaimsGiven,
  { authSecret, authIssuer, authAudience }: Pick<Settings, 'authSecret' | 'authIssuer' | 'authAudience'>,
): Promise<string> {
  const token = new SignJWT(claims as JWTPayload).setProtectedHeader({ alg: secretAlgorithm, typ: 'JWT' })
  if (authIssuer !== '') token.setIssuer(authIssuer)
  if (authAudience !== '') token.setAudience(authAudience)
  return token.sign(createSecretKey(authSecret, 'utf8'))
}
