/**
 * Hostile tokens from a seed: half of them good ones with one field of header, claims or signature changed, and of these some signed
 * again with the right key, so that only the claims can be why they are refused; the others are noise.
 */
import type { KeyObject } from 'node:crypto'
import { type JWTHeaderParameters, SignJWT } from 'jose'
import type { Dice } from './mutate.ts'

export interface TokenCase {
  readonly token: string
  readonly how: string
  /** Whoever has the key has signed these: they may be let in, with what they say. */
  readonly signedClaims: Readonly<Record<string, unknown>> | null
}

export interface Issuer {
  readonly alg: string
  readonly key: KeyObject | Uint8Array
  /** With which somebody who has only what is public would sign. */
  readonly publicText: string
  readonly claims: Readonly<Record<string, unknown>>
}

type Json = Readonly<Record<string, unknown>>

export async function tokenCase(issuer: Issuer, dice: Dice): Promise<TokenCase> {
  const { alg, key, claims } = issuer
  const good = await sign(claims, { alg }, key)
  const [header = '', payload = '', signature = ''] = good.split('.')
  const unsigned = (how: string, ...parts: readonly string[]) => ({
    how,
    token: parts.join('.'),
    signedClaims: null,
  })
  switch (dice.roll(12)) {
    case 0:
    case 1:
      return unsigned(
        'a field of the header',
        encoded(otherField({ alg }, headerFields, dice)),
        payload,
        signature,
      )
    case 2:
    case 3:
      return unsigned('a claim', header, encoded(otherField(claims, claimFields, dice)), signature)
    case 4:
      return unsigned('the signature', header, payload, otherText(signature, dice))
    case 5:
    case 6: {
      const signedClaims = otherField(claims, claimFields, dice)
      return { how: 'a claim, signed again', token: await sign(signedClaims, { alg }, key), signedClaims }
    }
    case 7: {
      // What is public is no secret, whatever the header says.
      const forgedKey = Buffer.from(issuer.publicText)
      const claimed = otherField(claims, claimFields, dice)
      return unsigned(
        'signed with what is public',
        await sign(claimed, { alg: dice.pick(['HS256', 'HS512']) }, forgedKey),
      )
    }
    case 8:
      return unsigned('cut', good.slice(0, dice.roll(good.length)))
    case 9:
      return unsigned(
        'parts in another order',
        ...dice.pick([
          [payload, header, signature],
          [header, payload],
          [header, payload, signature, ''],
          [good, good],
          ['', payload, ''],
        ]),
      )
    case 10:
      return unsigned('random', randomText(dice.roll(9_000), dice))
    default:
      return unsigned('other characters', otherText(good, dice))
  }
}

const secretLengthMin = 64

/** jose signs with no short keys; who forges pads theirs. */
function sign(claims: Json, header: JWTHeaderParameters, key: KeyObject | Uint8Array): Promise<string> {
  const usable =
    key instanceof Uint8Array && header.alg !== 'HS256'
      ? Buffer.concat([key, Buffer.alloc(secretLengthMin)])
      : key
  return new SignJWT(claims).setProtectedHeader(header).sign(usable)
}

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

const headerFields: Readonly<Record<string, readonly unknown[]>> = {
  alg: [
    'none',
    'None',
    'HS256 ',
    'hs256',
    'HS384',
    'HS512',
    'RS256',
    'ES256',
    'EdDSA',
    'A256KW',
    '',
    null,
    0,
    ['HS256'],
  ],
  kid: ['../../dev/null', '', 'a'.repeat(5_000), null, 1, "' OR 1=1"],
  typ: ['JWE', 'at+jwt', null],
  crit: [['b64'], ['exp'], [], 'b64', null],
  b64: [false, 'false'],
  jku: ['http://127.0.0.1:1/keys'],
  jwk: [{ kty: 'oct', k: '' }, null],
  enc: ['A256GCM'],
  zip: ['DEF'],
  x5c: [['AAAA']],
}

const oddValues = [
  null,
  '',
  0,
  -1,
  1e300,
  true,
  [],
  {},
  'x'.repeat(300),
  '\u0000',
  '__proto__',
  [null],
  Number.MAX_SAFE_INTEGER,
]

const claimFields: Readonly<Record<string, readonly unknown[]>> = {
  sub: [...oddValues, 'root', ['u1']],
  name: [...oddValues, '<script>', '‮nimda'],
  color: [...oddValues, 'red;background:url(//x)', 'expression(1)', 'rgb(1,2,3'],
  jti: [...oddValues],
  iat: [...oddValues, '1', 32_503_680_000],
  exp: [...oddValues, '9999999999', 9_999_999_999, 9_999_999_999_999],
  nbf: [...oddValues, 9_999_999_999],
  iss: [...oddValues, 'https://app.example.', 'https://evil.example'],
  aud: [...oddValues, ['syncline', 1], [], 'Syncline'],
  docs: [
    ...oddValues,
    [{ name: 'doc', access: 'admin' }],
    [{ name: '*', access: 'write' }],
    [{ name: 'doc', access: 'owner' }],
    [{ name: 'doc' }],
    [{ name: '', access: 'read' }],
    [{ name: `${'*a'.repeat(4_000)}*`, access: 'read' }],
    [{ name: 'dod', access: 'write' }],
    [{ name: 'doc', access: ['write'] }],
    Array.from({ length: 1_001 }, () => ({ name: 'doc', access: 'read' })),
    { 0: { name: 'doc', access: 'write' }, length: 1 },
  ],
  ['__proto__']: [{ docs: [{ name: '*', access: 'admin' }] }],
  constructor: [{ prototype: {} }],
}

/** One field dropped, or another value in its place; those that are known are changed most. */
function otherField(fields: Json, values: Readonly<Record<string, readonly unknown[]>>, dice: Dice): Json {
  const name = dice.pick(Object.keys(values))
  const entries = Object.entries(fields).filter(([given]) => given !== name)
  if (dice.roll(6) === 0) return Object.fromEntries(entries)
  return Object.fromEntries([...entries, [name, dice.pick(values[name]!)]])
}

const alphabet = 'ABCxyz019-_+/=. \n\t\u0000é'

function otherText(text: string, dice: Dice): string {
  const at = dice.roll(Math.max(1, text.length))
  const character = dice.pick([...alphabet])
  switch (dice.roll(5)) {
    case 0:
      return text.slice(0, at)
    case 1:
      return text.slice(0, at) + character + text.slice(at)
    case 2:
      return text.slice(0, at) + text.slice(at + 1)
    case 3:
      // The last character has bits that stand for nothing.
      return text.slice(0, -1) + character
    default:
      return text.slice(0, at) + character + text.slice(at + 1)
  }
}

function randomText(length: number, dice: Dice): string {
  return Array.from({ length }, () => dice.pick([...alphabet, '.'])).join('')
}
