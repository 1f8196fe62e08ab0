/**
 * The body of `POST /api/revocations`: JSON from outside, read once, here.
 */
import { accesses } from '@syncline/shared/api/access'
import { revocationTextLengthMax } from '@syncline/shared/api/revocation'
import { z } from 'zod'
import type { RevocationOrder } from '../auth/revocations.ts'

export type ParsedOrder =
  | { readonly ok: true; readonly order: RevocationOrder }
  /** What was expected, and where. */
  | { readonly ok: false; readonly reason: string }

const name = z.string().min(1).max(revocationTextLengthMax).nullish()
/** The last second that a `Date` can say. */
const secondsMax = 8_640_000_000_000
const error = 'expected a time in ISO 8601, or seconds since 1970 like exp'

export const revocationOrder = z
  .strictObject({
    user: name.describe('Whose tokens: `sub`.'),
    token: name.describe('Which token: `jti`.'),
    document: name.describe('For which document, by its exact name.'),
    access: z
      .enum([...accesses, 'none'])
      .default('none')
      .describe('What is left. `admin` ends a former revocation of the same user, token and document.'),
    until: z
      .union([z.iso.datetime({ offset: true, error }), z.int(error).min(0, error).max(secondsMax, error)], {
        error,
      })
      .nullish()
      .describe('When the last token that it concerns ends: ISO 8601, or seconds since 1970 like `exp`.'),
  })
  .refine(({ user, token, document }) => user != null || token != null || document != null, {
    message: 'expected a user, a token (jti) or a document, or several of them',
  })

export function parseRevocationOrder(body: string): ParsedOrder {
  const json = parseJson(body)
  if (json === undefined) return { ok: false, reason: 'expected JSON' }
  const parsed = revocationOrder.safeParse(json)
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!
    return { ok: false, reason: path.length === 0 ? message : `${path.join('.')}: ${message}` }
  }
  const { user, token, document, access, until } = parsed.data
  const untilMs =
    until == null ? {} : { untilMs: typeof until === 'number' ? until * 1000 : Date.parse(until) }
  return {
    ok: true,
    order: { user: user ?? null, token: token ?? null, document: document ?? null, access, ...untilMs },
  }
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
