/**
 * Reads the public key of the application from a file, and says which algorithms belong to it.
 *
 * The kind of key alone decides about the algorithm. A server that let the token choose could be given one that is signed
 * with HS256 and the public key as its secret, which everybody has.
 */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { AppError } from '../foundation/errors.ts'

export interface PublicKey {
  readonly key: KeyObject
  readonly algorithms: readonly string[]
}

const rsaBitsMin = 2048
const rsaAlgorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
const edwardsAlgorithms = ['EdDSA', 'Ed25519']
const algorithmOfCurve: Readonly<Record<string, string>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
}

/** Every algorithm that a public key may be for. */
export const publicKeyAlgorithms: readonly string[] = [
  ...rsaAlgorithms,
  ...Object.values(algorithmOfCurve),
  ...edwardsAlgorithms,
]

/** Throws `AUTH_KEY_UNUSABLE`. */
export function readPublicKey(file: string): PublicKey {
  const unusable = (reason: string, cause?: unknown) =>
    new AppError('AUTH_KEY_UNUSABLE', { file, reason }, { cause })
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw unusable((cause as Error).message, cause)
  }
  const jwk = text.trimStart().startsWith('{') ? parseJwk(text) : undefined
  if (jwk === null) throw unusable('it is not JSON')
  // Node would take the public half of it, and the secret half would go on lying about on a server that does not need it.
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text) || jwk?.d !== undefined || jwk?.k !== undefined)
    throw unusable('it holds a private key or a secret, which belongs to the application alone')
  let key: KeyObject
  try {
    key = jwk === undefined ? createPublicKey(text) : createPublicKey({ key: jwk, format: 'jwk' })
  } catch (cause) {
    throw unusable('it is no public key', cause)
  }
  const algorithms = algorithmsOf(key).filter(algorithm => jwk?.alg === undefined || algorithm === jwk.alg)
  if (algorithms.length > 0) return { key, algorithms }
  throw unusable(
    `it is no RSA key of ${rsaBitsMin} bits or more, no EC key on P-256, P-384 or P-521, and no Ed25519 key`,
  )
}

function parseJwk(text: string): Record<string, unknown> | null {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function algorithmsOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): readonly string[] {
  const { modulusLength = 0, namedCurve = '' } = asymmetricKeyDetails ?? {}
  if (asymmetricKeyType === 'rsa') return modulusLength >= rsaBitsMin ? rsaAlgorithms : []
  if (asymmetricKeyType === 'ed25519') return edwardsAlgorithms
  const ofCurve = asymmetricKeyType === 'ec' ? algorithmOfCurve[namedCurve] : undefined
  return ofCurve === undefined ? [] : [ofCurve]
}
