import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import path from 'node:path'
import { connect as connectTls } from 'node:tls'
import { settingsWith } from '@syncline/server/internal/foundation/settings'
import type { Settings } from '@syncline/server/internal/foundation/settings-table'
import { readCertificate } from '@syncline/server/internal/http/certificate'
import { createWebServer } from '@syncline/server/internal/http/web-server'
import { createMetrics } from '@syncline/server/internal/observe/metrics'
import { afterEach, describe, expect, test } from 'vitest'

const fixtures = path.resolve(import.meta.dirname, '../../fixtures/tls')
const files = {
  tlsCert: path.join(fixtures, 'localhost-a.pem'),
  tlsKey: path.join(fixtures, 'localhost-a.key.pem'),
}

const ends: (() => unknown)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

async function serve(settings: Partial<Settings>, isEncrypted = false) {
  const metrics = createMetrics()
  const server = createWebServer({
    requestListener: (_, response) => response.end('here'),
    settings: settingsWith(settings),
    certificate: isEncrypted ? readCertificate(files) : null,
    metrics,
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  ends.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const metric = async () =>
    (await metrics.registry.getMetricsAsJSON()).find(({ name }) => name === 'syncline_http_requests_total')
  return { port, metric }
}

/** All that comes back for some bytes, once the server has closed. */
async function answerTo(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  ends.push(() => socket.destroy())
  let answer = ''
  socket
    .setEncoding('utf8')
    .on('data', data => (answer += data))
    .on('error', () => {})
  socket.write(text)
  await once(socket, 'close')
  return answer
}

const get = (headers: string) => `GET / HTTP/1.1\r\nHost: localhost\r\n${headers}`

describe('the head of a request', () => {
  test('[LIM-1 header-bytes] that is too large is answered with 431, its code and the limit, and counted', async () => {
    const { port, metric } = await serve({ limitHeaderBytes: 8 * 1024 })
    const fits = `X-Long: ${'x'.repeat(7_000)}\r\nConnection: close\r\n\r\n`
    expect(await answerTo(port, get(fits))).toMatch(/^HTTP\/1\.1 200 /)
    const answer = await answerTo(port, get(`X-Long: ${'x'.repeat(9_000)}\r\n\r\n`))
    expect(answer).toMatch(/^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/)
    const body = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))
    expect(body).toMatchObject({ code: 'HEAD_TOO_LARGE', status: 431 })
    expect(body.detail).toContain('8192 bytes')
    expect((await metric())?.values).toMatchObject([{ labels: { status: 431 }, value: 1 }])
  })

  test('[LIM-1 handshake-timeout] that does not come is answered with 408, and its socket is closed', async () => {
    const { port, metric } = await serve({ handshakeTimeoutMs: 100 })
    const answers = await Promise.all([answerTo(port, ''), answerTo(port, get('X-Slow: '))])
    for (const answer of answers) {
      expect(answer).toMatch(/^HTTP\/1\.1 408 /)
      expect(answer).toContain('HANDSHAKE_TOO_SLOW')
    }
    expect((await metric())?.values).toMatchObject([{ labels: { status: 408 }, value: 2 }])
  })

  test('that is none is a problem', async () => {
    const { port } = await serve({})
    expect(await answerTo(port, 'HELO example.org\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 .*REQUEST_INVALID/s)
  })
})

describe('with a certificate', () => {
  test('the server speaks TLS', async () => {
    const { port } = await serve({}, true)
    const socket = connectTls({
      port,
      host: '127.0.0.1',
      ca: readFileSync(files.tlsCert),
      servername: 'localhost',
    })
    ends.push(() => socket.destroy())
    await once(socket, 'secureConnect')
    expect(socket.getPeerX509Certificate()?.subject).toBe('CN=localhost a')
    socket.write(get('Connection: close\r\n\r\n'))
    const [data] = await once(socket.setEncoding('utf8'), 'data')
    expect(data).toMatch(/^HTTP\/1\.1 200 /)
  })

  test('[LIM-1 handshake-timeout] a TLS handshake that does not come is cut off', async () => {
    const { port } = await serve({ handshakeTimeoutMs: 100 }, true)
    expect(await answerTo(port, '')).toBe('')
  })
})
