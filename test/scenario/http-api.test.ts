/**
 * `/api` at real servers with real tokens: it tells the reason that an upgrade cannot show to a page, and what is revoked by it is kept over
 * a restart and counts at the other instance.
 */
import { UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { arrive } from '../support/arrival.ts'
import { goodClaims } from '../support/auth-stage.ts'
import { startInstances } from '../support/instances.ts'
import { docs, liveToken, secondsFromNow, secretEnv, withToken } from '../support/live-tokens.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { revoke, revokedWithinMs } from '../support/revoke.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { waitUntil } from '../support/wait-until.ts'

const env = { ...secretEnv, SYNCLINE_AUTH_AUDIENCE: 'syncline' }
const tokenFor = (
  changed: Readonly<Record<string, unknown>> = {},
  header: Parameters<typeof liveToken>[1] = {},
) => liveToken({ aud: 'syncline', ...changed }, header)

let server: ServerProcess
beforeAll(async () => {
  server = await startServer({ env })
})
afterAll(() => server?.[Symbol.asyncDispose]())

interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

async function ask(
  { url }: Pick<ServerProcess, 'url'>,
  path: string,
  { token, body }: { token?: string | undefined; body?: unknown } = {},
): Promise<Answer> {
  const response = await fetch(`${url}/api/${path}`, {
    headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  })
  return { status: response.status, body: await response.json() }
}

const whoami = async (at: Pick<ServerProcess, 'url'>, token?: string) => {
  const { status, body } = await ask(at, 'whoami?document=plan', { token })
  return [status, body.code ?? body.access]
}

const unsigned = () =>
  new UnsecuredJWT({ ...goodClaims, aud: 'syncline', exp: secondsFromNow(60), docs: docs('write') }).encode()

describe('GET /api/whoami', () => {
  const table: Record<
    string,
    [token: () => Promise<string> | string | undefined, status: number, says: string]
  > = {
    'no token': [() => undefined, 401, 'TOKEN_MISSING'],
    'what is no token': [() => 'hello', 401, 'TOKEN_MALFORMED'],
    'a token that has expired': [() => tokenFor({ exp: secondsFromNow(-60) }), 401, 'TOKEN_EXPIRED'],
    'a token that begins later': [() => tokenFor({ nbf: secondsFromNow(600) }), 401, 'TOKEN_NOT_YET_VALID'],
    'a token that is signed by somebody else': [
      () => tokenFor({}, { key: Buffer.from('another secret that nobody told the server') }),
      401,
      'TOKEN_SIGNATURE_WRONG',
    ],
    'a token that is not signed': [unsigned, 401, 'TOKEN_ALGORITHM_NOT_ALLOWED'],
    'a token for another server': [() => tokenFor({ aud: 'other' }), 401, 'TOKEN_AUDIENCE_WRONG'],
    'a token for other documents': [
      () => tokenFor({ docs: docs('admin', 'other') }),
      403,
      'DOCUMENT_NOT_GRANTED',
    ],
    'a reader': [() => tokenFor({ docs: docs('read') }), 200, 'read'],
    'a writer': [() => tokenFor({ docs: docs('write', 'pl*') }), 200, 'write'],
    'an admin': [() => tokenFor({ docs: docs('admin', 'plan') }), 200, 'admin'],
  }
  for (const [who, [token, status, says]] of Object.entries(table)) {
    test(`[AUTH-1] tells ${who} what an upgrade decides: ${says}`, async () => {
      const sent = await token()
      expect(await whoami(server, sent)).toEqual([status, says])
      const arrival = await arrive(server.wsUrl, sent === undefined ? 'plan' : withToken('plan', sent))
      expect(arrival.told === 'welcome').toBe(status === 200)
    })
  }

  test('describes itself under the base path', async () => {
    await using below = await startServer({ args: ['--store', 'memory', '--base-path', '/collab'] })
    const response = await fetch(`${below.url}/collab/api/openapi.json`)
    expect(await response.json()).toMatchObject({ openapi: '3.1.0', servers: [{ url: '/collab/api' }] })
    const whoami = await fetch(`${below.url}/collab/api/whoami?document=plan`)
    expect(await whoami.json()).toEqual({ authentication: false, document: 'plan', access: 'write' })
  })
})

describe('POST /api/revocations', () => {
  const admin = () => tokenFor({ sub: 'application', docs: docs('admin') })

  test('[AUTH-2] what is revoked stays so when the server is started anew, and is listed there', async () => {
    await using first = await startServer({ env })
    const tokenId = 'the one that was stolen'
    const byUser = await tokenFor({ sub: 'ada' })
    const byToken = await tokenFor({ sub: 'ben', jti: tokenId })
    const less = await tokenFor({ sub: 'cleo' })
    const orders = [
      { user: 'ada', until: secondsFromNow(3_600) },
      { token: tokenId },
      { user: 'cleo', document: 'plan', access: 'read' },
    ]
    for (const body of orders) {
      expect(await ask(first, 'revocations', { token: await admin(), body })).toMatchObject({ status: 201 })
    }
    const listed = await ask(first, 'revocations', { token: await admin() })
    expect(await first.stop()).toBe(0)
    await using second = await startServer({ env, dataFolder: first.dataFolder })
    expect(await whoami(second, byUser)).toEqual([401, 'GRANT_REVOKED'])
    expect(await whoami(second, byToken)).toEqual([401, 'GRANT_REVOKED'])
    expect(await whoami(second, less)).toEqual([200, 'read'])
    expect(await whoami(second, await tokenFor({ sub: 'ben' }))).toEqual([200, 'write'])
    expect(listed.body.total).toBe(3)
    expect(await ask(second, 'revocations', { token: await admin() })).toEqual(listed)
  })

  test('is for nobody who may only write, and for an admin of the document alone', async () => {
    const writer = await tokenFor({ sub: 'dan' })
    const ofPlan = await tokenFor({ sub: 'eva', docs: docs('admin', 'plan') })
    const codeOf = async (token: string | undefined, body: unknown) => {
      const answer = await ask(server, 'revocations', { token, body })
      return answer.body.code ?? answer.status
    }
    expect(await codeOf(undefined, { user: 'dan' })).toBe('TOKEN_MISSING')
    expect(await codeOf(writer, { user: 'dan' })).toBe('ADMIN_NEEDED')
    expect(await codeOf(writer, 'nonsense')).toBe('ADMIN_NEEDED')
    expect(await codeOf(ofPlan, { user: 'dan' })).toBe('DOCUMENT_NOT_GRANTED')
    expect(await codeOf(ofPlan, { user: 'dan', document: 'other' })).toBe('DOCUMENT_NOT_GRANTED')
    expect(await whoami(server, writer)).toEqual([200, 'write'])
    expect(await codeOf(ofPlan, { user: 'dan', document: 'plan' })).toBe(201)
    expect(await whoami(server, writer)).toEqual([401, 'GRANT_REVOKED'])
  })

  test('[AUTH-2] is listed by the other instance within five seconds', async () => {
    const redis = await startRedisServer()
    await using _redis = { [Symbol.asyncDispose]: () => redis.remove() }
    await using instances = await startInstances([redis.url, redis.url], { env: secretEnv })
    const [left, right] = instances.servers as [ServerProcess, ServerProcess]
    await revoke(left, { user: 'ada', document: 'plan' })
    const token = await liveToken({ docs: docs('admin') })
    const listed = async (at: ServerProcess) => (await ask(at, 'revocations', { token })).body
    const here = await listed(left)
    expect(here).toMatchObject({ total: 1, revocations: [{ user: 'ada', document: 'plan', access: 'none' }] })
    await waitUntil('the other to list it', async () => (await listed(right)).total === 1, {
      timeoutMs: revokedWithinMs,
    })
    expect(await listed(right)).toEqual(here)
  })
})
