/**
 * The bad line itself is exact: a test that says "cut after 100 bytes" must not cut after 99, or after everything.
 */
import net from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTcpProxy } from '../../support/tcp-proxy.ts'
import { waitUntil } from '../../support/wait-until.ts'

const received: Buffer[] = []
const greeting = Buffer.alloc(10_000, 'g')
const server = net.createServer(socket => {
  socket.on('error', () => {})
  socket.write(greeting)
  socket.on('data', chunk => received.push(chunk))
})

beforeAll(() => new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve)))
afterAll(() => void server.close())

const targetPort = () => (server.address() as net.AddressInfo).port
const receivedBytes = () => Buffer.concat(received).length

function connect(port: number) {
  const socket = net.connect(port, '127.0.0.1')
  const client = { socket, bytes: 0, isClosed: false }
  socket.on('error', () => {})
  socket.on('data', chunk => {
    client.bytes += chunk.length
  })
  socket.on('close', () => {
    client.isClosed = true
  })
  return client
}

test('what is sent arrives, in both directions', async () => {
  await using line = await startTcpProxy({ targetPort: targetPort() })
  const before = receivedBytes()
  const client = connect(line.port)
  client.socket.write(Buffer.alloc(5_000))
  await waitUntil('all bytes', () => client.bytes === greeting.length && receivedBytes() - before === 5_000)
  expect(line.passedBytes).toEqual({ up: 5_000, down: greeting.length })
})

test.each([1, 99, 100, 4_999])('a cut after %i bytes up lets exactly so many arrive', async afterBytes => {
  await using line = await startTcpProxy({ targetPort: targetPort() })
  line.cutNext({ direction: 'up', afterBytes })
  const before = receivedBytes()
  const client = connect(line.port)
  client.socket.write(Buffer.alloc(5_000))
  await waitUntil('the cut', () => client.isClosed && line.open === 0)
  await waitUntil('the bytes before the cut', () => receivedBytes() - before === afterBytes, {
    found: () => receivedBytes() - before,
  })
  expect(line.passedBytes.up).toBe(afterBytes)
})

test('a cut after 777 bytes down lets exactly so many arrive, and the next connection is whole', async () => {
  await using line = await startTcpProxy({ targetPort: targetPort() })
  line.cutNext({ direction: 'down', afterBytes: 777 })
  const cut = connect(line.port)
  await waitUntil('the cut', () => cut.isClosed)
  expect(cut.bytes).toBe(777)
  const whole = connect(line.port)
  await waitUntil('the whole greeting', () => whole.bytes === greeting.length)
  expect(line.accepted).toBe(2)
})

test('a paused line passes nothing and goes on where it was', async () => {
  await using line = await startTcpProxy({ targetPort: targetPort() })
  line.pause()
  const client = connect(line.port)
  await waitUntil('the connection', () => line.open === 1)
  expect(client.bytes).toBe(0)
  line.resume()
  await waitUntil('the greeting', () => client.bytes === greeting.length)
})

test('a line that is paused in one direction passes the other', async () => {
  await using line = await startTcpProxy({ targetPort: targetPort() })
  line.pause('down')
  const before = receivedBytes()
  const client = connect(line.port)
  client.socket.write(Buffer.alloc(100))
  await waitUntil('what is sent to arrive', () => receivedBytes() - before === 100)
  expect(client.bytes).toBe(0)
  line.resume()
  await waitUntil('the greeting', () => client.bytes === greeting.length)
})

test('a line that refuses ends every new connection', async () => {
  await using line = await startTcpProxy({ targetPort: targetPort() })
  line.refusing = true
  const client = connect(line.port)
  await waitUntil('the end', () => client.isClosed)
  expect(client.bytes).toBe(0)
})

test('a line that is turned to another target leaves open connections where they are', async () => {
  const other = net.createServer(socket => socket.end('other'))
  await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
  await using line = await startTcpProxy({ targetPort: targetPort() })
  const before = connect(line.port)
  await waitUntil('the greeting', () => before.bytes === greeting.length)
  line.targetPort = (other.address() as net.AddressInfo).port
  const after = connect(line.port)
  await waitUntil('the other greeting', () => after.isClosed)
  expect(after.bytes).toBe('other'.length)
  expect(before.isClosed).toBe(false)
  other.close()
})
