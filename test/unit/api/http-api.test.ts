/**
 * What `/api` answers, through the real HTTP front and a real authenticator.
 */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createHttpApi } from '@syncline/server/internal/api/http-api'
import { settingsWith } from '@syncline/server/internal/foundation/settings'
import { clientAddressReader } from '@syncline/server/internal/http/client-address'
import { createHttp } from '@syncline/server/internal/http/create-http'
import { silentLogger } from '@syncline/server/internal/observe/logger'
import { createMetrics } from '@syncline/server/internal/observe/metrics'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Door, makeToken, openDoor, secret } from '../../support/auth-stage.ts'

let door: Door
let http: Server
let url: string

async function serve(door: Door | null): Promise<void> {
  const clientAddress = clientAddressReader('')
  const { requestListener } = createHttp({
    settings: settingsWith(),
    readiness: () => ({ ready: true, checks: [] }),
    metrics: createMetrics(),
    logger: silentLogger,
    demoFolder: null,
    api: createHttpApi({ authentication: door, clientAddress }),
  })
  http = createServer(requestListener)
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
}

async function stop(): Promise<void> {
  http.closeAllConnections()
  await new Promise(resolve => http.close(resolve))
}

beforeEach(async () => {
  door = await openDoor({ authSecret: secret })
  await serve(door)
})
afterEach(stop)

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Record<string, unknown>
}

async function ask(
  path: string,
  {
    token,
    body,
    method = body === undefined ? 'GET' : 'POST',
  }: { token?: string; body?: string; method?: string } = {},
): Promise<Answer> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const response = await fetch(`${url}${path}`, { method, headers, ...(body === undefined ? {} : { body }) })
  return { status: response.status, headers: response.headers, body: await response.json() }
}

const whoami = (token?: string, document = 'doc') =>
  ask(`/api/whoami?document=${document}`, token === undefined ? {} : { token })

const admin = (name = '*') => makeToken({ sub: 'boss', jti: 'b', docs: [{ name, access: 'admin' }] })

const revoke = async (order: unknown, token?: string) =>
  ask('/api/revocations', { token: token ?? (await admin()), body: JSON.stringify(order) })

describe('GET /api/whoami', () => {
  test('[AUTH-1] tells whom a token names, what it grants and until when', async () => {
    const { status, body, headers } = await whoami(await makeToken())
    expect(status).toBe(200)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(body).toMatchObject({
      authentication: true,
      document: 'doc',
      user: { id: 'u1', name: 'Ada', color: 'teal' },
      access: 'write',
      endsAt: expect.stringMatching(/^\d{4}-.*Z$/),
    })
  })

  test('takes the token from the query as well', async () => {
    const { body } = await ask(`/api/whoami?document=team/x&token=${await makeToken()}`)
    expect(body).toMatchObject({ access: 'read', document: 'team/x' })
  })

  const refusals: Record<string, [token: () => Promise<string | undefined>, status: number, code: string]> = {
    'no token': [async () => undefined, 401, 'TOKEN_MISSING'],
    'no token at all': [async () => 'hello', 401, 'TOKEN_MALFORMED'],
    'one that has expired': [() => makeToken({ exp: 1 }), 401, 'TOKEN_EXPIRED'],
    'one that begins later': [() => makeToken({ nbf: 9_999_999_999 }), 401, 'TOKEN_NOT_YET_VALID'],
    'one signed by somebody else': [
      () => makeToken({}, { key: Buffer.from('another secret of thirty-two bytes') }),
      401,
      'TOKEN_SIGNATURE_WRONG',
    ],
    'one for other documents': [
      () => makeToken({ docs: [{ name: 'other', access: 'admin' }] }),
      403,
      'DOCUMENT_NOT_GRANTED',
    ],
  }
  for (const [what, [token, status, code]] of Object.entries(refusals)) {
    test(`[AUTH-1] says why, for ${what}: ${code}`, async () => {
      const answer = await whoami(await token())
      expect([answer.status, answer.body.code]).toEqual([status, code])
      expect(answer.headers.get('www-authenticate')).toBe(status === 401 ? 'Bearer' : null)
    })
  }

  test('says that nobody is asked where nobody is', async () => {
    await stop()
    await serve(null)
    const { status, body } = await whoami()
    expect([status, body]).toEqual([200, { authentication: false, document: 'doc', access: 'write' }])
  })
})

describe('POST /api/revocations', () => {
  const orders = { user: { user: 'u1' }, token: { token: 't1' }, document: { document: 'doc' } }
  for (const [what, order] of Object.entries(orders)) {
    test(`[AUTH-2] by ${what}: what the token allowed is gone`, async () => {
      const token = await makeToken()
      expect((await whoami(token)).status).toBe(200)
      const { status, body } = await revoke(order)
      expect(status).toBe(201)
      expect(body).toMatchObject({ ...order, access: 'none' })
      expect((await whoami(token)).body.code).toBe('GRANT_REVOKED')
    })
  }

  test('[AUTH-2] leaves as much as it says', async () => {
    await revoke({ user: 'u1', access: 'read' })
    expect((await whoami(await makeToken())).body).toMatchObject({ access: 'read' })
  })

  test('is for admins of everything, or of the document that it names', async () => {
    const [writer, ofDocument] = [await makeToken(), await admin('doc')]
    expect((await ask('/api/revocations', { body: '{"user":"u1"}' })).body.code).toBe('TOKEN_MISSING')
    expect((await revoke({ user: 'u1' }, writer)).status).toBe(403)
    expect((await revoke({ document: 'doc' }, writer)).body.code).toBe('ADMIN_NEEDED')
    expect((await revoke({ user: 'u1' }, ofDocument)).body.code).toBe('DOCUMENT_NOT_GRANTED')
    expect((await revoke({ document: 'other' }, ofDocument)).body.code).toBe('DOCUMENT_NOT_GRANTED')
    expect((await whoami(writer)).status).toBe(200)
    expect((await revoke({ document: 'doc', user: 'u1' }, ofDocument)).status).toBe(201)
  })

  const wrong: Record<string, [body: string, says: string]> = {
    'no JSON': ['{', 'JSON'],
    'nothing named': ['{}', 'a user, a token'],
    'a field that does not exist': ['{"users":"u1"}', 'users'],
    'an access that does not exist': ['{"user":"u1","access":"all"}', 'access'],
    'a time that is none': ['{"user":"u1","until":"soon"}', 'until'],
    'a name that is no text': ['{"user":7}', 'user'],
  }
  for (const [what, [body, says]] of Object.entries(wrong)) {
    test(`says what was expected, for ${what}`, async () => {
      const answer = await ask('/api/revocations', { token: await admin(), body })
      expect([answer.status, answer.body.code]).toEqual([422, 'REVOCATION_INVALID'])
      expect(answer.body.detail).toContain(says)
    })
  }

  test('takes no body beyond 64 KiB', async () => {
    const answer = await ask('/api/revocations', {
      token: await admin(),
      body: `{"user":"${'x'.repeat(70_000)}"}`,
    })
    expect([answer.status, answer.body.code]).toEqual([400, 'REQUEST_INVALID'])
  })

  test('says that there is nothing to revoke where nobody is asked who they are', async () => {
    await stop()
    await serve(null)
    expect((await ask('/api/revocations', { body: '{"user":"u1"}' })).body.code).toBe('NOTHING_TO_REVOKE')
  })

  test('answers other methods with 405', async () => {
    const { status, headers } = await ask('/api/revocations')
    expect([status, headers.get('allow')]).toEqual([405, 'POST'])
    expect((await ask('/api/whoami', { body: '{}' })).status).toBe(405)
  })
})
