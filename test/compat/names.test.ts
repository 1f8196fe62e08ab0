/**
 * Document names as stock clients write them into a URL, and subprotocols that a client offers.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectRaw, frame } from '../support/raw-client.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { waitUntil } from '../support/wait-until.ts'
import { connectPeer, hocuspocusStacks, type Peer, yWebsocketStacks } from './stacks.ts'

let server: ServerProcess

beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server?.[Symbol.asyncDispose]())

const names = [
  '__proto__',
  'constructor',
  'toString',
  'a/b/c',
  'a//b',
  'two words',
  '🧵 emoji',
  '100%',
  '%zz',
  'ü',
  'u\u0308',
  'name:with;signs,=&+@!',
  'x'.repeat(1_024),
]

test.each(names)('[SYNC-3] the name %j is an ordinary document', async name => {
  using writer = connectPeer('y-websocket', server.wsUrl, name)
  using reader = connectPeer('@y/websocket', server.wsUrl, name)
  await Promise.all([writer.synced(), reader.synced()])
  writer.insertText(0, `text of ${name}`)
  await waitUntil('the text', () => reader.text === `text of ${name}`, { found: () => reader.text })
  // In the Hocuspocus framing the name travels as it is.
  for (const stack of hocuspocusStacks) {
    using other = connectPeer(stack, server.wsUrl, name)
    await waitUntil('the text in the other framing', () => other.text === `text of ${name}`, {
      found: () => [stack, other.text, other.ends],
    })
  }
})

test('documents with names that look alike are different documents', async () => {
  const alike = ['ü2', 'u\u03082', 'U\u03082', 'a/2', 'a//2', 'a2', 'A2', '2%', '2%2525']
  const peers = alike.map(name => connectPeer('y-websocket', server.wsUrl, name))
  using _peers = { [Symbol.dispose]: () => peers.forEach((peer: Peer) => void peer[Symbol.dispose]()) }
  await Promise.all(peers.map(peer => peer.synced()))
  for (const [at, peer] of peers.entries()) peer.insertText(0, `<${at}>`)
  for (const [at, name] of alike.entries()) {
    using late = connectPeer('y-websocket', server.wsUrl, name)
    await waitUntil(`the text of ${name}`, () => late.text !== '')
    expect(late.text).toBe(`<${at}>`)
  }
})

test('a name that was encoded and one that was not are the same document', async () => {
  using plain = connectPeer('y-websocket', server.wsUrl, 'same ü')
  using encoded = connectPeer('y-websocket', server.wsUrl, encodeURIComponent('same ü'))
  await Promise.all([plain.synced(), encoded.synced()])
  plain.insertText(0, 'one')
  await waitUntil('the text under the encoded name', () => encoded.text === 'one')
})

test('query parameters are not part of the name', async () => {
  using plain = connectPeer('y-websocket', server.wsUrl, 'parameters')
  using other = connectPeer('y-websocket', server.wsUrl, 'parameters', {
    params: { yauth: 'a&b', 'x?': '1' },
  })
  await Promise.all([plain.synced(), other.synced()])
  plain.insertText(0, 'one')
  await waitUntil('the text', () => other.text === 'one')
})

test('a name of 1,025 bytes is refused, and the server goes on', async () => {
  const refused = await connectRaw(server.wsUrl, 'x'.repeat(1_025)).then(
    async client => {
      client.send(frame.syncStep1())
      const { code } = await client.waitForClose()
      return `closed ${code}`
    },
    (error: Error) => error.message,
  )
  // Either before the upgrade or after it, but for good: a stock client must not try again for ever.
  expect(refused).toMatch(/closed 44\d\d|Unexpected server response: 4\d\d/)
  expect(server.running).toBe(true)
})

test.each(yWebsocketStacks)('[SYNC-3] a subprotocol that %s offers is answered', async stack => {
  using peer = connectPeer(stack, server.wsUrl, 'subprotocol', { protocols: ['yauth-abc', 'other'] })
  await peer.synced()
  expect(['yauth-abc', 'other']).toContain(peer.provider.ws?.protocol)
  using without = connectPeer(stack, server.wsUrl, 'subprotocol')
  await without.synced()
  expect(without.provider.ws?.protocol).toBe('')
})
