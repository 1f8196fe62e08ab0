/**
 * What the fuzzer has found, each as the smallest request that shows it, so that no change of the seeds loses it.
 */
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createHttpApi } from '@syncline/server/internal/api/http-api'
import { settingsWith } from '@syncline/server/internal/foundation/settings'
import { clientAddressReader } from '@syncline/server/internal/http/client-address'
import { createHttp } from '@syncline/server/internal/http/create-http'
import { createLogger } from '@syncline/server/internal/observe/logger'
import { createMetrics } from '@syncline/server/internal/observe/metrics'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { secretEnv } from '../support/live-tokens.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'syncline-demo-'))
let server: ServerProcess
beforeAll(async () => {
  writeFileSync(path.join(folder, 'index.html'), 'the demo')
  server = await startServer({ args: ['--store', 'memory'], env: secretEnv })
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await server?.[Symbol.asyncDispose]()
})

/** The status of the answer to what is sent, before we say that we are done. */
function statusOf(...lines: readonly string[]): Promise<string> {
  const socket = connect({ port: server.port, host: '127.0.0.1' })
  let answer = ''
  return new Promise(resolve => {
    socket
      .setEncoding('latin1')
      .on('data', part => {
        answer += part
      })
      .on('error', () => {})
      .on('close', () => resolve(answer.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length)))
    socket.end(lines.join('\r\n'))
  })
}

const post = ['POST /api/revocations HTTP/1.1', 'Host: 127.0.0.1', 'Connection: close']

test('seed 20261121, request 218: a path below /api that is none is answered with 404 where the demo is built', async () => {
  const settings = settingsWith()
  const { requestListener } = createHttp({
    settings,
    readiness: () => ({ ready: true, checks: [] }),
    metrics: createMetrics(),
    logger: createLogger({ level: 'info', stream: { write: () => {} } }),
    demoFolder: folder,
    api: createHttpApi({ authentication: null, clientAddress: clientAddressReader(''), settings }),
  })
  const withDemo = createServer(requestListener).listen(0, '127.0.0.1')
  await once(withDemo, 'listening')
  const { port } = withDemo.address() as AddressInfo
  try {
    expect((await fetch(`http://127.0.0.1:${port}/api/nothing`)).status).toBe(404)
  } finally {
    withDemo.closeAllConnections()
    withDemo.close()
  }
})

test('seed 5: a body that is sent in chunks is read as one that is not', async () => {
  // Nobody has said who they are: the same answer as to a body with a length.
  expect(await statusOf(...post, 'Content-Length: 2', '', '{}')).toBe('401')
  expect(await statusOf(...post, 'Transfer-Encoding: chunked', '', '2', '{}', '0', '', '')).toBe('401')
})

// The last one: it ends the server.
test('seed 5: somebody who leaves in the middle of a body is no fault of the server', async () => {
  expect(await statusOf(...post, 'Content-Length: 500', '', '{')).not.toBe('500')
  // Everything that it has to say is said then.
  await server.stop()
  expect(
    server.logs.filter(
      ({ msg, error }) => msg === 'request failed' && JSON.stringify(error).includes('aborted'),
    ),
  ).toEqual([])
})
