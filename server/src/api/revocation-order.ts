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

const schema = z
  .strictObject({
    user: name,
    token: name,
    document: name,
    access: z.enum([...accesses, 'none']).default('none'),
    until: z.iso.datetime({ offset: true }).nullish(),
  })
  .refine(({ user, token, document }) => user != null || token != null || document != null, {
    message: 'expected a user, a token (jti) or a document, or several of them',
  })

export function parseRevocationOrder(body: string): ParsedOrder {
  const json = parseJson(body)
  if (json === undefined) return { ok: false, reason: 'expected JSON' }
  const parsed = schema.safeParse(json)
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!
    return { ok: false, reason: path.length === 0 ? message : `${path.join('.')}: ${message}` }
  }
  const { user, token, document, access, until } = parsed.data
  const untilMs = until == null ? {} : { untilMs: Date.parse(until) }
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
