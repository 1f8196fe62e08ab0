/**
 * Every way in which a token can be wrong, against real servers: each is refused by name, in the form that a program, a page or a
 * provider can read, before anything is opened, and without a word of the token in the log.
 */
import { createPublicKey, generateKeyPairSync, randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ClientOptions } from 'ws'
import { type Arrival, arrive, somePage } from '../support/arrival.ts'
import { ecKeys, goodClaims, rsaKeys } from '../support/auth-stage.ts'
import { docs, liveToken, secondsFromNow, secretEnv, withToken } from '../support/live-tokens.ts'
import { operatorOf } from '../support/operator.ts'
import { connectRaw, frame } from '../support/raw-client.ts'
import { connectRawHocuspocus, keyed } from '../support/raw-hocuspocus.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { connectStock } from '../support/stock-client.ts'
import { waitUntil } from '../support/wait-until.ts'

const claims = { iss: 'https://app.example', aud: 'syncline' }
const checked = { SYNCLINE_AUTH_ISSUER: claims.iss, SYNCLINE_AUTH_AUDIENCE: claims.aud, LOG_LEVEL: 'trace' }
const publicPem = (keys: ReturnType<typeof rsaKeys>) =>
  createPublicKey(keys.privateKey).export({ type: 'spki', format: 'pem' }).toString()

const rsa = rsaKeys()
const otherSecret = Buffer.from('another secret that nobody told the server')
/** Everything secret that was sent to a server. */
const sent: string[] = []
const good = async (
  changed: Readonly<Record<string, unknown>> = {},
  header: Parameters<typeof liveToken>[1] = {},
) => noted(await liveToken({ ...claims, ...changed }, header))

function noted(token: string): string {
  sent.push(token)
  return token
}

const unsigned = () =>
  noted(new UnsecuredJWT({ ...goodClaims, ...claims, jti: randomUUID(), exp: secondsFromNow(60) }).encode())

interface Wrong {
  readonly what: string
  readonly at: 'secret' | 'publicKey'
  /** Null: none is brought. */
  readonly token: () => Promise<string> | string | null
  readonly code: string
  /** Part of what all forms say. */
  readonly says: string
  readonly close: 4401 | 4403
  /** What a program is told over HTTP; null where it, too, waits for the first frame, since the framing may bring a token or name another document. */
  readonly status: 401 | null
}

const notAuthenticated = { at: 'secret', close: 4401, status: 401 } as const
const wrong: readonly Wrong[] = [
  {
    ...notAuthenticated,
    what: 'no token',
    token: () => null,
    code: 'TOKEN_MISSING',
    says: 'none came',
    status: null,
  },
  {
    ...notAuthenticated,
    what: 'what is no token',
    token: () => noted(`abc.def.${randomUUID()}`),
    code: 'TOKEN_MALFORMED',
    says: 'cannot be read',
  },
  {
    ...notAuthenticated,
    what: 'an expired token',
    token: () => good({ exp: secondsFromNow(-60) }),
    code: 'TOKEN_EXPIRED',
    says: 'was valid until',
  },
  {
    ...notAuthenticated,
    what: 'a token that is not yet valid',
    token: () => good({ nbf: secondsFromNow(600) }),
    code: 'TOKEN_NOT_YET_VALID',
    says: 'is valid from',
  },
  {
    ...notAuthenticated,
    what: 'a token that never ends',
    token: () => good({ exp: undefined }),
    code: 'TOKEN_CLAIMS_INVALID',
    says: 'exp',
  },
  {
    ...notAuthenticated,
    what: 'a wrong signature',
    token: () => good({}, { key: otherSecret }),
    code: 'TOKEN_SIGNATURE_WRONG',
    says: 'not signed with the key',
  },
  {
    ...notAuthenticated,
    what: 'alg: none',
    token: () => unsigned(),
    code: 'TOKEN_ALGORITHM_NOT_ALLOWED',
    says: 'another algorithm',
  },
  {
    ...notAuthenticated,
    what: 'alg: none where there is a public key',
    at: 'publicKey',
    token: () => unsigned(),
    code: 'TOKEN_ALGORITHM_NOT_ALLOWED',
    says: 'another algorithm',
  },
  {
    ...notAuthenticated,
    what: 'HS256 with the public key for a secret',
    at: 'publicKey',
    token: () => good({}, { key: Buffer.from(publicPem(rsa)) }),
    code: 'TOKEN_ALGORITHM_NOT_ALLOWED',
    says: 'another algorithm',
  },
  {
    ...notAuthenticated,
    what: 'the right algorithm with another key',
    at: 'publicKey',
    token: () => good({}, { key: rsaKeys().privateKey, alg: 'RS256' }),
    code: 'TOKEN_SIGNATURE_WRONG',
    says: 'not signed with the key',
  },
  {
    ...notAuthenticated,
    what: 'a key of another kind',
    at: 'publicKey',
    token: () => good({}, { key: ecKeys().privateKey, alg: 'ES256' }),
    code: 'TOKEN_ALGORITHM_NOT_ALLOWED',
    says: 'another algorithm',
  },
  {
    ...notAuthenticated,
    what: 'a wrong audience',
    token: () => good({ aud: 'another-service' }),
    code: 'TOKEN_AUDIENCE_WRONG',
    says: 'audience',
  },
  {
    ...notAuthenticated,
    what: 'a wrong issuer',
    token: () => good({ iss: 'https://evil.example' }),
    code: 'TOKEN_ISSUER_WRONG',
    says: 'issuer',
  },
  {
    ...notAuthenticated,
    what: 'no grant for the document',
    token: () => good({ docs: docs('write', 'team/*') }),
    code: 'DOCUMENT_NOT_GRANTED',
    says: 'does not cover this document',
    close: 4403,
    status: null,
  },
]

let servers: Record<Wrong['at'], ServerProcess>
let keyFolder: string

beforeAll(async () => {
  keyFolder = await mkdtemp(path.join(tmpdir(), 'syncline-key-'))
  const keyFile = path.join(keyFolder, 'public.pem')
  await writeFile(keyFile, publicPem(rsa))
  const [secret, publicKey] = await Promise.all([
    startServer({ env: { ...secretEnv, ...checked } }),
    startServer({ env: { SYNCLINE_AUTH_PUBLIC_KEY_FILE: keyFile, ...checked } }),
  ])
  servers = { secret, publicKey }
})
afterAll(async () => {
  await Promise.all(Object.values(servers ?? {}).map(server => server[Symbol.asyncDispose]()))
  await rm(keyFolder, { recursive: true, force: true })
})

const refusalsAt = (server: ServerProcess, code: string) =>
  server.logs.filter(line => line.msg === 'connection refused' && line.code === code).length

/** Lines about a document that somebody came to. */
const openedAt = (server: ServerProcess) =>
  server.logs.filter(({ msg }) => msg === 'room opened' || msg === 'session opened')

async function pathWith({ token }: Wrong, document: string): Promise<string> {
  const made = await token()
  return made === null ? document : withToken(document, made)
}

/** Somebody comes with a wrong token; resolves when the server has also written its line, so that none is counted for the next. */
async function isRefused<Told>(one: Wrong, come: (server: ServerProcess) => Promise<Told>): Promise<Told> {
  const server = servers[one.at]
  const before = refusalsAt(server, one.code)
  const told = await come(server)
  await waitUntil('the line in the log', () => refusalsAt(server, one.code) === before + 1)
  expect(openedAt(server)).toEqual([])
  return told
}

const comes = (one: Wrong, options: ClientOptions = {}): Promise<Arrival> =>
  isRefused(one, async ({ wsUrl }) => arrive(wsUrl, await pathWith(one, 'plan'), options))

describe.each(wrong)('$what', one => {
  test(`[AUTH-1] is told to a program ${one.status === null ? 'after its first frame' : 'over HTTP'}: ${one.code}`, async () => {
    const arrival = await comes(one)
    if (one.status === null) expect(arrival).toMatchObject({ told: 'close', code: one.close, frames: 0 })
    else expect(arrival).toMatchObject({ told: 'http', status: one.status, code: one.code })
    expect('detail' in arrival ? arrival.detail : 'reason' in arrival && arrival.reason).toContain(one.says)
  })

  test(`[AUTH-1] is told to a page by ${one.close}, with the check in its reason`, async () => {
    const arrival = await comes(one, { origin: somePage })
    expect(arrival).toMatchObject({ told: 'close', code: one.close, frames: 0 })
    expect('reason' in arrival && arrival.reason).toContain(one.says)
  })

  test('[AUTH-1] is told to a provider once, by PermissionDenied with the check in its reason, and its socket stays', async () => {
    const token = (await one.token()) ?? ''
    const [told, closed] = await isRefused(one, async ({ wsUrl }) => {
      using provider = await connectRawHocuspocus(wsUrl)
      provider.begin('plan', token)
      await provider.waitForFrame('the refusal', ({ kind }) => kind === 'permission-denied')
      // What a provider goes on to send for it is dropped.
      provider.send(keyed('plan').update(Uint8Array.of(0, 0)))
      await provider.heard()
      return [provider.of('plan'), provider.closed]
    })
    expect(told).toMatchObject([{ kind: 'permission-denied', text: expect.stringContaining(one.says) }])
    expect(closed).toBe(undefined)
  })
})

test('[AUTH-1] whoever was refused has left no document behind, at any server', async () => {
  for (const { dataFolder } of Object.values(servers)) {
    await using operator = await operatorOf(dataFolder)
    expect(await operator.ask('docs', 'list')).toEqual([])
  }
})

test('[AUTH-1] a connection that says nothing, or is refused and goes on talking, is told nothing of any document', async () => {
  const { wsUrl } = servers.secret
  const expired = await good({ exp: secondsFromNow(-60) })
  using client = await connectRaw(wsUrl, withToken('plan', expired), { origin: somePage })
  // All at once: what stands behind the frame that is refused must not be heard either.
  for (const said of [frame.syncStep1(), frame.syncStep1(), frame.presence(7, 1, { name: 'Eve' })])
    client.send(said)
  expect(await client.waitForClose()).toMatchObject({ code: 4401 })
  expect(client.frames).toEqual([])
  expect(openedAt(servers.secret)).toEqual([])
})

test.each([
  ['http', { close: null, http: 401 }],
  ['close', { close: 4401, http: null }],
] as const)(
  '[AUTH-1] authRefusal=%s gives every refusal that form, for pages and programs',
  async (form, told) => {
    await using server = await startServer({
      args: ['--store', 'memory', '--auth-refusal', form],
      env: { ...secretEnv, ...checked },
    })
    for (const options of [{}, { origin: somePage }]) {
      const expired = await arrive(
        server.wsUrl,
        withToken('plan', await good({ exp: secondsFromNow(-60) })),
        options,
      )
      const foreign = await arrive(
        server.wsUrl,
        withToken('plan', await good({ docs: docs('read', 'other') })),
        options,
      )
      const codes = [expired, foreign].map(arrival =>
        arrival.told === 'http' ? arrival.status : arrival.told === 'close' && arrival.code,
      )
      expect(codes).toEqual(told.http === null ? [4401, 4403] : [401, 403])
    }
    expect(openedAt(server)).toEqual([])
  },
)

test('tokens and contents are in no log, however much is logged', async () => {
  const marker = `typed-${generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }).x}`
  const { secret } = servers
  const token = await good()
  using person = connectStock(secret.wsUrl, 'diary', {
    params: { token },
    awareness: { note: `${marker}-presence` },
  })
  await person.synced()
  person.doc.getText('text').insert(0, marker)
  using other = connectStock(secret.wsUrl, 'diary', { params: { token: await good() } })
  await other.synced()
  await waitUntil('the other to read it', () => other.doc.getText('text').toString() === marker)
  // Over HTTP, and in each place where a token may stand.
  await fetch(`${secret.url}/api/whoami?document=diary&token=${await good()}`)
  await fetch(`${secret.url}/api/whoami`, { headers: { authorization: `Bearer ${await good()}` } })
  await arrive(secret.wsUrl, 'diary', { headers: { authorization: `Bearer ${await good()}` } })
  using _bySubprotocol = await connectRaw(secret.wsUrl, 'diary', {
    protocols: [`syncline-token.${await good()}`, 'y'],
  })
  person.destroy()
  await secret.waitForLog('the end of the first', line => line.msg === 'connection closed')
  for (const server of Object.values(servers)) {
    const output = JSON.stringify(server.logs) + server.strayLines.join('\n') + server.stderr
    expect(output).toContain('connection refused')
    const secrets = [
      marker,
      ...sent.flatMap(one => [one, ...one.split('.').filter(part => part.length > 20)]),
    ]
    expect(secrets.filter(one => output.includes(one))).toEqual([])
  }
  expect(sent.length).toBeGreaterThan(30)
})
