/**
 * What programs and pages ask of the server over HTTP, below `/api`: who they are to it, and what is taken back of what tokens allow.
 */
import type { HttpBindings } from '@hono/node-server'
import { type Access, allows } from '@syncline/shared/api/access'
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { Authenticator, Checked } from '../auth/authenticator.ts'
import type { Revocations } from '../auth/revocations.ts'
import { findToken } from '../auth/token-source.ts'
import { AppError } from '../foundation/errors.ts'
import type { AddressedRequest, ClientAddress } from '../http/client-address.ts'
import { problemResponse } from '../http/problem.ts'
import { parseRevocationOrder } from './revocation-order.ts'

export interface HttpApiOptions {
  /** Null where nobody has to say who they are. */
  readonly authentication: { readonly authenticator: Authenticator; readonly revocations: Revocations } | null
  readonly clientAddress: (request: AddressedRequest) => ClientAddress
}

type Served = Context<{ Bindings: HttpBindings }>

const bodyBytesMax = 64 * 1024
/** Who may open any document where nobody has to say who they are. */
const accessOfAll: Access = 'write'
const fresh = { 'Cache-Control': 'no-store' }

export function createHttpApi({
  authentication,
  clientAddress,
}: HttpApiOptions): Hono<{ Bindings: HttpBindings }> {
  const check = async (context: Served, document: string | null): Promise<Checked> => {
    const { incoming } = context.env
    const { headers, socket } = incoming
    const found = findToken({ url: context.req.url, headers })
    if (!found.ok) return found
    const { address } = clientAddress({ headers, socket })
    const applicant = { token: found.token, origin: headers.origin ?? null, headers, address, document }
    return authentication!.authenticator.check(applicant)
  }
  const api = new Hono<{ Bindings: HttpBindings }>()

  api.get('/whoami', async context => {
    const document = context.req.query('document') ?? null
    if (authentication === null) {
      return context.json({ authentication: false, document, access: accessOfAll }, 200, fresh)
    }
    const checked = await check(context, document)
    if (!checked.ok) return problemResponse(checked.refusal)
    const { user, access, endsMs } = checked.grant
    const endsAt = new Date(endsMs).toISOString()
    return context.json({ authentication: true, document, user, access, endsAt }, 200, fresh)
  })

  const onError = () =>
    problemResponse(
      new AppError('REQUEST_INVALID', { reason: `the body is larger than ${bodyBytesMax} bytes` }),
    )
  api.post('/revocations', bodyLimit({ maxSize: bodyBytesMax, onError }), async context => {
    if (authentication === null) return problemResponse(new AppError('NOTHING_TO_REVOKE', {}))
    const parsed = parseRevocationOrder(await context.req.text())
    // Who may not revoke anything is told so before what is wrong with what they sent.
    const checked = await check(context, parsed.ok ? parsed.order.document : null)
    if (!checked.ok) return problemResponse(checked.refusal)
    if (!allows(checked.grant.access, 'admin')) return problemResponse(new AppError('ADMIN_NEEDED', {}))
    if (!parsed.ok) return problemResponse(new AppError('REVOCATION_INVALID', { reason: parsed.reason }))
    const revoked = await authentication.revocations.revoke(parsed.order)
    return revoked.ok ? context.json(revoked.revocation, 201, fresh) : problemResponse(revoked.refusal)
  })

  api.all('/whoami', ({ req }) => notAllowed(req.method, 'GET, HEAD'))
  api.all('/revocations', ({ req }) => notAllowed(req.method, 'POST'))
  return api
}

function notAllowed(method: string, allowed: string): Response {
  const response = problemResponse(new AppError('METHOD_NOT_ALLOWED', { method }))
  response.headers.set('Allow', allowed)
  return response
}
