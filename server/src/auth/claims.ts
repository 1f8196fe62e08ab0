/**
 * What a token says, or an answer of the application: who somebody is, and what they may open.
 *
 * Parsed here, once. Claims that this server does not know are left alone, since tokens are made for others too.
 */
import { type Access, accesses } from '@syncline/shared/api/access'
import { z } from 'zod'
import { isCssColor } from '../foundation/css-color.ts'

export interface Claims {
  /** `sub`, `name` and `color`: who it is, as presence shows it; null where there is no `sub`. */
  readonly user: {
    readonly id: string
    readonly name: string | null
    /** A CSS colour. */
    readonly color: string | null
  } | null
  /** `jti` */
  readonly tokenId: string | null
  /** `iat`, in milliseconds since 1970. */
  readonly issuedMs: number | null
  /** `exp`, in milliseconds since 1970. */
  readonly endsMs: number | null
  /** `name` is a pattern (`name-pattern.ts`). */
  readonly docs: readonly { readonly name: string; readonly access: Access }[]
}

/** As they stand in a token; what an application answers, and a function that it hands in. */
export type ClaimsGiven = z.input<typeof schema>

export type ParsedClaims =
  | { readonly ok: true; readonly claims: Claims }
  /** `reason` names the claim and what was expected, and repeats nothing of it. */
  | { readonly ok: false; readonly reason: string }

const textLengthMax = 256
const nameLengthMax = 8_192
const docsMax = 1_000
/** Some thousand years: what is beyond is milliseconds where seconds were expected. */
const secondsMax = 100_000_000_000

const text = z.string().min(1).max(textLengthMax)
const seconds = z.number().min(0).max(secondsMax)

const schema = z.object({
  sub: text.nullish(),
  name: z.string().max(textLengthMax).nullish(),
  color: z.string().refine(isCssColor, 'expected a CSS colour: hex, a name, rgb() or hsl()').nullish(),
  jti: text.nullish(),
  iat: seconds.nullish(),
  exp: seconds.nullish(),
  docs: z
    .array(z.object({ name: z.string().min(1).max(nameLengthMax), access: z.enum(accesses) }))
    .max(docsMax),
})

export function parseClaims(given: unknown): ParsedClaims {
  const parsed = schema.safeParse(given)
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!
    return { ok: false, reason: path.length === 0 ? message : `${path.join('.')}: ${message}` }
  }
  const { sub, name, color, jti, iat, exp, docs } = parsed.data
  const user = sub == null ? null : { id: sub, name: name ?? null, color: color ?? null }
  return {
    ok: true,
    claims: { user, tokenId: jti ?? null, issuedMs: milliseconds(iat), endsMs: milliseconds(exp), docs },
  }
}

function milliseconds(time: number | null | undefined): number | null {
  return time == null ? null : Math.round(time * 1000)
}
