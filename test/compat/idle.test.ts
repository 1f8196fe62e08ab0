/**
 * Stock clients that do nothing for 45 s keep their connection, and a large document joins over a slow line without starting over.
 *
 * Both take most of a minute of real time, because they run against the clients' own watchdogs (30 s without a data frame), so all
 * cases run at once.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Random, testSeed } from '../support/counts.ts'
import { hocuspocusVersions, onSocket, openSocket } from '../support/hocuspocus-client.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { waitUntil } from '../support/wait-until.ts'
import { connectPeer, type Peer, stackNames } from './stacks.ts'

const idleMs = 45_000
/** 1 Mbit/s. */
const slowBytesPerSecond = 125_000
/** 5 MB at 125 kB/s are 40 s; what the framing and a busy machine add is allowed for. */
const slowJoinMsMax = 150_000
const largeBytes = 5_000_000
/** A client renews its presence when it is 15 s old, and looks every 3 s. */
const renewalMsMax = 30_000

let server: ServerProcess

beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server?.[Symbol.asyncDispose]())

test.concurrent.each(
  stackNames.flatMap(stack => [
    { stack, what: 'alone in a room', awareness: {}, others: 0 },
    { stack, what: 'alone in a room, without awareness', awareness: null, others: 0 },
    { stack, what: 'among others, without awareness', awareness: null, others: 2 },
  ]),
)(
  '[SYNC-3] $stack keeps its connection while idle for 45 s, $what',
  async ({ stack, what, awareness, others }) => {
    await using server = await startServer()
    const room = `idle ${stack} ${what}`
    const peers = Array.from({ length: others + 1 }, () =>
      connectPeer(stack, server.wsUrl, room, { awareness }),
    )
    using _peers = { [Symbol.dispose]: () => peers.forEach(peer => void peer[Symbol.dispose]()) }
    await Promise.all(peers.map(peer => peer.synced()))
    await new Promise(resolve => setTimeout(resolve, idleMs))
    expect(peers.map(peer => peer.ends)).toEqual(peers.map(() => []))
    expect(peers.map(peer => peer.provider.wsconnected)).toEqual(peers.map(() => true))
    // Connected means that edits still pass, not only that nobody noticed.
    const [first] = peers as [Peer]
    using late = connectPeer(stack, server.wsUrl, room)
    await late.synced()
    first.insertText(0, 'awake')
    await waitUntil('an edit after the rest', () => late.text === 'awake')
  },
)

test.concurrent.each(hocuspocusVersions)(
  '[SYNC-3] a socket of Hocuspocus version %i is kept while idle for 45 s, with documents on it that have no presence, one that was closed, and one that was refused',
  async version => {
    using socket = openSocket(version, server.wsUrl)
    const closed = onSocket(socket, `idle closed ${version}`, { presence: false })
    using refused = onSocket(socket, 'x'.repeat(2_000), { presence: false })
    using stays = onSocket(socket, `idle stays ${version}`, { presence: false })
    await Promise.all([closed.saved(), stays.saved(), refused.authenticationFailed()])
    closed.destroy()
    await new Promise(resolve => setTimeout(resolve, idleMs))
    expect(socket.ends).toEqual([])
    stays.doc.getText('text').insert(0, 'awake')
    await stays.saved()
  },
)

test.concurrent.each(
  stackNames.flatMap(stack => [
    { stack, came: 'in small updates', edits: 100 },
    // What one update brought has to be cut for the slow line, too: 5 MB in one frame outlast the client's watchdog.
    { stack, came: 'in one update', edits: Number.POSITIVE_INFINITY },
  ]),
)(
  '[SYNC-2] a document of 5 MB that came $came and is joined by $stack over 1 Mbit/s arrives, synced, without a reconnect',
  async ({ stack, came, edits }) => {
    const room = `slow line ${stack} ${came}`
    using writer = connectPeer('y-websocket', server.wsUrl, room)
    await writer.synced()
    const random = new Random(testSeed())
    while (writer.text.length < largeBytes) {
      writer.transact(() => {
        let length = writer.text.length
        for (let edit = 0; edit < edits && length < largeBytes; edit++, length += 1_000) {
          writer.insertText(random.below(length + 1), random.text(200) + 'x'.repeat(800))
        }
      })
      await new Promise(resolve => setImmediate(resolve))
    }
    using witness = connectPeer('y-websocket', server.wsUrl, room)
    await witness.synced(60_000)
    await waitUntil('the document to be on the server', () => witness.text.length === largeBytes, {
      timeoutMs: 60_000,
    })
    await using line = await startTcpProxy({ targetPort: server.port, bytesPerSecond: slowBytesPerSecond })
    using slow = connectPeer(stack, line.wsUrl, room)
    await slow.synced(slowJoinMsMax)
    expect(slow.text === writer.text).toBe(true)
    expect(slow.ends).toEqual([])
    expect(line.accepted).toBe(1)
    expect(line.passedBytes.down).toBeGreaterThan(largeBytes)
  },
)

test.concurrent.each(stackNames)(
  'presence of %s that was taken away after a lost line is seen again when it comes back',
  async stack => {
    const room = `comes back ${stack}`
    await using line = await startTcpProxy({ targetPort: server.port })
    using stays = connectPeer(stack, server.wsUrl, room)
    using returns = connectPeer(stack, line.wsUrl, room, { awareness: { name: 'Ada' } })
    await Promise.all([stays.synced(), returns.synced()])
    const seen = () => stays.awareness.getStates().has(returns.clientId)
    await waitUntil('presence to be seen', seen, { timeoutMs: renewalMsMax })
    line.refusing = true
    line.reset()
    await waitUntil('presence to be taken away', () => !seen(), { timeoutMs: 10_000 })
    line.refusing = false
    await waitUntil('presence to be seen again', seen, { timeoutMs: renewalMsMax })
  },
)
