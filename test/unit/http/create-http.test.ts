import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createHttpApi } from '@syncline/server/internal/api/http-api'
import { settingsWith } from '@syncline/server/internal/foundation/settings'
import { clientAddressReader } from '@syncline/server/internal/http/client-address'
import { createHttp, type HttpOptions, type Readiness } from '@syncline/server/internal/http/create-http'
import { createLogger } from '@syncline/server/internal/observe/logger'
import { createMetrics } from '@syncline/server/internal/observe/metrics'
import { afterEach, describe, expect, test } from 'vitest'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

async function serve(options: Partial<HttpOptions> = {}) {
  const lines: string[] = []
  const metrics = createMetrics()
  const { requestListener } = createHttp({
    settings: settingsWith(),
    readiness: () => ({ ready: true, checks: [{ name: 'store', ok: true }] }),
    metrics,
    logger: createLogger({ level: 'info', stream: { write: line => lines.push(line) } }),
    demoFolder: null,
    api: createHttpApi({
      authentication: null,
      clientAddress: clientAddressReader(''),
      settings: settingsWith(),
    }),
    ...options,
  })
  const server: Server = createServer(requestListener).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  ends.push(() => {
    server.closeAllConnections()
    return new Promise(resolve => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  const ask = (method: string, target: string, headers: Record<string, string> = {}) =>
    new Promise<Answer>((resolve, reject) => {
      const outgoing = request({ host: '127.0.0.1', port, method, path: target, headers }, response => {
        let body = ''
        response.setEncoding('utf8').on('data', text => (body += text))
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        )
      })
      outgoing.on('error', reject).end()
    })
  return {
    ask,
    get: (target: string, headers?: Record<string, string>) => ask('GET', target, headers),
    port,
    metrics,
    lines,
  }
}

async function builtDemo(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'syncline-demo-'))
  ends.push(() => rm(folder, { recursive: true }))
  await fillDemo(folder)
  return folder
}

async function fillDemo(folder: string): Promise<void> {
  await mkdir(path.join(folder, 'assets'), { recursive: true })
  await writeFile(path.join(folder, 'index.html'), '<!doctype html><title>demo</title>')
  await writeFile(path.join(folder, 'assets/index-abc123.js'), 'console.log(1)')
}

function expectProblem(answer: Answer, status: number, code: string): void {
  expect(answer.headers['content-type']).toBe('application/problem+json')
  expect(answer.headers['cache-control']).toBe('no-store')
  expect(JSON.parse(answer.body)).toMatchObject({ status, code, type: `urn:syncline:error:${code}` })
  expect(answer.status).toBe(status)
}

describe('health, readiness and metrics', () => {
  test('/healthz is there as long as the process answers', async () => {
    const { get } = await serve({ readiness: () => ({ ready: false, checks: [] }) })
    const answer = await get('/healthz')
    expect([answer.status, JSON.parse(answer.body)]).toEqual([200, { ok: true }])
  })

  test('/readyz says what is not ready, and with which status', async () => {
    let state: Readiness = { ready: true, checks: [{ name: 'store', ok: true }] }
    const { get } = await serve({ readiness: () => state })
    expect((await get('/readyz')).status).toBe(200)
    state = { ready: false, checks: [{ name: 'store', ok: false, detail: 'the disk is full' }] }
    const away = await get('/readyz')
    expect([away.status, JSON.parse(away.body)]).toEqual([503, state])
  })

  test('/metrics is in the format of Prometheus and counts its own requests', async () => {
    const { get } = await serve()
    await get('/nowhere')
    const { headers, body } = await get('/metrics')
    expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/)
    expect(body).toContain('syncline_http_requests_total{status="404"} 1')
  })
})

describe('the demo', () => {
  test('is the page at / and asks to be looked for anew each time', async () => {
    const { get } = await serve({ demoFolder: await builtDemo() })
    const { status, headers, body } = await get('/')
    expect([status, headers['content-type'], headers['cache-control']]).toEqual([
      200,
      'text/html; charset=utf-8',
      'no-cache',
    ])
    expect(body).toContain('<title>demo</title>')
  })

  test('has files with hashes in their names, which are kept for ever', async () => {
    const { get } = await serve({ demoFolder: await builtDemo() })
    const { status, headers, body } = await get('/assets/index-abc123.js?v=1')
    expect([status, headers['content-type'], body]).toEqual([
      200,
      'text/javascript; charset=utf-8',
      'console.log(1)',
    ])
    expect(headers['cache-control']).toBe('public, max-age=31536000, immutable')
  })

  test.each([
    '/assets',
    '/assets/',
    '/assets/index-000000.js',
    '/notes',
    '/../create-http.ts',
    '/%2e%2e/secret',
    '/..%2fsecret',
    '/assets/..%5c..%5csecret',
    '/assets//index-abc123.js',
    '/%00',
    '/%',
    '/index.html%00.js',
  ])('has nothing at %s', async target => {
    const folder = await builtDemo()
    await writeFile(path.join(path.dirname(folder), 'secret'), 'not yours')
    const { get } = await serve({ demoFolder: folder })
    expectProblem(await get(target), 404, 'NOT_FOUND')
  })

  test('that is not built says how to build it, and is found once it is', async () => {
    const folder = path.join(await builtDemo(), 'later')
    const { get } = await serve({ demoFolder: folder })
    const missing = await get('/')
    expectProblem(missing, 503, 'DEMO_NOT_BUILT')
    expect(missing.body).toContain('npm run build')
    expectProblem(await get('/assets/index-abc123.js'), 404, 'NOT_FOUND')
    await fillDemo(folder)
    expect((await get('/')).status).toBe(200)
  })

  test('that is switched off leaves nothing at /', async () => {
    const { get, ask } = await serve()
    expectProblem(await get('/'), 404, 'NOT_FOUND')
    expectProblem(await ask('POST', '/'), 404, 'NOT_FOUND')
  })
})

describe('everything else', () => {
  test.each([
    '/secret-plan',
    '/a/secret-plan',
    '/doc/notes',
    '/__proto__',
    '/healthz/x',
    '/metrics/',
    '/HEALTHZ',
    '//',
    '/?doc=secret-plan',
  ])('a GET of %s is a problem, and names no document', async target => {
    const { get } = await serve()
    const answer = await get(target)
    expectProblem(answer, 404, 'NOT_FOUND')
    expect(answer.body).not.toContain('secret-plan')
  })

  test.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])(
    '%s is not a method of what is there',
    async method => {
      const { ask } = await serve({ demoFolder: await builtDemo() })
      for (const target of ['/', '/healthz', '/readyz', '/metrics']) {
        const answer = await ask(method, target)
        expectProblem(answer, 405, 'METHOD_NOT_ALLOWED')
        expect(answer.headers.allow).toBe('GET, HEAD')
      }
      expectProblem(await ask(method, '/notes'), 404, 'NOT_FOUND')
    },
  )

  test('a method that a Request cannot have is an answer, not a fault', async () => {
    const { ask, lines } = await serve()
    expect((await ask('TRACE', '/healthz')).status).toBeGreaterThanOrEqual(400)
    expect((await ask('QUERY', '/healthz')).status).toBe(405)
    expect(lines).toEqual([])
  })

  test('HEAD is a GET without the body', async () => {
    const { ask, get } = await serve({ demoFolder: await builtDemo() })
    for (const target of ['/', '/assets/index-abc123.js', '/healthz', '/readyz', '/notes']) {
      const [head, full] = [await ask('HEAD', target), await get(target)]
      expect(head.body).toBe('')
      expect([head.status, head.headers['content-type']]).toEqual([full.status, full.headers['content-type']])
    }
    const refused = await ask('HEAD', '/', { Host: 'example.org' })
    expect([refused.status, refused.body]).toEqual([403, ''])
  })

  test('an error inside is told as a problem without what happened, and logged with it', async () => {
    const { get, lines } = await serve({
      readiness: () => {
        throw new Error('the secret of the store')
      },
    })
    const answer = await get('/readyz')
    expectProblem(answer, 500, 'INTERNAL')
    expect(answer.body).not.toContain('secret')
    expect(lines.map(line => JSON.parse(line))).toMatchObject([
      { msg: 'request failed', error: { message: 'the secret of the store' } },
    ])
  })

  test('a target that is no path is a problem', async () => {
    const { port, lines } = await serve()
    const answers = await Promise.all(
      ['*', '\\..\\x', '/a\\b', 'nonsense', 'http://[', 'http://example.org/healthz'].map(target =>
        raw(port, target),
      ),
    )
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 (200|400|404) /)
    expect(lines).toEqual([])
  })
})

/** One request with a target that a proper client would not send. */
function raw(port: number, target: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    connect(port, '127.0.0.1', function (this: import('node:net').Socket) {
      this.write(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
    })
      .on('data', data => (answer += data))
      .on('close', () => resolve(answer))
      .on('error', reject)
  })
}

describe('every answer', () => {
  test('keeps the page to its own server, and its address to itself', async () => {
    const { get } = await serve({ demoFolder: await builtDemo() })
    for (const target of ['/', '/assets/index-abc123.js', '/metrics', '/nowhere']) {
      const { headers } = await get(target, { Host: 'localhost:1234' })
      const policy = String(headers['content-security-policy'])
      expect(policy).toContain("default-src 'self';")
      expect(policy).toContain("connect-src 'self' ws://localhost:1234 wss://localhost:1234;")
      expect(policy).not.toMatch(/\*|unsafe-eval|https?:/)
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers['referrer-policy']).toBe('no-referrer')
    }
  })

  test('has a policy that a Host cannot add to', async () => {
    const { get } = await serve({ settings: settingsWith({ open: true }) })
    const { headers } = await get('/', { Host: "a; script-src 'unsafe-inline'" })
    expect(headers['content-security-policy']).not.toContain('script-src')
  })

  test('is refused to hosts and origins from elsewhere, also where nothing is', async () => {
    const { ask } = await serve()
    for (const target of ['/', '/metrics', '/notes']) {
      expectProblem(await ask('GET', target, { Host: 'evil.example' }), 403, 'HOST_NOT_ALLOWED')
      expectProblem(await ask('GET', target, { Origin: 'https://evil.example' }), 403, 'ORIGIN_NOT_ALLOWED')
    }
  })
})

describe('under a base path', () => {
  const settings = settingsWith({ basePath: '/teams/collab' })

  test('everything is there, and nothing beside it', async () => {
    const { get, ask } = await serve({ settings, demoFolder: await builtDemo() })
    for (const target of ['/', '/assets/index-abc123.js', '/healthz', '/readyz', '/metrics']) {
      expect((await get(`/teams/collab${target}`)).status).toBe(200)
      expectProblem(await get(target), 404, 'NOT_FOUND')
      expectProblem(await get(`/teams/collabs${target}`), 404, 'NOT_FOUND')
    }
    expect((await get('/teams/collab/assets/index-abc123.js')).headers['cache-control']).toContain(
      'immutable',
    )
    expect((await ask('HEAD', '/healthz')).body).toBe('')
    for (const target of ['/teams/collab/../../x', '//teams/collab/', '/teams/collab//', '*']) {
      expectProblem(await get(target), 404, 'NOT_FOUND')
    }
  })

  test('the path without its slash leads to the page, whose files are named from there', async () => {
    const { get } = await serve({ settings, demoFolder: await builtDemo() })
    for (const query of ['', '?document=a/b&x=//evil.example']) {
      const { status, headers } = await get(`/teams/collab${query}`)
      expect([status, headers.location]).toEqual([308, `/teams/collab/${query}`])
    }
  })
})

describe('pages of other origins at /api', () => {
  const app = 'https://app.example'
  const settings = settingsWith({
    authCallbackUrl: 'http://127.0.0.1:9/',
    allowedOrigins: `${app}, https://intranet.example`,
    authCallbackCookieOrigins: 'https://intranet.example',
  })
  const preflight = (origin: string) => ({
    Origin: origin,
    'Access-Control-Request-Method': 'POST',
    'Access-Control-Request-Headers': 'authorization',
  })

  test('may call it where they are listed, and browsers are told before they do', async () => {
    const { ask } = await serve({ settings })
    const { status, headers } = await ask('OPTIONS', '/api/anything', preflight(app))
    expect(status).toBe(204)
    expect(headers).toMatchObject({
      'access-control-allow-origin': app,
      'access-control-allow-headers': 'Authorization,Content-Type',
      'access-control-max-age': '600',
    })
    expect(headers['access-control-allow-methods']).toContain('POST')
    expect(headers['access-control-allow-credentials']).toBeUndefined()
    expect(headers.vary).toContain('Origin')
  })

  test('may read the answer, also one that is a problem, and no cache gives it to others', async () => {
    const { get } = await serve({ settings })
    const answer = await get('/api/nothing', { Origin: app })
    expectProblem(answer, 404, 'NOT_FOUND')
    expect(answer.headers['access-control-allow-origin']).toBe(app)
    expect((await get('/api/nothing')).headers.vary).toBe('Origin')
  })

  test('may send cookies only where these are passed on', async () => {
    const { ask } = await serve({ settings })
    const { headers } = await ask('OPTIONS', '/api/x', preflight('https://intranet.example'))
    expect(headers['access-control-allow-credentials']).toBe('true')
  })

  test('are refused where they are not listed, and get nothing to read where none is', async () => {
    const { ask, get } = await serve({ settings })
    expectProblem(
      await ask('OPTIONS', '/api/x', preflight('https://evil.example')),
      403,
      'ORIGIN_NOT_ALLOWED',
    )
    const anyPage = await serve({ settings: settingsWith({ authSecret: 's'.repeat(32) }) })
    for (const answer of [
      await anyPage.ask('OPTIONS', '/api/x', preflight('https://evil.example')),
      await anyPage.get('/api/x', { Origin: 'https://evil.example' }),
      await get('/healthz', { Origin: app }),
    ]) {
      expect(answer.headers['access-control-allow-origin']).toBeUndefined()
    }
  })
})
