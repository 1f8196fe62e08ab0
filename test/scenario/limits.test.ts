/**
 * Limits at a real server: what whoever reaches one is told by name, and that it is counted. What floods do is in `test/fault`; limits
 * on updates, presence entries and connections of a user have their tests with the parts that hold them.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { dayMs } from '@syncline/server/internal/foundation/setting'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { arrive } from '../support/arrival.ts'
import { docs, liveToken, secondsFromNow, secretEnv, withToken } from '../support/live-tokens.ts'
import { providerFrame } from '../support/provider-frames.ts'
import { connectRaw, frame, type RawClient } from '../support/raw-client.ts'
import { scrape } from '../support/scrape.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { waitUntil } from '../support/wait-until.ts'

const KiB = 1024
const smallArgs = {
  'limit-message-bytes': 64 * KiB,
  'limit-presence-message-bytes': KiB,
  'limit-stateless-bytes': KiB,
  'limit-header-bytes': 4 * KiB,
  'limit-document-name-bytes': 16,
  'limit-opening-frames': 100,
  'limit-documents-per-connection': 2,
  'limit-revocations': 1,
  'handshake-timeout-ms': 500,
  'first-frame-timeout-ms': 500,
}

let server: ServerProcess
let token: string

beforeAll(async () => {
  const flags = Object.entries(smallArgs).flatMap(([flag, value]) => [`--${flag}`, String(value)])
  server = await startServer({ args: ['--store', 'memory', ...flags], env: secretEnv })
  token = await liveToken()
})
afterAll(() => server?.[Symbol.asyncDispose]())

const reached = (limit: string, of = server) =>
  scrape(of.url, 'syncline_limits_reached_total', `limit="${limit}"`)

/** In the room, and told so. */
async function join(document: string): Promise<RawClient> {
  const client = await connectRaw(server.wsUrl, withToken(document, token))
  client.send(frame.syncStep1())
  await client.waitForFrame('the document', ({ kind }) => kind === 'sync-step-2')
  return client
}

/** All that a server answers to some bytes until it closes. */
async function answerTo(port: number, bytes: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' })
  let answer = ''
  socket.setEncoding('utf8').on('data', text => {
    answer += text
  })
  socket.write(bytes)
  await once(socket, 'close')
  return answer
}

test('[LIM-1 message-bytes] a larger message is closed with 4413 and both numbers', async () => {
  using client = await join('message')
  client.send(new Uint8Array(64 * KiB + 1))
  const { code, reason } = await client.waitForClose()
  expect([code, reason]).toEqual([4413, expect.stringContaining('65537 bytes came, at most 65536')])
  expect(await reached('limitMessageBytes')).toBe(1)
})

test('[LIM-1 presence-message-bytes] a larger presence message is closed with 4413 and the name of the limit', async () => {
  using client = await join('presence')
  client.send(frame.presence(1, 1, 'x'.repeat(KiB)))
  const { code, reason } = await client.waitForClose()
  expect([code, reason]).toEqual([4413, expect.stringContaining('limitPresenceMessageBytes')])
  expect(await reached('limitPresenceMessageBytes')).toBe(1)
})

test('[LIM-1 opening-frames] more frames than may wait for the room are closed with 4529 and the name of the limit', async () => {
  using client = await connectRaw(server.wsUrl, withToken('opening', token))
  const wire = (client.socket as unknown as { _socket: { cork(): void; uncork(): void } })._socket
  // One read holds all of them, and nothing else happens in between.
  wire.cork()
  client.send(frame.syncStep1())
  for (let i = 0; i < 101; i++) client.send(frame.saved(Uint8Array.of(i)))
  wire.uncork()
  const { code, reason } = await client.waitForClose()
  expect([code, reason]).toEqual([4529, expect.stringContaining('limitOpeningFrames')])
  expect(await reached('limitOpeningFrames')).toBe(1)
})

test('[LIM-1 header-bytes] a larger head is answered with 431 and its code', async () => {
  const answer = await answerTo(
    server.port,
    `GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'x'.repeat(5_000)}\r\n\r\n`,
  )
  expect(answer).toMatch(/^HTTP\/1\.1 431 .*HEAD_TOO_LARGE.*4096 bytes/s)
  expect(await reached('limitHeaderBytes')).toBe(1)
})

test('[LIM-1 handshake-timeout] half a head is answered with 408 and its code', async () => {
  const answer = await answerTo(server.port, 'GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ')
  expect(answer).toMatch(/^HTTP\/1\.1 408 .*HANDSHAKE_TOO_SLOW/s)
  expect(await reached('handshakeTimeoutMs')).toBe(1)
})

test('[LIM-1 first-frame-timeout] who says nothing is closed with 4508', async () => {
  using client = await connectRaw(server.wsUrl, withToken('silence', token))
  const { code, reason } = await client.waitForClose()
  expect([code, reason]).toEqual([4508, expect.stringContaining('nothing was said in 500 ms')])
  expect(await reached('firstFrameTimeoutMs')).toBe(1)
})

test('[LIM-1 document-name-bytes] a longer name is closed with 4400 and both numbers', async () => {
  expect(await arrive(server.wsUrl, withToken('ü'.repeat(8), token))).toMatchObject({ told: 'welcome' })
  const told = await arrive(server.wsUrl, withToken('ü'.repeat(9), token))
  expect(told).toMatchObject({ told: 'close', code: 4400, reason: expect.stringContaining('18 bytes') })
  expect(await scrape(server.url, 'syncline_connections_refused_total', 'DOCUMENT_NAME_INVALID')).toBe(1)
})

test('[LIM-1 documents-per-connection] one more document on a socket is refused, and the others go on', async () => {
  using client = await connectRaw(server.wsUrl, '')
  for (const name of ['one', 'two']) client.send(providerFrame.token(name, token))
  await waitUntil('both to be answered', () => client.frames.length >= 2)
  expect(client.closed).toBe(undefined)
  client.send(providerFrame.token('three', token))
  const refusal = await client.waitForFrame('the refusal', ({ bytes }) =>
    Buffer.from(bytes).includes('at most 2 documents'),
  )
  expect(Buffer.from(refusal.bytes).toString()).toContain('three')
  expect(await reached('limitDocumentsPerConnection')).toBe(1)
  expect(client.closed).toBe(undefined)
})

test('[LIM-1 stateless-bytes] a larger stateless message ends its document with the name of the limit', async () => {
  using client = await connectRaw(server.wsUrl, '')
  client.send(providerFrame.token('stateless', token))
  client.send(providerFrame.stateless('stateless', 'x'.repeat(KiB + 1)))
  const refusal = await client.waitForFrame('the refusal', ({ bytes }) =>
    Buffer.from(bytes).includes('limitStatelessBytes'),
  )
  expect(Buffer.from(refusal.bytes).toString()).toContain('1025 bytes came, at most 1024')
  expect(client.closed).toBe(undefined)
  expect(await reached('limitStatelessBytes')).toBe(1)
})

test('[LIM-1 token-life] a token that ends later than the limit allows is refused with 401 and the name of the limit', async () => {
  const late = await liveToken({ exp: secondsFromNow((32 * dayMs) / 1000) })
  expect(await arrive(server.wsUrl, withToken('plan', late))).toMatchObject({
    told: 'http',
    status: 401,
    code: 'TOKEN_CLAIMS_INVALID',
    detail: expect.stringContaining('limitTokenLifeMs'),
  })
  expect(await scrape(server.url, 'syncline_connections_refused_total', 'TOKEN_CLAIMS_INVALID')).toBe(1)
})

test('[LIM-1 revocations] one more than are kept is refused with 409 and its code', async () => {
  const application = await liveToken({ sub: 'application', docs: docs('admin') })
  const revoke = (user: string) =>
    fetch(`${server.url}/api/revocations`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${application}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ user }),
    })
  expect((await revoke('one')).ok).toBe(true)
  const refused = await revoke('two')
  expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([
    409,
    'REVOCATIONS_FULL',
  ])
  expect(await scrape(server.url, 'syncline_http_requests_total', 'status="409"')).toBe(1)
})

test('[LIM-1 rooms] one more document is closed with 1013, and those that are open go on', async () => {
  await using few = await startServer({ args: ['--store', 'memory', '--limit-rooms', '1'] })
  expect(await arrive(few.wsUrl, 'one')).toMatchObject({ told: 'welcome' })
  using _one = await connectRaw(few.wsUrl, 'one')
  expect(await arrive(few.wsUrl, 'two')).toMatchObject({ told: 'close', code: 1013 })
  expect(await arrive(few.wsUrl, 'one')).toMatchObject({ told: 'welcome' })
  expect(await reached('limitRooms', few)).toBe(1)
})
