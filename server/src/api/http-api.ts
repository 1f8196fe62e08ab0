/**
 * What programs and pages ask of the server over HTTP, below `/api`: who they are to it, and what is taken back of what tokens allow.
 */
import type { HttpBindings } from '@hono/node-server'
import { type Access, allows } from '@syncline/shared/api/access'
import { documentNameFromPath } from '@syncline/shared/document-name'
import { type Context, Hono } from 'hono'
import type { z } from 'zod'
import type { Authenticator, Checked } from '../auth/authenticator.ts'
import type { Revocations } from '../auth/revocations.ts'
import { findToken } from '../auth/token-source.ts'
import { AppError } from '../foundation/errors.ts'
import type { Settings } from '../foundation/settings-table.ts'
import type { AddressedRequest, ClientAddress } from '../http/client-address.ts'
import { problemResponse } from '../http/problem.ts'
import { type revocationsAnswer, shownRevocation, type whoamiAnswer } from './http-answers.ts'
import { openApiOf } from './http-openapi.ts'
import { readBody } from './read-body.ts'
import { parseRevocationOrder } from './revocation-order.ts'

export interface HttpApiOptions {
  /** Null where nobody has to say who they are. */
  readonly authentication: { readonly authenticator: Authenticator; readonly revocations: Revocations } | null
  readonly clientAddress: (request: AddressedRequest) => ClientAddress
  readonly settings: Pick<Settings, 'basePath' | 'limitDocumentNameBytes'>
}

type Served = Context<{ Bindings: HttpBindings }>
type Whoami = z.input<typeof whoamiAnswer>
type Listed = z.input<typeof revocationsAnswer>

const bodyBytesMax = 64 * 1024
/** Shown at once. Whoever looks for a certain one names its user or document. */
const listedMax = 1_000
/** Who may open any document where nobody has to say who they are. */
const accessOfAll: Access = 'write'
const fresh = { 'Cache-Control': 'no-store' }

export function createHttpApi({
  authentication,
  clientAddress,
  settings,
}: HttpApiOptions): Hono<{ Bindings: HttpBindings }> {
  const check = async (context: Served, document: string | null): Promise<Checked> => {
    const { incoming } = context.env
    const { headers, socket } = incoming
    const found = findToken({ url: context.req.url, headers })
    if (!found.ok) return found
    const address = clientAddress({ headers, socket })
    const applicant = { token: found.token, origin: headers.origin ?? null, headers, address, document }
    return authentication!.authenticator.check(applicant)
  }
  /** Null for an admin of the document, or of the server as a whole. */
  const refusalToAdmin = async (context: Served, document: string | null): Promise<AppError | null> => {
    const checked = await check(context, document)
    if (!checked.ok) return checked.refusal
    return allows(checked.grant.access, 'admin') ? null : new AppError('ADMIN_NEEDED', {})
  }
  const openApi = openApiOf(settings.basePath)
  const api = new Hono<{ Bindings: HttpBindings }>()

  api.get('/openapi.json', context => context.json(openApi))

  api.get('/whoami', async context => {
    const document = context.req.query('document') ?? null
    // Whoever would be refused for the name when they connect is told the same here.
    const wrongName = document === null ? null : wrongNameOf(document, settings.limitDocumentNameBytes)
    if (wrongName !== null) return problemResponse(wrongName)
    const answer = (body: Whoami) => context.json(body, 200, fresh)
    if (authentication === null) return answer({ authentication: false, document, access: accessOfAll })
    const checked = await check(context, document)
    if (!checked.ok) return problemResponse(checked.refusal)
    const { user, access, endsMs } = checked.grant
    return answer({ authentication: true, document, user, access, endsAt: new Date(endsMs).toISOString() })
  })

  api.get('/revocations', async context => {
    if (authentication === null) return problemResponse(new AppError('NOTHING_TO_REVOKE', {}))
    const { document = null, user = null } = context.req.query()
    const refusal = await refusalToAdmin(context, document)
    if (refusal !== null) return problemResponse(refusal)
    const found = authentication.revocations.all.filter(
      one => (document === null || one.document === document) && (user === null || one.user === user),
    )
    const body: Listed = {
      revocations: found.slice(0, listedMax).map(shownRevocation),
      total: found.length,
    }
    return context.json(body, 200, fresh)
  })

  api.post('/revocations', async context => {
    if (authentication === null) return problemResponse(new AppError('NOTHING_TO_REVOKE', {}))
    const body = await readBody(context.env.incoming, bodyBytesMax)
    if (!body.ok) return problemResponse(body.refusal)
    const parsed = parseRevocationOrder(body.text)
    // Who may not revoke anything is told so before what is wrong with what they sent.
    const refusal = await refusalToAdmin(context, parsed.ok ? parsed.order.document : null)
    if (refusal !== null) return problemResponse(refusal)
    if (!parsed.ok) return problemResponse(new AppError('REVOCATION_INVALID', { reason: parsed.reason }))
    const revoked = await authentication.revocations.revoke(parsed.order)
    if (!revoked.ok) return problemResponse(revoked.refusal)
    return context.json(shownRevocation(revoked.revocation), 201, fresh)
  })

  for (const path of ['/whoami', '/openapi.json']) {
    api.all(path, ({ req }) => notAllowed(req.method, 'GET, HEAD'))
  }
  api.all('/revocations', ({ req }) => notAllowed(req.method, 'GET, HEAD, POST'))
  // Nothing below here is a file of the demo's.
  api.all('*', () => problemResponse(new AppError('NOT_FOUND', {})))
  return api
}

function wrongNameOf(document: string, bytesMax: number): AppError | null {
  const name = documentNameFromPath(`/${encodeURIComponent(document)}`, bytesMax)
  return name.ok ? null : new AppError('DOCUMENT_NAME_INVALID', { reason: name.reason })
}

function notAllowed(method: string, allowed: string): Response {
  const response = problemResponse(new AppError('METHOD_NOT_ALLOWED', { method, allowed }))
  response.headers.set('Allow', allowed)
  return response
}
