/**
 * Hostile frames at a server process, over real sockets, in batches: each against a document of its own with two honest people in it. After
 * each batch the server is asked whether it is well, honest people of this document and of another one write to each other, and somebody
 * who has nothing opens the attacked document.
 *
 * `SYNCLINE_TEST_FUZZ_SOCKETS` is how many for each server, `SYNCLINE_TEST_SEED` which.
 */
import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest'
import { count, testSeed } from '../support/counts.ts'
import { docs, liveToken, secretEnv } from '../support/live-tokens.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { Attacker, sendAsStranger } from './attackers.ts'
import { type Batch, frameBatches } from './frame-cases.ts'
import { honestClients } from './honest-person.ts'
import { HonestRoom } from './honest-room.ts'
import { Markers } from './markers.ts'

const cases = count('FUZZ_SOCKETS', 600)
const seed = testSeed()
const casesPerBatch = 60
const attackersCount = 3
/** One of so many frames is sent once more by somebody whose token is none. */
const strangersEvery = 5
const timeoutMs = 120_000 + cases * 100

/** An honest minute of a server has less than this; each connection begins and ends with a line. */
const logBytesPerCaseMax = 4_000
/** What a server has after the first batches is what it needs; it may double, and not grow with the number of cases. */
const memoryGrowthMax = 2
const memoryGrowthBytesMin = 150 * 1024 * 1024
const errorLevel = 50
/** What an attacker may be told: malformed, not authenticated, not allowed, too large, too fast. A fault of ours would be told as overload (1013). */
const closesAllowed = new Set([4400, 4401, 4403, 4413, 4529])

const variants = [
  { name: 'open on loopback, in memory', args: ['--store', 'memory'], env: {}, withTokens: false },
  { name: 'with tokens, on disk', args: [], env: secretEnv, withTokens: true },
]

let complaints: MockInstance<typeof console.error>
beforeEach(() => {
  // Stock clients catch what Yjs throws at an update, and say it here.
  complaints = vi.spyOn(console, 'error').mockImplementation(() => {})
})
afterEach(() => complaints.mockRestore())

describe.each(variants)('a server that is $name', ({ args, env, withTokens }) => {
  const tokenOf = async (sub: string, document = '*', access: 'read' | 'write' = 'write') =>
    withTokens ? liveToken({ sub, name: sub, docs: docs(access, document) }) : ''

  async function attack(
    server: ServerProcess,
    { document, cases: frames }: Batch,
    markers: Markers,
    name: string,
  ) {
    const onBytes = (of: string, bytes: Uint8Array) => markers.look(of, bytes)
    // Whatever is in any document, they should not be sent.
    const forStrangers = markers.inspector(null)
    const closes: number[] = []
    const attackers: Attacker[] = []
    for (let at = 0; at < attackersCount; at++) {
      const token = await tokenOf(`mallory ${at}`, name, at === 0 ? 'read' : 'write')
      attackers.push(new Attacker({ wsUrl: server.wsUrl, document: name, token, onBytes }))
    }
    try {
      await attackers.at(-1)!.write(document.updates.slice(0, document.updates.length / 2))
      await Promise.all(
        attackers.map(async (attacker, at) => {
          for (const one of frames.filter(({ number }) => number % attackersCount === at))
            await attacker.send(one)
        }),
      )
      const strangers = withTokens ? frames.filter(({ number }) => number % strangersEvery === 0) : []
      for (const one of strangers) {
        const code = await sendAsStranger({ wsUrl: server.wsUrl, document: name, onBytes: forStrangers }, one)
        if (code !== null) closes.push(code)
      }
      return [...closes, ...attackers.flatMap(({ closes }) => closes)]
    } finally {
      for (const attacker of attackers) attacker[Symbol.dispose]()
    }
  }

  test(`[ROOM-3] serves honest people through ${cases} hostile frames, seed ${seed}`, {
    timeout: timeoutMs,
  }, async () => {
    await using server = await startServer({ args, env })
    const markers = new Markers(seed)
    const open = (document: string) =>
      HonestRoom.open(
        { wsUrl: server.wsUrl, document, token: user => tokenOf(user), onBytes: markers.inspector(document) },
        markers.of(document),
      )
    using elsewhere = await open('elsewhere')
    const closes: number[] = []
    const memory: number[] = []
    const nameOf = (batch: number) => `attacked ${batch}`
    let number = 0
    for (const batch of frameBatches({
      seed,
      count: cases,
      casesPerBatch,
      key: nameOf,
      forged: () => (withTokens ? honestClients : []),
    })) {
      using attacked = await open(nameOf(number))
      closes.push(...(await attack(server, batch, markers, nameOf(number))))
      await expectWell(server)
      await attacked.exchange('after ')
      await elsewhere.exchange('.')
      await attacked.welcome()
      expect(attacked.ends).toEqual([])
      // Where nobody has to say who they are, anybody may say anything.
      if (withTokens) expect(attacked.impostors).toEqual([])
      memory.push(memoryBytes(server.pid))
      number++
    }
    expect(elsewhere.ends).toEqual([])
    expect(complaints.mock.calls).toEqual([])
    expect(markers.strays).toEqual([])
    expect(markers.seen).toBeGreaterThan(number)
    expect(closes.filter(code => !closesAllowed.has(code))).toEqual([])
    // Otherwise the frames are too coarse, or never arrived.
    expect(closes.length).toBeGreaterThan(cases / 10)
    expect(server.logs.filter(({ level }) => level >= errorLevel)).toEqual([])
    expect([server.strayLines, server.stderr]).toEqual([[], ''])
    const logBytes = JSON.stringify(server.logs).length
    expect(logBytes / cases).toBeLessThan(logBytesPerCaseMax)
    const settled = Math.max(...memory.slice(0, 3)) * memoryGrowthMax + memoryGrowthBytesMin
    expect(Math.max(...memory)).toBeLessThan(settled)
  })
})

test('what belongs to another document is noticed wherever it comes', () => {
  const markers = new Markers(seed)
  const sent = Buffer.from(`\u0001\u0007 ${markers.of('mine')} and ${markers.of('yours')}`)
  markers.inspector('mine')(sent)
  expect([markers.seen, markers.strays]).toEqual([1, [`${markers.of('yours')} came to mine`]])
})

async function expectWell({ url }: ServerProcess): Promise<void> {
  for (const path of ['/healthz', '/readyz']) expect((await fetch(url + path)).status, path).toBe(200)
}

function memoryBytes(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) * 1024
}
