/**
 * The front door as seen from outside: HTTP and WebSocket on one port, who is let in, and under which name a document is
 * opened.
 */
import { createServer as createHttpServer, type IncomingHttpHeaders, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { createServer } from '@syncline/server'
import { silentLogger } from '@syncline/server/internal/observe/logger'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { connectRaw, frame } from '../support/raw-client.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'

/** Client 1 inserts "hi" into text t (protocol.md, part a). */
const hi = Uint8Array.of(1, 1, 1, 0, 4, 1, 1, 0x74, 2, 0x68, 0x69, 0)

let server: ServerProcess
beforeAll(async () => {
  server = await startServer({ args: ['--store', 'memory', '--no-demo'] })
})
afterAll(() => server[Symbol.asyncDispose]())

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

function ask(
  url: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string> } = {},
) {
  return new Promise<Answer>((resolve, reject) => {
    const outgoing = request(url, { method, headers }, response => {
      let body = ''
      response.setEncoding('utf8').on('data', text => {
        body += text
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
    })
    outgoing.on('error', reject).end()
  })
}

/** What an upgrade comes to: `open`, or the status and the code of the refusal. */
function upgrade(url: string, headers: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { headers })
    socket.on('open', () => {
      socket.terminate()
      resolve('open')
    })
    socket.on('unexpected-response', (_, response) => {
      let body = ''
      response.setEncoding('utf8').on('data', text => {
        body += text
      })
      response.on('end', () => resolve(`${response.statusCode} ${JSON.parse(body).code}`))
    })
    socket.on('error', reject)
  })
}

const elsewhere = 'https://evil.example'

describe('who is let in without --open', () => {
  test.each([
    ['localhost', undefined],
    ['localhost:1234', 'http://localhost:1234'],
    ['127.0.0.1', 'http://localhost:5173'],
    ['127.9.9.9:80', 'https://127.0.0.1'],
    ['[::1]:1234', 'http://[::1]:1234'],
  ])('host %s with origin %s is', async (host, origin) => {
    const headers = { Host: host, ...(origin === undefined ? {} : { Origin: origin }) }
    expect((await ask(`${server.url}/healthz`, { headers })).status).toBe(200)
    expect(await upgrade(`${server.wsUrl}/notes`, headers)).toBe('open')
  })

  test.each([
    ['evil.example', undefined, 'HOST_NOT_ALLOWED'],
    ['evil.example:1234', 'http://evil.example:1234', 'HOST_NOT_ALLOWED'],
    ['localhost.evil.example', undefined, 'HOST_NOT_ALLOWED'],
    ['192.168.1.1:1234', undefined, 'HOST_NOT_ALLOWED'],
    ['localhost:1234', elsewhere, 'ORIGIN_NOT_ALLOWED'],
    ['localhost:1234', 'null', 'ORIGIN_NOT_ALLOWED'],
    ['127.0.0.1', 'http://localhost.evil.example', 'ORIGIN_NOT_ALLOWED'],
  ])('host %s with origin %s is not: %s', async (host, origin, code) => {
    const headers = { Host: host, ...(origin === undefined ? {} : { Origin: origin }) }
    // A browser asks before (OPTIONS) what it does not do without permission, and sends a plain POST at once.
    const requests = [
      ['GET', '/healthz'],
      ['GET', '/metrics'],
      ['GET', '/api/whoami?document=notes'],
      ['OPTIONS', '/api/whoami'],
      ['POST', '/api/revocations'],
      ['GET', '/'],
    ] as const
    for (const [method, path] of requests) {
      const answer = await ask(`${server.url}${path}`, { method, headers })
      expect([path, answer.status, answer.headers['content-type']]).toEqual([
        path,
        403,
        'application/problem+json',
      ])
      expect(JSON.parse(answer.body).code).toBe(code)
      // Nor may the page read even that.
      expect(answer.headers['access-control-allow-origin']).toBeUndefined()
    }
    for (const room of ['notes', 'api/whoami', 'healthz'])
      expect(await upgrade(`${server.wsUrl}/${room}`, headers)).toBe(`403 ${code}`)
  })

  test('with --open everybody is', async () => {
    await using open = await startServer({ args: ['--store', 'memory', '--open'] })
    const headers = { Host: 'docs.example', Origin: elsewhere }
    expect((await ask(`${open.url}/healthz`, { headers })).status).toBe(200)
    expect(await upgrade(`${open.wsUrl}/notes`, headers)).toBe('open')
  })

  test('[LIM-1 connections] one connection too many is told so, and is let in when another has gone', async () => {
    await using small = await startServer({ args: ['--store', 'memory', '--limit-connections', '2'] })
    using first = await connectRaw(small.wsUrl, 'a')
    using _second = await connectRaw(small.wsUrl, 'b')
    expect(await upgrade(`${small.wsUrl}/c`)).toBe('503 TOO_MANY_CONNECTIONS')
    expect((await ask(`${small.url}/metrics`)).body).toContain(
      'syncline_connections_refused_total{code="TOO_MANY_CONNECTIONS"} 1',
    )
    first.close()
    await small.waitForLog('the first to be gone', line => line.msg === 'connection closed')
    expect(await upgrade(`${small.wsUrl}/c`)).toBe('open')
  })
})

describe('over HTTP', () => {
  test.each(['/notes', '/', '/healthz/x', '/__proto__'])('%s is a problem', async path => {
    const answer = await ask(`${server.url}${path}`)
    expect([answer.status, answer.headers['content-type']]).toEqual([404, 'application/problem+json'])
    expect(JSON.parse(answer.body)).toMatchObject({ status: 404, code: 'NOT_FOUND', title: 'Not found' })
  })

  test.each(['/healthz', '/readyz', '/metrics'])(
    '%s is there for GET and HEAD, and for nothing else',
    async path => {
      expect((await ask(`${server.url}${path}`)).status).toBe(200)
      const head = await ask(`${server.url}${path}`, { method: 'HEAD' })
      expect([head.status, head.body]).toEqual([200, ''])
      const posted = await ask(`${server.url}${path}`, { method: 'POST' })
      expect([posted.status, posted.headers.allow, JSON.parse(posted.body).code]).toEqual([
        405,
        'GET, HEAD',
        'METHOD_NOT_ALLOWED',
      ])
    },
  )

  test('no answer names a document that is open', async () => {
    using client = await connectRaw(server.wsUrl, 'secret-plan')
    client.send(frame.syncStep1())
    await client.waitForFrame('the answer', ({ kind }) => kind === 'sync-step-2')
    client.send(frame.update(hi))
    await client.waitForFrame('its own update back', ({ kind }) => kind === 'update')
    const answers = await Promise.all(
      ['/metrics', '/readyz', '/healthz', '/secret-plan', '/'].map(path => ask(`${server.url}${path}`)),
    )
    expect(answers[0]?.body).toMatch(/^syncline_rooms [1-9]/m)
    for (const { body, headers } of answers)
      expect(body + JSON.stringify(headers)).not.toContain('secret-plan')
  })
})

describe('the document of a WebSocket', () => {
  test.each([
    ['/notes', '/notes?token=x&room=other', 'the query is no part of its name'],
    ['/a/b', '/a%2Fb', 'a slash is a slash'],
    ['/100%', '/100%25', 'a percent sign may be encoded or not'],
    ['/%C3%BC', '/ü', 'what the URL parser encodes is decoded'],
    ['/__proto__', '/%5F%5Fproto%5F%5F', '__proto__ is a name'],
    ['/healthz', '/healthz?', 'what HTTP uses is free'],
    ['/%F0%9F%98%80%20x', '/😀 x', 'emoji and spaces are ordinary'],
  ])('%s and %s are one: %s', async (path, samePath) => {
    using writer = await connectRaw(server.wsUrl, path.slice(1))
    using reader = await connectRaw(server.wsUrl, samePath.slice(1))
    reader.send(frame.syncStep1())
    await reader.waitForFrame('the reader to be joined', ({ kind }) => kind === 'sync-step-2')
    writer.send(frame.syncStep1())
    await writer.waitForFrame('the answer', ({ kind }) => kind === 'sync-step-2')
    writer.send(frame.update(hi))
    const { body } = await reader.waitForFrame('the edit', ({ kind }) => kind === 'update')
    expect(body).toEqual(hi)
  })

  test('names that differ only in how a letter is composed are two', async () => {
    using writer = await connectRaw(server.wsUrl, '%C3%A9-two')
    writer.send(frame.syncStep1())
    await writer.waitForFrame('the answer', ({ kind }) => kind === 'sync-step-2')
    writer.send(frame.update(hi))
    await writer.waitForFrame('the edit', ({ kind }) => kind === 'update')
    using reader = await connectRaw(server.wsUrl, 'e%CC%81-two')
    reader.send(frame.syncStep1())
    const { body } = await reader.waitForFrame('an empty document', ({ kind }) => kind === 'sync-step-2')
    expect(body).toEqual(Uint8Array.of(0, 0))
  })

  test.each(['/', '/?room=notes', `/${'a'.repeat(1025)}`])(
    '%s names none and is closed for good',
    async path => {
      const socket = new WebSocket(`${server.wsUrl}${path}`)
      // Only the first frame tells whether the path has to name a document.
      socket.on('open', () => socket.send(frame.syncStep1()))
      // Not an HTTP answer: a stock client would take that for a server that is away, and try again for ever.
      const closed = await new Promise(resolve => socket.on('close', code => resolve(code)))
      expect(closed).toBe(4400)
    },
  )

  test('a subprotocol that was offered is answered', async () => {
    using client = await connectRaw(server.wsUrl, 'notes', { protocols: ['yauth-abc', 'other'] })
    expect(client.socket.protocol).toBe('yauth-abc')
  })

  test('an upgrade to something else is refused', async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      let text = ''
      const socket = connect(server.port, '127.0.0.1', () => {
        socket.write('GET /notes HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n')
      })
      socket
        .on('data', data => {
          text += data
        })
        .on('close', () => resolve(text))
        .on('error', reject)
    })
    expect(answer).toMatch(/^HTTP\/1\.1 426 /)
    expect(answer).toContain('UPGRADE_REQUIRED')
  })
})

test('another HTTP server can mount it', async () => {
  const mounted = await createServer({ settings: { store: 'memory', demo: false }, logger: silentLogger })
  const host = createHttpServer((incoming, outgoing) =>
    incoming.url === '/own' ? outgoing.end('my own page') : mounted.requestListener(incoming, outgoing),
  )
  host.on('upgrade', mounted.upgradeHandler)
  await new Promise<void>(resolve => host.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = host.address() as AddressInfo
    expect((await ask(`http://127.0.0.1:${port}/own`)).body).toBe('my own page')
    expect((await ask(`http://127.0.0.1:${port}/readyz`)).status).toBe(200)
    using client = await connectRaw(`ws://127.0.0.1:${port}`, 'notes')
    await mounted.close()
    expect(await client.waitForClose()).toMatchObject({ code: 1012 })
  } finally {
    host.closeAllConnections()
    host.close()
  }
})
