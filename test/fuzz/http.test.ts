/**
 * Hostile requests at a server process: paths, headers, bodies and handshakes, each on a connection of its own. Every answer is one that
 * the server means, nothing of its inside and of anybody's document is in any, and honest people go on.
 *
 * `SYNCLINE_TEST_FUZZ_REQUESTS` is how many for each server, `SYNCLINE_TEST_SEED` which.
 */
import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { count, testSeed } from '../support/counts.ts'
import { docs, liveToken, secretEnv } from '../support/live-tokens.ts'
import { startServer } from '../support/server-process.ts'
import { HonestRoom } from './honest-room.ts'
import { requestCases } from './http-cases.ts'
import { Markers } from './markers.ts'
import { Dice } from './mutate.ts'

const cases = count('FUZZ_REQUESTS', 400)
const seed = testSeed()
const casesPerBatch = 100
const atOnce = 8
const document = 'attacked over HTTP'
const answerMsMax = 30_000
const logBytesPerCaseMax = 2_000
const errorLevel = 50

const variants = [
  { name: 'open on loopback', env: {}, withTokens: false },
  { name: 'with tokens', env: secretEnv, withTokens: true },
]

/** 500 would be a fault of ours. 503 is for what a server that is well does not say. */
const isMeant = (status: number) => status >= 100 && status < 500
const faultStatus = 500
/** Of our files and our stacks. */
const inside = /node_modules|\/src\/|\/dist\/|\n {4}at /

describe.each(variants)('a server that is $name', ({ env, withTokens }) => {
  test(`answers ${cases} hostile requests by name, seed ${seed}`, {
    timeout: 120_000 + cases * 50,
  }, async () => {
    await using server = await startServer({ args: ['--store', 'memory'], env })
    const tokenOf = async (sub: string, access: 'write' | 'admin' = 'write') =>
      withTokens ? liveToken({ sub, docs: docs(access) }) : ''
    const markers = new Markers(seed)
    const onBytes = markers.inspector(document)
    using people = await HonestRoom.open(
      { wsUrl: server.wsUrl, document, token: tokenOf, onBytes },
      markers.of(document),
    )
    const tokens = { writer: await tokenOf('mallory'), admin: await tokenOf('operator', 'admin') }
    const look = markers.inspector(null)
    const statuses = new Map<number, number>()
    const wrongs: string[] = []
    const all = [...requestCases(new Dice(seed), cases, tokens, encodeURIComponent(document))]
    for (let first = 0; first < all.length; first += casesPerBatch) {
      const waiting = all.slice(first, first + casesPerBatch)
      const ask = async () => {
        for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
          const answer = await answerTo(server.port, one.bytes)
          look(answer)
          const wrong = wrongAnswer(answer.toString('latin1'), statuses)
          if (wrong !== null) wrongs.push(`case ${one.number}: ${wrong} after ${shown(one.bytes)}`)
        }
      }
      await Promise.all(Array.from({ length: atOnce }, ask))
      for (const path of ['/healthz', '/readyz'])
        expect((await fetch(server.url + path)).status, path).toBe(200)
      await people.exchange('after ')
      await people.welcome()
    }
    expect(wrongs).toEqual([])
    expect(markers.strays).toEqual([])
    expect(people.ends).toEqual([])
    // Otherwise they are too coarse: all would be refused for their form.
    const expected = withTokens ? [101, 200, 400, 401, 404] : [101, 200, 400, 404]
    expect([...statuses.keys()]).toEqual(expect.arrayContaining(expected))
    const faults = server.logs.filter(({ level }) => level >= errorLevel)
    expect(faults).toEqual([])
    expect(statuses.get(faultStatus)).toBeUndefined()
    expect([server.strayLines, server.stderr]).toEqual([[], ''])
    expect(JSON.stringify(server.logs).length / cases).toBeLessThan(logBytesPerCaseMax)
    // Tokens stand in paths and headers, and in no line.
    const signatures = Object.values(tokens).flatMap(token => token.split('.')[2] ?? [])
    expect(signatures.filter(signature => JSON.stringify(server.logs).includes(signature))).toEqual([])
  })
})

/** Everything that comes back until the server ends it. We say that we are done, so that it need not wait for more. */
function answerTo(port: number, request: Uint8Array): Promise<Buffer> {
  const socket = connect({ port, host: '127.0.0.1' })
  const parts: Buffer[] = []
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`the server did not end it: ${shown(request)}`))
    }, answerMsMax)
    const end = () => {
      clearTimeout(timer)
      resolve(Buffer.concat(parts))
    }
    socket
      .on('data', part => parts.push(part))
      // It may have ended it before it has read all.
      .on('error', () => {})
      .on('close', end)
    socket.end(request)
  })
}

const shown = (request: Uint8Array) => Buffer.from(request).toString('latin1').slice(0, 700)

/** Of each answer on the connection. */
function wrongAnswer(answer: string, statuses: Map<number, number>): string | null {
  for (const [, found] of answer.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)) {
    const status = Number(found)
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
    if (!isMeant(status) && status !== faultStatus) return `answered with ${answer.slice(0, 25)}`
  }
  // The page of the demo names its own files.
  const own = answer.includes('text/html') || answer.includes('javascript')
  return !own && inside.test(answer) ? `shows what is inside: ${answer.slice(0, 1_000)}` : null
}
