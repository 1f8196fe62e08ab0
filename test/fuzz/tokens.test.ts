/**
 * Hostile tokens at the door, with a secret and with a public key. Whoever is let in must have brought what somebody with the key has
 * signed, letter for letter in what it means.
 *
 * `SYNCLINE_TEST_FUZZ_TOKENS` is how many for each kind of key, `SYNCLINE_TEST_SEED` which.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { applicant, goodClaims, nowSeconds, openDoor, rsaKeys, secret } from '../support/auth-stage.ts'
import { count, testSeed } from '../support/counts.ts'
import { Dice } from './mutate.ts'
import { type Issuer, type TokenCase, tokenCase } from './token-cases.ts'

const cases = count('FUZZ_TOKENS', 400)
const seed = testSeed()
const folder = mkdtempSync(path.join(tmpdir(), 'syncline-keys-'))
afterAll(() => rmSync(folder, { recursive: true }))

const keys = rsaKeys()
const publicText = String(keys.publicKey.export({ type: 'spki', format: 'pem' }))
const keyFile = path.join(folder, 'public.pem')
writeFileSync(keyFile, publicText)

const ours = { authIssuer: 'https://app.example', authAudience: 'syncline', authClockToleranceMs: 0 }
const claims = { ...goodClaims, iss: ours.authIssuer, aud: ours.authAudience }

const doors: readonly (readonly [name: string, settings: Parameters<typeof openDoor>[0], issuer: Issuer])[] =
  [
    [
      'a secret',
      { ...ours, authSecret: secret },
      { alg: 'HS256', key: Buffer.from(secret), publicText: 'syncline', claims },
    ],
    [
      'a public key',
      { ...ours, authPublicKeyFile: keyFile },
      { alg: 'RS256', key: keys.privateKey, publicText, claims },
    ],
  ]

describe.each(doors)('%s', (_, settings, issuer) => {
  test(`[AUTH-1] of ${cases} hostile tokens none is let in with what nobody has signed, seed ${seed}`, {
    timeout: 60_000 + cases * 20,
  }, async () => {
    const door = await openDoor(settings)
    const good = await tokenCaseOf(issuer)
    const dice = new Dice(seed)
    const wrongs: string[] = []
    let accepted = 0
    for (let number = 0; number < cases; number++) {
      const one = await tokenCase(issuer, dice)
      const checked = await door.authenticator.check(applicant(one.token))
      if (checked.ok) accepted++
      const wrong = checked.ok
        ? wrongGrant(one, checked.grant, good, issuer)
        : wrongRefusal(one, checked.refusal)
      if (wrong !== null) wrongs.push(`case ${number}, ${one.how}: ${wrong}: ${one.token.slice(0, 2_000)}`)
    }
    expect(wrongs).toEqual([])
    // Some that are signed again say what may be said: otherwise all would be refused for one reason.
    expect(accepted).toBeGreaterThan(cases / 100)
    expect(accepted).toBeLessThan(cases / 3)
  })
})

/** What the door would give to the token that all are made of. */
async function tokenCaseOf({ claims: given }: Issuer): Promise<TokenCase> {
  return { token: '', how: 'as it is', signedClaims: given }
}

interface Given {
  readonly access: string
  readonly user: { readonly id: string } | null
}

/** Why this grant should not have been given; null where it should. */
function wrongGrant(one: TokenCase, grant: Given, good: TokenCase, issuer: Issuer): string | null {
  if (one.signedClaims === null && !meansTheSame(one.token, issuer)) return 'let in unsigned'
  const signed = one.signedClaims ?? good.signedClaims!
  const docs = Array.isArray(signed.docs) ? (signed.docs as { name: string; access: string }[]) : []
  if (!docs.some(({ name, access }) => (name === 'doc' || name.includes('*')) && access === grant.access))
    return `let in with ${grant.access}, which no claim says`
  if ((grant.user?.id ?? null) !== (signed.sub ?? null)) return 'let in as somebody else'
  if (signed.iss !== issuer.claims.iss) return 'let in of another issuer'
  if (![signed.aud].flat().includes(issuer.claims.aud)) return 'let in for another audience'
  if (typeof signed.exp !== 'number' || signed.exp <= nowSeconds) return 'let in after its end'
  if (signed.nbf !== undefined && !(Number(signed.nbf) <= nowSeconds)) return 'let in before its time'
  return null
}

/** Base64 has bits that stand for nothing, and several ways to write the rest. */
function meansTheSame(token: string, { alg, claims: given }: Issuer): boolean {
  const [header, payload] = token.split('.').map(part => Buffer.from(part, 'base64url').toString())
  try {
    const said = [JSON.parse(header ?? ''), JSON.parse(payload ?? '')]
    return JSON.stringify(said) === JSON.stringify([{ alg }, given])
  } catch {
    return false
  }
}

const tellingLengthMin = 12

/** A refusal is logged, so nothing of a token may stand in it. */
function wrongRefusal(
  { token }: TokenCase,
  { code, message }: { readonly code: string; readonly message: string },
) {
  if (!code.startsWith('TOKEN_') && code !== 'DOCUMENT_NOT_GRANTED') return `refused with ${code}`
  const parts = token.split('.').filter(part => part.length >= tellingLengthMin)
  return parts.some(part => message.includes(part)) || message.includes(secret) ? `told: ${message}` : null
}
