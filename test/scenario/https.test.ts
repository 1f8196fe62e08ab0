/** HTTPS by a certificate of one's own: at start, when it is renewed, and when it cannot be used. */
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TLSSocket, connect as tlsConnect } from 'node:tls'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { connectRaw, frame } from '../support/raw-client.ts'
import { ServerDidNotStart, startServer } from '../support/server-process.ts'
import { waitUntil } from '../support/wait-until.ts'

const fixtures = path.resolve(import.meta.dirname, '../fixtures/tls')

let folder: string
let args: string[]
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'syncline-https-'))
  args = [
    '--store',
    'memory',
    '--tls-cert',
    path.join(folder, 'cert.pem'),
    '--tls-key',
    path.join(folder, 'key.pem'),
  ]
  await put('a')
})
afterEach(() => rm(folder, { recursive: true }))

async function put(which: 'a' | 'b'): Promise<void> {
  await copyFile(path.join(fixtures, `localhost-${which}.pem`), path.join(folder, 'cert.pem'))
  await copyFile(path.join(fixtures, `localhost-${which}.key.pem`), path.join(folder, 'key.pem'))
}

/** The subject of the certificate that a new connection is shown. */
function shownCertificate(port: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = tlsConnect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.subject)
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

test('a renewed certificate is used from SIGHUP on, and nobody is disconnected', async () => {
  await using server = await startServer({ args })
  expect(server.logs.find(({ msg }) => msg === 'listening')?.url).toBe(`https://127.0.0.1:${server.port}`)
  const ca = await readFile(path.join(folder, 'cert.pem'))
  using client = await connectRaw(`wss://127.0.0.1:${server.port}`, 'notes', { ca })
  expect(await shownCertificate(server.port)).toBe('CN=localhost a')
  await put('b')
  process.kill(server.pid, 'SIGHUP')
  await waitUntil('the new one', async () => (await shownCertificate(server.port)) === 'CN=localhost b')
  client.send(frame.syncStep1())
  await client.waitForFrame('an answer', ({ kind }) => kind === 'sync-step-2')
  expect(await server.stop()).toBe(0)
})

test('a key of another certificate keeps the server from starting, and says so', async () => {
  await copyFile(path.join(fixtures, 'localhost-b.key.pem'), path.join(folder, 'key.pem'))
  const started = startServer({ args })
  const failure = await started.then(
    () => undefined,
    error => error,
  )
  expect(failure).toBeInstanceOf(ServerDidNotStart)
  expect(failure.exit.code).toBe(1)
  expect(failure.stderr).toMatch(
    /^syncline: TLS_UNUSABLE: tlsKey .*key\.pem cannot be used: it is not the key of/,
  )
})
