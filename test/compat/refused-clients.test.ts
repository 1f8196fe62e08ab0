/**
 * Stock clients that are not let in: one that reads close codes stops, one that comes as a program keeps its own backoff, one that
 * does neither is slowed down; and what it costs the server that they come again and again.
 */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { arrive, socketOfPage } from '../support/arrival.ts'
import { docs, liveToken, secondsFromNow, secretEnv, withToken } from '../support/live-tokens.ts'
import { scrape } from '../support/scrape.ts'
import { type LogLine, type ServerProcess, startServer } from '../support/server-process.ts'
import { connectStock, connectStock14, installedVersion } from '../support/stock-client.ts'
import { waitUntil } from '../support/wait-until.ts'

/** y-websocket waits 200, 400, 800, 1600 and then 2,500 ms: six attempts are further apart than the longest pause of any client. */
const attemptsOfProgram = 6
const backoffMs = [200, 400, 800, 1_600, 2_500]
const patientMs = 60_000

let server: ServerProcess
beforeEach(async () => {
  server = await startServer({ args: ['--store', 'memory'], env: secretEnv })
})
afterEach(() => server[Symbol.asyncDispose]())

const expiredToken = () => liveToken({ exp: secondsFromNow(-60) })
const refusals = (): readonly LogLine[] => server.logs.filter(({ msg }) => msg === 'connection refused')
const timeOf = (line: LogLine): number => Date.parse(String(line.time))

/** A client that is refused as a program, until it has come so often: a clock for the others that has no stopwatch. */
async function programComes(attempts: number): Promise<void> {
  using program = connectStock(server.wsUrl, 'plan', { params: { token: await expiredToken() } })
  await waitUntil('a program to come again and again', () => program.ends.length >= attempts, {
    timeoutMs: patientMs,
    found: () => program.ends,
  })
}

const wrongTokens = {
  'has ended': { token: expiredToken, code: 4401 },
  'does not cover the document': {
    token: () => liveToken({ docs: docs('write', 'team/*') }),
    code: 4403,
  },
} as const

test.each(Object.entries(wrongTokens))(
  `[AUTH-1] y-websocket ${installedVersion('y-websocket')} in a page stops after one attempt with a token that %s`,
  async (_, { token, code }) => {
    let attempts = 0
    const socket = socketOfPage(undefined, () => attempts++)
    using page = connectStock(server.wsUrl, 'plan', { params: { token: await token() }, socket })
    await waitUntil('the page to be told', () => page.ends.length > 0)
    expect(page.ends).toMatchObject([{ code }])
    await programComes(attemptsOfProgram)
    expect([attempts, page.provider.shouldConnect, page.provider.ws]).toEqual([1, false, null])
    expect(refusals()).toHaveLength(1 + attemptsOfProgram)
  },
)

test(`[AUTH-1] y-websocket ${installedVersion('y-websocket')} without an origin keeps its own backoff, one line in the log each time`, async () => {
  const lines = server.logs.length
  await programComes(attemptsOfProgram)
  const times = refusals().map(timeOf)
  const pausesMs = times.slice(1).map((time, i) => time - times[i]!)
  // Timers are late and never early; half is for the way to the server.
  for (const [i, pauseMs] of pausesMs.entries()) expect(pauseMs).toBeGreaterThanOrEqual(backoffMs[i]! / 2)
  expect(times).toHaveLength(attemptsOfProgram)
  expect(server.logs.length - lines).toBe(attemptsOfProgram)
  expect(await scrape(server.url, 'syncline_connections')).toBe(0)
})

test(`[AUTH-1] @y/websocket ${installedVersion('@y/websocket')}, which comes back whatever it is told, waits five seconds for each close but the first`, {
  timeout: 2 * patientMs,
}, async () => {
  const params = { token: await expiredToken() }
  using page = connectStock14(server.wsUrl, 'plan', { params, socket: socketOfPage() })
  await waitUntil('it to be told three times', () => page.ends.length >= 3, { timeoutMs: patientMs })
  const closed = server.logs.filter(({ msg }) => msg === 'connection closed')
  expect(closed.slice(0, 3).map(({ code }) => code)).toEqual([4401, 4401, 4401])
  const [first, second, third] = closed.map(timeOf) as [number, number, number]
  // It is back after 100 ms each time.
  const heldMsMin = 4_500
  expect(Math.min(second - first, third - second)).toBeGreaterThan(heldMsMin)
  expect(server.logs.filter(({ msg }) => msg === 'session opened' || msg === 'room opened')).toEqual([])
})

test('[AUTH-1] a refused attempt costs the server less than a join', async () => {
  const rounds = 6
  const attempts = 100
  const cpuSeconds = () => scrape(server.url, 'process_cpu_seconds_total')
  const spent = { refused: 0, joined: 0 }
  const bad = withToken('plan', await expiredToken())
  const good = withToken('plan', await liveToken())
  for (let round = 0; round < rounds; round++) {
    // In turns, so that whatever else runs on this machine, and what has not been compiled yet, meets both.
    for (const [kind, path] of [['refused', bad] as const, ['joined', good] as const]) {
      const before = await cpuSeconds()
      for (let i = 0; i < attempts; i++) {
        const arrival = await arrive(server.wsUrl, path)
        expect(arrival.told).toBe(kind === 'refused' ? 'http' : 'welcome')
      }
      if (round > 0) spent[kind] += (await cpuSeconds()) - before
    }
  }
  const ratio = spent.refused / spent.joined
  console.log(`a refused attempt costs ${ratio.toFixed(2)} of a join`)
  expect(ratio).toBeLessThan(1)
})
