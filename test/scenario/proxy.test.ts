/**
 * Behind a real nginx, with the very files of `deploy/`: TLS, a path of its own, whose address counts, how long silence may last, and
 * several instances without affinity.
 */
import { readFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { request } from 'node:https'
import path from 'node:path'
import { expect, type TestContext, test } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { type Nginx, nginxMissing, startNginx } from '../support/nginx.ts'
import { connectRaw, frame } from '../support/raw-client.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { connectStock } from '../support/stock-client.ts'
import { waitUntil } from '../support/wait-until.ts'

const repository = path.resolve(import.meta.dirname, '../..')
const certificate = path.join(repository, 'test/fixtures/tls/localhost-a.pem')
const ca = readFileSync(certificate)
const missing = nginxMissing()

/** A file of `deploy/` with what differs from machine to machine; everything that is named must be in it. */
function deployed(file: string, replaced: Readonly<Record<string, string>>): string {
  let text = readFileSync(path.join(repository, 'deploy', file), 'utf8')
  for (const [from, to] of Object.entries(replaced)) {
    if (!text.includes(from)) throw new Error(`deploy/${file} has no "${from}"`)
    text = text.replace(from, to)
  }
  return text
}

interface Site extends AsyncDisposable {
  readonly server: ServerProcess
  readonly nginx: Nginx
  readonly port: number
  /** Without TLS, for clients that cannot be given a certificate. */
  readonly plainPort: number
}

async function startSite(
  args: readonly string[] = [],
  more: Readonly<Record<string, string>> = {},
): Promise<Site> {
  const server = await startServer({
    args: [
      '--store',
      'memory',
      '--open',
      '--base-path',
      '/collab',
      '--trusted-proxies',
      '127.0.0.1',
      ...args,
    ],
  })
  const [port, plainPort] = [await freePort(), await freePort()]
  const site = deployed('nginx.conf', {
    'listen 443 ssl;': `listen 127.0.0.1:${port} ssl; listen 127.0.0.1:${plainPort};`,
    '/etc/letsencrypt/live/docs.example.org/fullchain.pem': certificate,
    '/etc/letsencrypt/live/docs.example.org/privkey.pem': certificate.replace('.pem', '.key.pem'),
    '/var/log/nginx/syncline.log': 'access.log',
    'http://127.0.0.1:1234': server.url,
    ...more,
  })
  const nginx = await startNginx(plainPort, `events {}\nhttp {\n${site}}`)
  return {
    server,
    nginx,
    port,
    plainPort,
    async [Symbol.asyncDispose]() {
      await nginx[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

function ask(
  port: number,
  target: string,
): Promise<{ status: number; headers: IncomingHttpHeaders; body: string }> {
  return new Promise((resolve, reject) => {
    request({ host: 'localhost', port, path: target, ca }, response => {
      let body = ''
      response.setEncoding('utf8').on('data', text => (body += text))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
    })
      .on('error', reject)
      .end()
  })
}

const needsNginx = (context: TestContext) => missing !== undefined && context.skip(missing)

test('everything is reached over TLS under the base path', async context => {
  needsNginx(context)
  await using site = await startSite()
  expect((await ask(site.port, '/collab/readyz')).status).toBe(200)
  expect((await ask(site.port, '/readyz')).status).toBe(404)
  const bare = await ask(site.port, '/collab?document=a%2Fb')
  expect([bare.status, bare.headers.location]).toEqual([308, '/collab/?document=a%2Fb'])
  const policy = String((await ask(site.port, '/collab/healthz')).headers['content-security-policy'])
  expect(policy).toContain(`wss://localhost:${site.port};`)

  using client = await connectRaw(
    `wss://localhost:${site.port}/collab`,
    'team%2Fnotes%252Fx?token=not.for.logs',
    {
      ca,
      // Not the trusted one.
      localAddress: '127.0.0.2',
      headers: { 'X-Forwarded-For': '1.2.3.4', Forwarded: 'for=1.2.3.4' },
    },
  )
  client.send(frame.syncStep1())
  await client.waitForFrame('the answer', ({ kind }) => kind === 'sync-step-2')
  const logOf = (event: string) => site.server.waitForLog(event, ({ msg }) => msg === event)
  // The name arrives as it was written, and the address is the one that nginx saw.
  expect(await logOf('connection opened')).toMatchObject({ address: '127.0.0.2' })
  expect(await logOf('session opened')).toMatchObject({ document: 'team/notes%2Fx' })
  client.close()
  const logged = () => site.nginx.read('access.log')
  await waitUntil('nginx to log the connection', () => logged().includes('"GET /collab/team'))
  expect(logged()).not.toContain('not.for.logs')

  using outside = await connectRaw(site.server.wsUrl, 'notes')
  outside.send(frame.syncStep1())
  expect(await outside.waitForClose()).toMatchObject({
    code: 4400,
    reason: expect.stringContaining('/collab/'),
  })
})

test('what a trusted proxy says of the address is believed, and of nobody else', async context => {
  needsNginx(context)
  await using site = await startSite([], { $proxy_add_x_forwarded_for: "'1.2.3.4, 2001:db8::7'" })
  using _client = await connectRaw(`wss://localhost:${site.port}/collab`, 'notes', { ca })
  await site.server.waitForLog(
    'the address',
    ({ msg, address }) => msg === 'connection opened' && address === '2001:db8::7',
  )
})

test('two stock clients write together through it', async context => {
  needsNginx(context)
  await using site = await startSite()
  const wsUrl = `ws://127.0.0.1:${site.plainPort}/collab`
  using ada = connectStock(wsUrl, 'together')
  using ben = connectStock(wsUrl, 'together')
  await Promise.all([ada.synced(), ben.synced()])
  ada.doc.getText('text').insert(0, 'over nginx')
  await waitUntil('the text', () => ben.doc.getText('text').toString() === 'over nginx')
})

test('somebody who only reads is not cut off by its read timeout, which cuts off what is silent for longer', async context => {
  needsNginx(context)
  const impatient = { 'proxy_read_timeout 60s;': 'proxy_read_timeout 2s;' }
  await using lively = await startSite(['--keep-alive-interval-ms', '500'], impatient)
  using reader = await connectRaw(`ws://127.0.0.1:${lively.plainPort}/collab`, 'quiet')
  reader.send(frame.syncStep1())
  await using silent = await startSite([], impatient)
  using cut = await connectRaw(`ws://127.0.0.1:${silent.plainPort}/collab`, 'quiet')
  cut.send(frame.syncStep1())
  expect((await cut.waitForClose()).code).toBe(1006)
  await waitUntil('ten frames, of five seconds', () => reader.frames.length >= 10)
  expect(reader.closed).toBeUndefined()
})

test('[REL-1] a balancer without affinity sends people to different instances, where they write one document, also when one dies', async context => {
  needsNginx(context)
  const redis = await startRedisServer()
  try {
    const instance = () => startServer({ args: ['--open'], env: { SYNCLINE_REDIS_URL: redis.url } })
    await using one = await instance()
    await using two = await instance()
    const port = await freePort()
    const balancer = deployed('balancer.conf', {
      'listen 8080;': `listen 127.0.0.1:${port};`,
      'syncline-1:1234': `127.0.0.1:${one.port}`,
      'syncline-2:1234': `127.0.0.1:${two.port}`,
      '/dev/stdout': 'access.log',
    })
    await using _nginx = await startNginx(port, balancer)
    using ada = connectStock(`ws://127.0.0.1:${port}`, 'notes')
    await ada.synced()
    using ben = connectStock(`ws://127.0.0.1:${port}`, 'notes')
    await ben.synced()
    for (const { logs } of [one, two])
      expect(logs.filter(({ msg }) => msg === 'connection opened')).toHaveLength(1)
    const [text, other] = [ada, ben].map(({ doc }) => doc.getText('text'))
    text!.insert(0, 'both ')
    await waitUntil('the first edit', () => other!.toString() === 'both ')
    await one.kill()
    other!.insert(5, 'here')
    await waitUntil('the second edit, at whoever had to come back', () => text!.toString() === 'both here')
  } finally {
    await redis.remove()
  }
})
