/**
 * What `/api` answers where it does not refuse, as schemas: what is sent has their types, and `/api/openapi.json` shows them.
 */
import { accesses } from '@syncline/shared/api/access'
import type { Revocation } from '@syncline/shared/api/revocation'
import { z } from 'zod'

const access = z.enum(accesses).describe('What may be done with it, less what was revoked.')
const document = z
  .string()
  .nullable()
  .describe('The one that was asked about; null for the server as a whole.')
const text = z.string().nullable()
/** In UTC, as JavaScript writes it. */
const time = z.iso.datetime({ precision: 3 })

export const whoamiAnswer = z.discriminatedUnion('authentication', [
  z.strictObject({
    authentication: z.literal(true),
    document,
    user: z
      .strictObject({ id: z.string(), name: text, color: text })
      .nullable()
      .describe('Null where the token names nobody.'),
    access,
    endsAt: time.describe('When the grant ends, unless it is revoked before.'),
  }),
  z.strictObject({
    authentication: z.literal(false).describe('This server asks nobody who they are.'),
    document,
    access,
  }),
])

export const revocationAnswer = z.strictObject({
  user: text.describe('Whose tokens: `sub`. Null for everybody’s.'),
  token: text.describe('Which token: `jti`. Null for all.'),
  document: text.describe('For which document. Null for all.'),
  access: z.enum([...accesses, 'none']).describe('What is left.'),
  since: time.describe('Tokens that say (`iat`) that they were made later are not concerned.'),
  until: time.describe('It is kept no longer: no token that it concerns is taken after that.'),
})

export const revocationsAnswer = z.strictObject({
  revocations: z.array(revocationAnswer).describe('At most 1,000 of them.'),
  total: z.int().min(0).describe('How many there are of those that were asked for.'),
})

/** For what is refused: RFC 9457. */
export const problemAnswer = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string().describe('Of the table in docs/errors.md.'),
  act: z.string().describe('Who must do what.'),
})

export function shownRevocation({
  sinceMs,
  untilMs,
  ...target
}: Revocation): z.input<typeof revocationAnswer> {
  return { ...target, since: new Date(sinceMs).toISOString(), until: new Date(untilMs).toISOString() }
}
