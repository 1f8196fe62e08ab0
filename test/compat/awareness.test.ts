/**
 * Who is here, as stock clients see it: set, changed, taken back, gone after a clean close and after a lost line, back at once after a
 * quick reconnect.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectRaw, frame, readAwareness } from '../support/raw-client.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { waitUntil } from '../support/wait-until.ts'
import { connectPeer, type Peer, pairs, stackNames } from './stacks.ts'

let server: ServerProcess

beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server?.[Symbol.asyncDispose]())

/** The grace is 2 s; a stock client alone would notice after 30 s. Between them lies "the server said so". */
const goneMsMax = 10_000

function nameOf(seenBy: Peer, who: Peer): unknown {
  return seenBy.awareness.getStates().get(who.clientId)?.name
}

async function sees(seenBy: Peer, who: Peer, name: unknown, timeoutMs?: number): Promise<void> {
  await waitUntil(`${String(name)} to be seen`, () => nameOf(seenBy, who) === name, {
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    found: () => [...seenBy.awareness.getStates()],
  })
}

async function sawLeave(seenBy: Peer, who: Peer): Promise<void> {
  await waitUntil('somebody to be gone', () => !seenBy.awareness.getStates().has(who.clientId), {
    timeoutMs: goneMsMax,
    found: () => [...seenBy.awareness.getStates()],
  })
}

test.each(pairs)('presence of %s is set, changed and taken back for %s', async (one, other) => {
  const room = `presence ${one} ${other}`
  using first = connectPeer(one, server.wsUrl, room)
  using second = connectPeer(other, server.wsUrl, room)
  await Promise.all([first.synced(), second.synced()])
  first.awareness.setLocalState({ name: 'Ada' })
  second.awareness.setLocalState({ name: 'Grace' })
  await sees(second, first, 'Ada')
  await sees(first, second, 'Grace')
  first.awareness.setLocalStateField('name', 'Ada L.')
  await sees(second, first, 'Ada L.')
  first.awareness.setLocalState(null)
  await sawLeave(second, first)
  expect(nameOf(first, second)).toBe('Grace')
  first.awareness.setLocalState({ name: 'Ada again' })
  await sees(second, first, 'Ada again')
})

test.each(pairs)('a newcomer %s is told at once that %s is here', async (one, other) => {
  const room = `newcomer ${one} ${other}`
  using here = connectPeer(other, server.wsUrl, room)
  await here.synced()
  here.awareness.setLocalState({ name: 'Ada' })
  await waitUntil('the server to know', () => here.awareness.getStates().has(here.clientId))
  using witness = connectPeer(other, server.wsUrl, room)
  await sees(witness, here, 'Ada', goneMsMax)
  using newcomer = connectPeer(one, server.wsUrl, room)
  // Renewals come every 15 s: less than that is not a renewal.
  await sees(newcomer, here, 'Ada', goneMsMax)
})

test.each(pairs)('presence of %s ends for %s after a clean close', async (one, other) => {
  const room = `clean close ${one} ${other}`
  using stays = connectPeer(other, server.wsUrl, room)
  const leaves = connectPeer(one, server.wsUrl, room)
  await Promise.all([stays.synced(), leaves.synced()])
  leaves.awareness.setLocalState({ name: 'Ada' })
  await sees(stays, leaves, 'Ada')
  leaves[Symbol.dispose]()
  await sawLeave(stays, leaves)
})

test.concurrent.each(pairs)(
  'presence of %s ends for %s within seconds after its line was lost',
  async (one, other) => {
    const room = `lost ${one} ${other}`
    await using line = await startTcpProxy({ targetPort: server.port })
    using stays = connectPeer(other, server.wsUrl, room)
    using lost = connectPeer(one, line.wsUrl, room)
    await Promise.all([stays.synced(), lost.synced()])
    lost.awareness.setLocalState({ name: 'Ada' })
    await sees(stays, lost, 'Ada')
    line.refusing = true
    line.reset()
    await sawLeave(stays, lost)
  },
)

test.concurrent.each(pairs)('a quick reconnect of %s is no leaving for %s', async (one, other) => {
  const room = `quick ${one} ${other}`
  await using line = await startTcpProxy({ targetPort: server.port })
  using stays = connectPeer(other, server.wsUrl, room)
  using returns = connectPeer(one, line.wsUrl, room)
  await Promise.all([stays.synced(), returns.synced()])
  returns.awareness.setLocalState({ name: 'Ada' })
  await sees(stays, returns, 'Ada')
  using listener = await connectRaw(server.wsUrl, room)
  listener.send(frame.syncStep1())
  line.reset()
  await waitUntil(
    'the client to have lost its line and be back',
    () => line.accepted === 2 && returns.provider.synced,
    {
      found: () => ({ accepted: line.accepted, ends: returns.ends }),
    },
  )
  // Stays beyond the grace: the removal that was planned at the loss must not come.
  const graceMs = 2_500
  await new Promise(resolve => setTimeout(resolve, graceMs))
  const told = listener.frames
    .filter(({ kind }) => kind === 'awareness')
    .flatMap(({ body }) => readAwareness(body))
    .filter(({ client }) => client === returns.clientId)
  expect(told.map(({ json }) => json)).not.toContain('null')
  expect(nameOf(stays, returns)).toBe('Ada')
  returns.awareness.setLocalState({ name: 'Ada, moving on' })
  await sees(stays, returns, 'Ada, moving on')
})

test.concurrent.each(stackNames)('somebody else who leaves takes nobody with them (%s)', async stack => {
  // Stock clients repeat to the server what they receive: an entry must stay with the connection that it came from.
  const room = `relayed ${stack}`
  await using line = await startTcpProxy({ targetPort: server.port })
  using first = connectPeer(stack, server.wsUrl, room)
  using second = connectPeer(stack, server.wsUrl, room)
  using relays = connectPeer(stack, line.wsUrl, room)
  await Promise.all([first, second, relays].map(peer => peer.synced()))
  first.awareness.setLocalState({ name: 'Ada' })
  relays.awareness.setLocalState({ name: 'Relay' })
  await sees(relays, first, 'Ada')
  await sees(second, relays, 'Relay')
  line.refusing = true
  line.reset()
  await sawLeave(second, relays)
  expect(nameOf(second, first)).toBe('Ada')
  first.awareness.setLocalState({ name: 'Ada, still here' })
  await sees(second, first, 'Ada, still here')
})
