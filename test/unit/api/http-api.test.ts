/**
 * What `/api` answers, through the real HTTP front and a real authenticator.
 */
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { revocationAnswer, revocationsAnswer, whoamiAnswer } from '@syncline/server/internal/api/http-answers'
import { createHttpApi } from '@syncline/server/internal/api/http-api'
import { revocationOrder } from '@syncline/server/internal/api/revocation-order'
import { settingsWith } from '@syncline/server/internal/foundation/settings'
import { clientAddressReader } from '@syncline/server/internal/http/client-address'
import { createHttp } from '@syncline/server/internal/http/create-http'
import { silentLogger } from '@syncline/server/internal/observe/logger'
import { createMetrics } from '@syncline/server/internal/observe/metrics'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Door, makeToken, nowSeconds, openDoor, secret } from '../../support/auth-stage.ts'

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
    api: createHttpApi({ authentication: door, clientAddress, settings: settingsWith() }),
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
    expect(whoamiAnswer.safeParse(body)).toMatchObject({ success: true })
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

  test.each([
    ['no name', ''],
    ['a name beyond the limit', 'x'.repeat(1_025)],
  ])('says of %s what the upgrade would', async (_, document) => {
    const { status, body } = await whoami(await admin(), document)
    expect([status, body.code]).toEqual([400, 'DOCUMENT_NAME_INVALID'])
  })

  test('takes a name as it is', async () => {
    for (const document of ['100%', '%41', 'ü/\u{1f600}', '__proto__', 'a?b&c']) {
      const { body } = await whoami(await admin(), encodeURIComponent(document))
      expect(body).toMatchObject({ document, access: 'admin' })
    }
  })

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
      expect(revocationAnswer.safeParse(body)).toMatchObject({ success: true })
      expect((await whoami(token)).body.code).toBe('GRANT_REVOKED')
    })
  }

  test.each([
    ['seconds', (seconds: number) => seconds],
    ['ISO 8601', (seconds: number) => new Date(seconds * 1000).toISOString()],
    [
      'ISO 8601 elsewhere',
      (seconds: number) => `${new Date((seconds + 3_600) * 1000).toISOString().slice(0, 19)}+01:00`,
    ],
  ])('[AUTH-2] takes the end of a token in %s, and is kept until it is taken no longer', async (_, until) => {
    const { body } = await revoke({ user: 'u1', until: until(nowSeconds + 60) })
    const { authClockToleranceMs } = settingsWith()
    expect(body.until).toBe(new Date((nowSeconds + 60) * 1000 + authClockToleranceMs).toISOString())
  })

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
    'a time that is none': ['{"user":"u1","until":"soon"}', 'until: expected a time'],
    'a time that no calendar has': ['{"user":"u1","until":1e300}', 'until: expected a time'],
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
    expect([answer.status, answer.body.code]).toEqual([413, 'BODY_TOO_LARGE'])
  })

  test('says that there is nothing to revoke where nobody is asked who they are', async () => {
    await stop()
    await serve(null)
    expect((await ask('/api/revocations', { body: '{"user":"u1"}' })).body.code).toBe('NOTHING_TO_REVOKE')
  })

  test.each([
    ['/api/revocations', 'DELETE', 'GET, HEAD, POST'],
    ['/api/whoami', 'POST', 'GET, HEAD'],
    ['/api/openapi.json', 'POST', 'GET, HEAD'],
  ])('answers %s %s with 405 and what there is instead', async (path, method, allowed) => {
    const { status, headers, body } = await ask(path, { method })
    expect([status, headers.get('allow'), body.code]).toEqual([405, allowed, 'METHOD_NOT_ALLOWED'])
    expect(body.detail).toContain(allowed)
  })
})

describe('GET /api/revocations', () => {
  const list = async (query = '', token?: string) =>
    ask(`/api/revocations${query}`, { token: token ?? (await admin()) })

  test('tells what is revoked, all of it or of a user or a document, until it has ended', async () => {
    await revoke({ user: 'u1', document: 'doc', access: 'read' })
    await revoke({ user: 'u2', until: nowSeconds + 90 })
    const { status, body, headers } = await list()
    expect([status, headers.get('cache-control'), body.total]).toEqual([200, 'no-store', 2])
    expect(revocationsAnswer.safeParse(body)).toMatchObject({ success: true })
    expect(body.revocations).toMatchObject([
      { user: 'u1', token: null, document: 'doc', access: 'read' },
      { user: 'u2', token: null, document: null, access: 'none' },
    ])
    expect((await list('?user=u2')).body).toMatchObject({ total: 1, revocations: [{ user: 'u2' }] })
    expect((await list('?document=doc')).body).toMatchObject({ total: 1, revocations: [{ user: 'u1' }] })
    expect((await list('?document=doc&user=u2')).body).toMatchObject({ total: 0, revocations: [] })
    // Just after its end, and not yet swept.
    door.clock.advance(90_000 + settingsWith().authClockToleranceMs)
    expect((await list()).body).toMatchObject({ total: 1, revocations: [{ user: 'u1' }] })
  })

  test('shows a thousand, and says how many there are', async () => {
    await Promise.all(
      Array.from({ length: 1_001 }, (_, user) =>
        door.revocations.revoke({ user: `u${user}`, token: null, document: null, access: 'none' }),
      ),
    )
    const { body } = await list()
    expect([body.total, (body.revocations as unknown[]).length]).toEqual([1_001, 1_000])
  })

  test('is for admins of everything, or of the document that it names', async () => {
    await revoke({ document: 'doc', user: 'u1' })
    expect((await ask('/api/revocations')).body.code).toBe('TOKEN_MISSING')
    expect((await list('?document=doc', await makeToken({ sub: 'u2' }))).body.code).toBe('ADMIN_NEEDED')
    const ofDocument = await admin('doc')
    expect((await list('', ofDocument)).body.code).toBe('DOCUMENT_NOT_GRANTED')
    expect((await list('?document=doc', ofDocument)).body).toMatchObject({ total: 1 })
  })

  test('says that there is nothing where nobody is asked who they are', async () => {
    await stop()
    await serve(null)
    expect((await ask('/api/revocations')).body.code).toBe('NOTHING_TO_REVOKE')
  })
})

describe('GET /api/openapi.json', () => {
  interface Operation {
    readonly operationId: string
    readonly parameters?: readonly { readonly name: string }[]
    readonly responses: Readonly<Record<string, unknown>>
    readonly requestBody?: unknown
  }
  const operations = async () => {
    const { body } = await ask('/api/openapi.json')
    const paths = body.paths as Record<string, Record<string, Operation>>
    return Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    )
  }

  test('lists what there is, with every status that is answered', async () => {
    const found = await operations()
    expect(found.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([
      'get /revocations',
      'get /whoami',
      'post /revocations',
    ])
    for (const { path, method, operation } of found) {
      for (const token of [undefined, await makeToken(), await admin()]) {
        for (const body of method === 'post' ? ['{}', '{"user":"u9"}', 'x'.repeat(70_000)] : [undefined]) {
          const { status } = await ask(`/api${path}`, {
            method: method.toUpperCase(),
            ...(token === undefined ? {} : { token }),
            ...(body === undefined ? {} : { body }),
          })
          expect(Object.keys(operation.responses)).toContain(String(status))
        }
      }
    }
  })

  test('docs/api.md names everything that is in it', async () => {
    const page = await readFile(new URL('../../../docs/api.md', import.meta.url), 'utf8')
    for (const { path, method, operation } of await operations()) {
      expect(page).toContain(`## \`${method.toUpperCase()} /api${path}`)
      for (const { name } of operation.parameters ?? []) expect(page).toContain(`${name}=`)
    }
    for (const answer of [whoamiAnswer.options[0], revocationAnswer, revocationsAnswer, revocationOrder]) {
      for (const field of Object.keys(answer.shape)) expect(page).toMatch(new RegExp(`[\`"]${field}[\`"]`))
    }
  })
})
