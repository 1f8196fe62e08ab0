/**
 * Much at once through stock clients: large documents, large updates, and many small ones.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Random, testSeed } from '../support/counts.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { waitUntil } from '../support/wait-until.ts'
import { connectPeer, type Peer, pairs, stackNames } from './stacks.ts'

const MB = 1_000_000
const largeMsMax = 60_000

let server: ServerProcess

beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server?.[Symbol.asyncDispose]())

/** Fills the text with that many bytes in thousands of structs, as writing does, each at a random place. */
function write(peer: Peer, bytes: number, random: Random): void {
  const chunk = 1_000
  for (let written = 0; written < bytes; written += chunk) {
    peer.insertText(
      random.below(peer.text.length === 0 ? 1 : written),
      random.text(500) + 'x'.repeat(chunk - 500),
    )
  }
}

/** Comparing megabytes at each poll would itself take the time that is waited for: lengths first. */
async function sameText(what: string, one: Peer, other: Peer): Promise<void> {
  await waitUntil(what, () => one.text.length === other.text.length && one.text === other.text, {
    timeoutMs: largeMsMax,
    found: () => ({ lengths: [one.text.length, other.text.length], ends: [one.ends, other.ends] }),
  })
}

test.each(pairs)(
  '[SYNC-3] a document of 5 MB that %s brings arrives at %s, live and late',
  async (one, other) => {
    const room = `5 MB ${one} ${other}`
    const random = new Random(testSeed())
    using reader = connectPeer(other, server.wsUrl, room)
    await reader.synced()
    using writer = connectPeer(one, server.wsUrl, room, { connect: false })
    writer.transact(() => write(writer, 5 * MB, random))
    writer.provider.connect()
    await writer.synced(largeMsMax)
    await sameText('5 MB to arrive', reader, writer)
    using late = connectPeer(other, server.wsUrl, room)
    await late.synced(largeMsMax)
    expect(late.text.length).toBe(5 * MB)
    expect(late.text === writer.text).toBe(true)
    // Large or not, it is edited like any other.
    late.insertText(0, 'still ')
    await sameText('a small edit in a large document', writer, late)
    expect([writer.ends, reader.ends, late.ends]).toEqual([[], [], []])
  },
)

for (const stack of stackNames) {
  for (const megabytes of [1, 5]) {
    test(`[SYNC-3] one update of ${megabytes} MB by ${stack} arrives live, as one struct and as thousands`, async () => {
      const room = `live ${megabytes} MB ${stack}`
      using writer = connectPeer(stack, server.wsUrl, room)
      using reader = connectPeer(stack, server.wsUrl, room)
      await Promise.all([writer.synced(), reader.synced()])
      writer.insertText(0, 'a'.repeat(megabytes * MB))
      await sameText('one struct', reader, writer)
      writer.transact(() => write(writer, megabytes * MB, new Random(testSeed())))
      await sameText('thousands of structs', reader, writer)
      expect(reader.text.length).toBe(2 * megabytes * MB)
      expect([writer.ends, reader.ends]).toEqual([[], []])
    })
  }

  test(`[SYNC-3] a burst of 10,000 small updates by ${stack} arrives complete`, async () => {
    const room = `burst ${stack}`
    using writer = connectPeer(stack, server.wsUrl, room)
    using reader = connectPeer(stack, server.wsUrl, room)
    await Promise.all([writer.synced(), reader.synced()])
    let updates = 0
    writer.onUpdate(() => {
      updates++
    })
    const random = new Random(testSeed())
    for (let at = 0; at < 10_000; at++) writer.insertText(random.below(at + 1), String(at % 10))
    expect(updates).toBe(10_000)
    await sameText('10,000 updates', reader, writer)
    using late = connectPeer(stack, server.wsUrl, room)
    await late.synced()
    expect(late.text).toBe(writer.text)
    expect([writer.ends, reader.ends]).toEqual([[], []])
  })
}

test('[SYNC-3] a burst from five clients of all kinds at once arrives complete everywhere', async () => {
  const writers = stackNames.map(stack => connectPeer(stack, server.wsUrl, 'crowd'))
  using _writers = { [Symbol.dispose]: () => writers.forEach(writer => void writer[Symbol.dispose]()) }
  await Promise.all(writers.map(writer => writer.synced()))
  for (let at = 0; at < 400; at++) {
    for (const [number, writer] of writers.entries()) writer.insertText(0, String(number))
    await new Promise(resolve => setImmediate(resolve))
  }
  await waitUntil('all texts to be complete', () => writers.every(writer => writer.text.length === 2_000), {
    timeoutMs: largeMsMax,
    found: () => writers.map(writer => writer.text.length),
  })
  expect(new Set(writers.map(writer => writer.text)).size).toBe(1)
})
