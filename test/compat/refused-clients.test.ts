/**
 * Stock clients that are not let in: one that reads close codes stops, one that comes as a program keeps its own backoff, one that
 * does neither is slowed down; and what it costs the server that they come again and again.
 */
import { describe, expect, test } from 'vitest'
import { arrive, socketOfPage } from '../support/arrival.ts'
import { docs, liveToken, secondsFromNow, secretEnv, withToken } from '../support/live-tokens.ts'
import { scrape } from '../support/scrape.ts'
import { type LogLine, type ServerProcess, startServer } from '../support/server-process.ts'
import { connectStock, connectStock14, installedVersion } from '../support/stock-client.ts'
import { waitUntil } from '../support/wait-until.ts'

/** y-websocket waits 200, 400, 800, 1600 and then 2,500 ms: six attempts take longer than the longest pause of any client. */
const attemptsOfProgram = 6
const backoffMs = [200, 400, 800, 1_600, 2_500]
/** How long whoever comes again with the same token waits for the refusal, less what timers and lines in the log may be off. */
const heldMsMin = 4_500
const patientMs = 60_000

const start = () => startServer({ args: ['--store', 'memory'], env: secretEnv })
const expiredToken = () => liveToken({ exp: secondsFromNow(-60) })
const linesOf = ({ logs }: ServerProcess, message: string): readonly LogLine[] =>
  logs.filter(({ msg }) => msg === message)

/** All lines of a kind, once there are so many: they come a moment after what they tell. */
function whenLogged(server: ServerProcess, message: string, linesMin: number): Promise<readonly LogLine[]> {
  return waitUntil(`${linesMin} lines of ${message}`, () => {
    const lines = linesOf(server, message)
    return lines.length >= linesMin ? lines : null
  })
}

/** Milliseconds from each line to the next. */
function pausesBetween(lines: readonly LogLine[]): number[] {
  const times = lines.map(({ time }) => Date.parse(String(time)))
  return times.slice(1).map((time, i) => time - times[i]!)
}

/** A program that brings another token each time, so that nothing but its own backoff keeps it from coming. */
async function programComes(server: ServerProcess, attempts: number): Promise<void> {
  const tokens = await Promise.all(Array.from({ length: attempts + 1 }, expiredToken))
  let attempt = 0
  const params = {
    get token() {
      return tokens[attempt++]!
    },
  }
  using program = connectStock(server.wsUrl, 'plan', { params })
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

describe.concurrent('a client that is refused', () => {
  test.each(Object.entries(wrongTokens))(
    `[AUTH-1] y-websocket ${installedVersion('y-websocket')} in a page stops after one attempt with a token that %s`,
    async (_, { token, code }) => {
      await using server = await start()
      let attempts = 0
      const socket = socketOfPage(undefined, () => attempts++)
      using page = connectStock(server.wsUrl, 'plan', { params: { token: await token() }, socket })
      await waitUntil('the page to be told', () => page.ends.length > 0)
      expect(page.ends).toMatchObject([{ code }])
      await programComes(server, attemptsOfProgram)
      expect([attempts, page.provider.shouldConnect, page.provider.ws]).toEqual([1, false, null])
      const attemptsOfAll = 1 + attemptsOfProgram
      expect(await whenLogged(server, 'connection refused', attemptsOfAll)).toHaveLength(attemptsOfAll)
    },
  )

  test(`[AUTH-1] y-websocket ${installedVersion('y-websocket')} without an origin keeps its own backoff, one line in the log each time`, async () => {
    await using server = await start()
    await programComes(server, attemptsOfProgram)
    const refusals = await whenLogged(server, 'connection refused', attemptsOfProgram)
    // Timers are late and never early; half is for the way to the server.
    for (const [i, pauseMs] of pausesBetween(refusals).entries())
      expect(pauseMs).toBeGreaterThanOrEqual(backoffMs[i]! / 2)
    expect(refusals).toHaveLength(attemptsOfProgram)
    expect(server.logs.filter(({ msg }) => msg.startsWith('connection'))).toEqual(refusals)
    expect(await scrape(server.url, 'syncline_connections')).toBe(0)
  })

  test('[AUTH-1] a program that comes again with the same token waits for its HTTP 401', async () => {
    await using server = await start()
    using program = connectStock(server.wsUrl, 'plan', { params: { token: await expiredToken() } })
    await waitUntil('it to be told twice', () => program.ends.length >= 2, { timeoutMs: patientMs })
    const refusals = await whenLogged(server, 'connection refused', 2)
    expect(Math.min(...pausesBetween(refusals))).toBeGreaterThan(heldMsMin)
  })

  test(`[AUTH-1] @y/websocket ${installedVersion('@y/websocket')}, which comes back whatever it is told, waits for each close but the first`, async () => {
    await using server = await start()
    const params = { token: await expiredToken() }
    using page = connectStock14(server.wsUrl, 'plan', { params, socket: socketOfPage() })
    await waitUntil('it to be told three times', () => page.ends.length >= 3, { timeoutMs: patientMs })
    expect(page.ends.slice(0, 3).map(({ code }) => code)).toEqual([4401, 4401, 4401])
    const closed = await whenLogged(server, 'connection closed', 3)
    // By itself it would be back after 100 ms.
    expect(Math.min(...pausesBetween(closed.slice(0, 3)))).toBeGreaterThan(heldMsMin)
    expect([linesOf(server, 'session opened'), linesOf(server, 'room opened')]).toEqual([[], []])
  })
})

test('[AUTH-1] a refused attempt costs the server less than a join', async () => {
  const rounds = 6
  const attempts = 100
  const cpuSeconds = () => scrape(server.url, 'process_cpu_seconds_total')
  const spent = { refused: 0, joined: 0 }
  await using server = await start()
  const bad = await Promise.all(Array.from({ length: rounds * attempts }, expiredToken))
  const good = await liveToken()
  for (let round = 0; round < rounds; round++) {
    // In turns, so that whatever else runs on this machine, and what has not been compiled yet, meets both.
    for (const kind of ['refused', 'joined'] as const) {
      const before = await cpuSeconds()
      for (let i = 0; i < attempts; i++) {
        // Each bad one is new, or it would be held; the good one is the same, and its room is open.
        const token = kind === 'joined' ? good : bad[round * attempts + i]!
        const arrival = await arrive(server.wsUrl, withToken('plan', token))
        expect(arrival.told).toBe(kind === 'refused' ? 'http' : 'welcome')
      }
      if (round > 0) spent[kind] += (await cpuSeconds()) - before
    }
  }
  const ratio = spent.refused / spent.joined
  console.log(`a refused attempt costs ${ratio.toFixed(2)} of a join`)
  expect(ratio).toBeLessThan(1)
})
