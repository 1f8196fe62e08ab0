/**
 * Every check of a token that can fail, with real keys, as the one door tells it.
 */
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JWTPayload } from 'jose'
import { SignJWT } from 'jose'
import { afterAll, describe, expect, test } from 'vitest'
import {
  applicant,
  asJwk,
  ecKeys,
  goodClaims,
  makeToken,
  nowSeconds,
  openDoor,
  rsaKeys,
  secret,
} from '../../support/auth-stage.ts'

const folder = mkdtempSync(join(tmpdir(), 'syncline-keys-'))
afterAll(() => rmSync(folder, { recursive: true }))

let files = 0
function keyFile(content: string | object): string {
  const file = join(folder, `key-${files++}`)
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
  return file
}

const pem = (key: { export(options: { type: 'spki'; format: 'pem' }): string | Buffer }) =>
  String(key.export({ type: 'spki', format: 'pem' }))
const unsigned = (header: object, payload: JWTPayload = goodClaims) =>
  `${[header, payload].map(part => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`

const withSecret = {
  authSecret: secret,
  authIssuer: 'https://app.example',
  authAudience: 'syncline',
  authClockToleranceMs: 2_000,
}
const ours = { iss: 'https://app.example', aud: ['other', 'syncline'] }

describe('with a secret', () => {
  test('[AUTH-1] a good token is granted what it says, until it ends', async () => {
    const door = await openDoor(withSecret)
    expect(await door.authenticator.check(applicant(await makeToken(ours)))).toEqual({
      ok: true,
      grant: {
        access: 'write',
        granted: 'write',
        user: { id: 'u1', name: 'Ada', color: 'teal' },
        tokenId: 't1',
        issuedMs: nowSeconds * 1000,
        endsMs: (nowSeconds + 3_600) * 1000 + 2_000,
      },
    })
    expect(await door.tryToOpen(await makeToken(ours), { document: 'team/x' })).toBe('read')
    expect(await door.tryToOpen(await makeToken({ ...ours, aud: 'syncline' }))).toBe('write')
  })

  const signed = async (changed: Readonly<Record<string, unknown>>, key?: Uint8Array) =>
    makeToken({ ...ours, ...changed }, key === undefined ? {} : { key })
  const refusals: readonly (readonly [what: string, token: () => Promise<string | null>, code: string])[] = [
    ['no token', async () => null, 'TOKEN_MISSING'],
    ['an empty token', async () => '', 'TOKEN_MISSING'],
    ['no JWT', async () => 'sesame', 'TOKEN_MALFORMED'],
    ['two parts', async () => 'e30.e30', 'TOKEN_MALFORMED'],
    ['five parts', async () => 'e30.e30.e30.e30.e30', 'TOKEN_MALFORMED'],
    ['no JSON', async () => 'AAAA.AAAA.AAAA', 'TOKEN_MALFORMED'],
    ['a null byte', async () => `${await signed({})}\0`, 'TOKEN_MALFORMED'],
    ['8,193 characters', async () => 'a'.repeat(8_193), 'TOKEN_MALFORMED'],
    ['an end in the past', () => signed({ exp: nowSeconds - 2 }), 'TOKEN_EXPIRED'],
    ['an end before all calendars', () => signed({ exp: -1e300 }), 'TOKEN_EXPIRED'],
    ['a beginning to come', () => signed({ nbf: nowSeconds + 3 }), 'TOKEN_NOT_YET_VALID'],
    ['another secret', () => signed({}, Buffer.from(`${secret}!`)), 'TOKEN_SIGNATURE_WRONG'],
    [
      'claims that were changed',
      async () => {
        const [header, , signature] = (await signed({})).split('.')
        const payload = Buffer.from(JSON.stringify({ ...goodClaims, ...ours, sub: 'root' })).toString(
          'base64url',
        )
        return `${header}.${payload}.${signature}`
      },
      'TOKEN_SIGNATURE_WRONG',
    ],
    [
      'alg none',
      async () => unsigned({ alg: 'none' }, { ...goodClaims, ...ours }),
      'TOKEN_ALGORITHM_NOT_ALLOWED',
    ],
    ['alg NonE', async () => unsigned({ alg: 'NonE' }), 'TOKEN_ALGORITHM_NOT_ALLOWED'],
    [
      'HS512 with the same secret',
      () => makeToken(ours, { alg: 'HS512', key: Buffer.from(secret.repeat(2)) }),
      'TOKEN_ALGORITHM_NOT_ALLOWED',
    ],
    [
      'an unknown extension',
      () =>
        new SignJWT({ ...goodClaims, ...ours })
          .setProtectedHeader({ alg: 'HS256', crit: ['x'], x: 1 })
          .sign(Buffer.from(secret), { crit: { x: true } }),
      'TOKEN_MALFORMED',
    ],
    ['another issuer', () => signed({ iss: 'https://evil.example' }), 'TOKEN_ISSUER_WRONG'],
    ['no issuer', () => signed({ iss: undefined }), 'TOKEN_ISSUER_WRONG'],
    ['another audience', () => signed({ aud: 'other' }), 'TOKEN_AUDIENCE_WRONG'],
    ['no audience', () => signed({ aud: undefined }), 'TOKEN_AUDIENCE_WRONG'],
    ['no documents', () => signed({ docs: undefined }), 'TOKEN_CLAIMS_INVALID'],
    ['no end', () => signed({ exp: undefined }), 'TOKEN_CLAIMS_INVALID'],
    ['an end that is text', () => signed({ exp: 'tomorrow' }), 'TOKEN_CLAIMS_INVALID'],
    ['an end next year', () => signed({ exp: nowSeconds + 365 * 86_400 }), 'TOKEN_CLAIMS_INVALID'],
    ['a colour that breaks out', () => signed({ color: 'red;}' }), 'TOKEN_CLAIMS_INVALID'],
    [
      'another document',
      () => signed({ docs: [{ name: 'other', access: 'admin' }] }),
      'DOCUMENT_NOT_GRANTED',
    ],
  ]
  test.each(refusals)('[AUTH-1] %s is refused by name', async (_, token, code) => {
    const door = await openDoor(withSecret)
    const given = await token()
    const checked = await door.authenticator.check(applicant(given))
    expect(checked).toMatchObject({ ok: false, refusal: { code } })
    const { refusal } = checked as Extract<typeof checked, { ok: false }>
    expect(refusal.entry).toMatchObject(code === 'DOCUMENT_NOT_GRANTED' ? { status: 403 } : { status: 401 })
    // What is told is also logged.
    if (given) expect(refusal.message).not.toContain(given.slice(0, 40))
  })

  test('the tolerance counts at both ends', async () => {
    const door = await openDoor(withSecret)
    expect(await door.tryToOpen(await makeToken({ ...ours, exp: nowSeconds - 1 }))).toBe('write')
    expect(await door.tryToOpen(await makeToken({ ...ours, nbf: nowSeconds + 2 }))).toBe('write')
  })

  test('[AUTH-2] a token ends by the clock of the server', async () => {
    const door = await openDoor(withSecret)
    const token = await makeToken(ours)
    door.clock.advance(3_601_000)
    expect(await door.tryToOpen(token)).toBe('write')
    door.clock.advance(1_000)
    expect(await door.tryToOpen(token)).toBe('TOKEN_EXPIRED')
  })

  test('[AUTH-2] a token that was revoked is refused, and one that was restricted is granted less', async () => {
    const door = await openDoor(withSecret)
    const token = await makeToken(ours)
    const order = { user: 'u1', token: null, document: 'doc' }
    await door.revocations.revoke({ ...order, access: 'read' })
    expect(await door.tryToOpen(token)).toBe('read')
    await door.revocations.revoke({ ...order, access: 'none' })
    expect(await door.tryToOpen(token)).toBe('GRANT_REVOKED')
    expect(await door.tryToOpen(token, { document: 'team/x' })).toBe('read')
  })
})

describe('with a public key in a file', () => {
  const rsa = rsaKeys()
  const kinds = [
    ['RS256', rsa],
    ['RS512', rsa],
    ['PS256', rsa],
    ['ES256', ecKeys('P-256')],
    ['ES384', ecKeys('P-384')],
    ['ES512', ecKeys('P-521')],
    ['EdDSA', generateKeyPairSync('ed25519')],
    ['Ed25519', generateKeyPairSync('ed25519')],
  ] as const

  test.each(kinds)(
    'a token signed with %s is taken, as PEM and as JWK',
    async (alg, { publicKey, privateKey }) => {
      for (const file of [
        keyFile(pem(publicKey)),
        keyFile(asJwk(publicKey)),
        keyFile(asJwk(publicKey, { alg })),
      ]) {
        const door = await openDoor({ authPublicKeyFile: file })
        expect(await door.tryToOpen(await makeToken({}, { alg, key: privateKey }))).toBe('write')
      }
    },
  )

  test('[AUTH-1] HS256 signed with the public key, which everybody has, is refused', async () => {
    const text = pem(rsa.publicKey)
    const door = await openDoor({ authPublicKeyFile: keyFile(text) })
    for (const key of [
      Buffer.from(text),
      Buffer.from(text.trim()),
      rsa.publicKey.export({ type: 'spki', format: 'der' }),
    ]) {
      expect(await door.tryToOpen(await makeToken({}, { key }))).toBe('TOKEN_ALGORITHM_NOT_ALLOWED')
    }
  })

  test('a token of another key, or of another algorithm than the key says, is refused', async () => {
    const door = await openDoor({ authPublicKeyFile: keyFile(asJwk(rsa.publicKey, { alg: 'RS256' })) })
    const other = rsaKeys().privateKey
    expect(await door.tryToOpen(await makeToken({}, { alg: 'RS256', key: other }))).toBe(
      'TOKEN_SIGNATURE_WRONG',
    )
    expect(await door.tryToOpen(await makeToken({}, { alg: 'PS256', key: rsa.privateKey }))).toBe(
      'TOKEN_ALGORITHM_NOT_ALLOWED',
    )
    expect(await door.tryToOpen(unsigned({ alg: 'none' }))).toBe('TOKEN_ALGORITHM_NOT_ALLOWED')
  })

  const unusable: readonly (readonly [what: string, content: () => string | object, reason: RegExp])[] = [
    ['no key', () => 'sesame', /is no public key/],
    ['cut JSON', () => '{"kty":', /is not JSON/],
    ['a private key', () => String(rsa.privateKey.export({ type: 'pkcs8', format: 'pem' })), /private key/],
    ['a private JWK', () => asJwk(rsa.privateKey), /private key/],
    ['a secret', () => ({ kty: 'oct', k: 'AAAA' }), /secret/],
    [
      'a short RSA key',
      () => pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey),
      /2048 bits/,
    ],
    ['a curve that is not for tokens', () => pem(ecKeys('secp256k1').publicKey), /P-256/],
    ['a key that is not for signing', () => pem(generateKeyPairSync('x25519').publicKey), /Ed25519/],
  ]
  test.each(unusable)('%s keeps the server from starting', async (_, content, reason) => {
    const opening = openDoor({ authPublicKeyFile: keyFile(content()) })
    await expect(opening).rejects.toMatchObject({
      code: 'AUTH_KEY_UNUSABLE',
      message: expect.stringMatching(reason),
    })
  })

  test('a file that is not there is named', async () => {
    await expect(openDoor({ authPublicKeyFile: '/nowhere/key.pem' })).rejects.toThrow('/nowhere/key.pem')
  })
})
