/**
 * Stock clients over lines that break: at random moments under random edits, and at exact bytes in the middle of a frame.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { count, Random, testSeed } from '../support/counts.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { waitUntil } from '../support/wait-until.ts'
import { editAtRandom } from './random-edit.ts'
import { connectPeer, converged, type Peer, pairs, type StackName, stackNames } from './stacks.ts'

const rounds = count('CUT_ROUNDS', 8)
/** Half of them on the way up, half on the way down. */
const offsets = count('CUT_OFFSETS', 100)
const offsetsEachWay = Math.ceil(offsets / 2)
const seed = testSeed()
const editsPerRound = 25
/** More than the upgrade, the first frames and some of the answer, so that cuts fall everywhere in them. */
const cutOffsetMax = 6_000
/** Providers that wait a second each time would make the test of cuts one of waiting. */
const reconnectDelayMs = 100

let server: ServerProcess

beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server?.[Symbol.asyncDispose]())

test.each(pairs)(
  `[SYNC-3] text, map, array, XML and subdocuments of %s and %s converge under ${rounds} rounds of random cuts (seed ${seed})`,
  async (one, other) => {
    const random = new Random(seed)
    const room = `random cuts ${one} ${other}`
    const stacks: StackName[] = [one, other, one]
    const lines = await Promise.all(stacks.map(() => startTcpProxy({ targetPort: server.port })))
    await using _lines = disposeAll(lines)
    const peers = stacks.map((stack, at) =>
      connectPeer(stack, (lines[at] as TcpProxy).wsUrl, room, { reconnectDelayMs }),
    )
    using _peers = { [Symbol.dispose]: () => peers.forEach(peer => void peer[Symbol.dispose]()) }
    await Promise.all(peers.map(peer => peer.synced()))
    let cuts = 0
    for (let round = 0; round < rounds; round++) {
      for (let edit = 0; edit < editsPerRound; edit++) {
        editAtRandom(random.pick(peers), random)
        // A turn of the event loop, so that edits, frames and cuts interleave; how many, chance decides.
        for (let turns = random.below(4); turns > 0; turns--)
          await new Promise(resolve => setImmediate(resolve))
        if (random.below(8) !== 0) continue
        cuts++
        breakLine(random.pick(lines), random)
      }
      // Somebody is back before the next round, or all edits would be made offline.
      const [line, peer] = [lines[round % 3] as TcpProxy, peers[round % 3] as Peer]
      line.refusing = false
      line.resume()
      await waitUntil('one peer to be back', () => peer.provider.synced, { found: () => peer.ends })
    }
    for (const line of lines) {
      line.refusing = false
      line.resume()
    }
    const content = await converged(peers, 60_000)
    expect(content.length).toBeGreaterThan(100)
    // And what they agree on is what the server tells somebody new.
    using late = connectPeer(other, server.wsUrl, room)
    await late.synced()
    await converged([late, ...peers])
    console.log(
      `${one} and ${other}: ${rounds * editsPerRound} edits, ${cuts} cuts, ${content.length} characters agreed on`,
    )
  },
)

function breakLine(line: TcpProxy, random: Random): void {
  switch (random.below(5)) {
    case 0:
      return line.cut()
    case 1:
      return line.reset()
    case 2:
      line.cutNext({ direction: random.pick(['up', 'down']), afterBytes: random.below(cutOffsetMax) })
      return line.reset()
    case 3:
      line.refusing = !line.refusing
      return line.cut()
    default:
      line.pause()
      setTimeout(() => line.resume(), random.below(50))
  }
}

test.each(['up', 'down'] as const)(
  `[SYNC-3] a stream cut inside a frame on its way %s, at ${offsetsEachWay} seeded offsets (seed ${seed}), loses nothing and harms nobody`,
  async direction => {
    const random = new Random(seed + (direction === 'up' ? 1 : 2))
    const room = `cut ${direction}`
    await using line = await startTcpProxy({ targetPort: server.port })
    using witness = connectPeer('y-websocket', server.wsUrl, room)
    await witness.synced()
    // Something worth cutting on the way down, too.
    witness.insertText(0, random.text(2_000))
    for (let cut = 0; cut < offsetsEachWay; cut++) {
      const afterBytes = 1 + random.below(cutOffsetMax)
      const acceptedBefore = line.accepted
      line.cutNext({ direction, afterBytes })
      using cutPeer = connectPeer(stackNames[cut % stackNames.length]!, line.wsUrl, room, {
        reconnectDelayMs,
      })
      // Long enough that the cut falls into it when it does not fall into the frames before.
      const marker = `<${cut}>`
      cutPeer.insertText(0, marker + random.text(cutOffsetMax))
      if (direction === 'down') witness.insertText(0, random.text(4_000))
      await waitUntil(
        `the line to be cut after ${afterBytes} bytes ${direction}`,
        () => line.accepted > acceptedBefore + 1,
        {
          found: () => ({
            cut,
            afterBytes,
            passed: line.passedBytes,
            accepted: line.accepted,
            ends: cutPeer.ends,
          }),
        },
      )
      await waitUntil(`the edit that was cut at ${afterBytes}`, () => witness.text.includes(marker), {
        found: () => ({ cut, afterBytes, accepted: line.accepted, ends: cutPeer.ends }),
      })
      await waitUntil('both to have the same text', () => cutPeer.text === witness.text, {
        found: () => ({
          cut,
          afterBytes,
          lengths: [cutPeer.text.length, witness.text.length],
          ends: cutPeer.ends,
        }),
      })
      // A text of some kilobytes keeps each round as cheap as the first.
      witness.deleteText(1_000, witness.text.length - 1_000)
    }
    expect(witness.ends).toEqual([])
    console.log(
      `${offsetsEachWay} cuts inside a frame on its way ${direction}, offsets up to ${cutOffsetMax}, seed ${seed}`,
    )
  },
)

function disposeAll(lines: readonly TcpProxy[]): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      await Promise.all(lines.map(line => line[Symbol.asyncDispose]()))
    },
  }
}
