/**
 * What connections tell, as it stands in the log and in the metrics: a flood of refusals is counted, and does not fill the log.
 */
import { watchConnections } from '@syncline/server/internal/connection/watch-connections'
import type { EventName } from '@syncline/server/internal/observe/logger'
import { createMetrics } from '@syncline/server/internal/observe/metrics'
import { beforeEach, expect, test } from 'vitest'
import { TestClock } from '../../support/room-clock.ts'

const perSecond = 50
const refusal = { code: 'TOKEN_EXPIRED', reason: 'the token was valid until yesterday' }
const mistake = { connection: 'c1', reason: 'a text frame came' }

let clock: TestClock
let lines: { readonly name: EventName; readonly fields: unknown }[]
let metrics: ReturnType<typeof createMetrics>
let watch: ReturnType<typeof watchConnections>

beforeEach(() => {
  clock = new TestClock()
  lines = []
  metrics = createMetrics()
  const logger = {
    event: (name: EventName, fields: unknown) => void lines.push({ name, fields }),
    flush() {},
  }
  watch = watchConnections(logger, metrics, clock)
})

const linesOf = (name: EventName) => lines.filter(line => line.name === name)

test('refusals are told one by one, and counted', async () => {
  for (let i = 0; i < perSecond; i++) watch.refused(refusal)
  clock.advance(1_000)
  expect(lines).toEqual(
    Array.from({ length: perSecond }, () => ({ name: 'connection refused', fields: refusal })),
  )
})

test('of more than 50 a second the rest is one line that says how many, and all are counted', async () => {
  for (let i = 0; i < 1_000; i++) watch.refused(refusal)
  expect(linesOf('connection refused')).toHaveLength(perSecond)
  clock.advance(1_000)
  expect(lines.slice(perSecond)).toEqual([
    { name: 'lines left out', fields: { event: 'connection refused', lines: 1_000 - perSecond } },
  ])
  expect((await metrics.connectionsRefused.get()).values).toMatchObject([{ value: 1_000 }])
})

test('the next second has lines of its own, and one without any is told of no more', () => {
  for (let i = 0; i < 60; i++) watch.refused(refusal)
  clock.advance(1_000)
  watch.refused(refusal)
  expect(lines.at(-1)?.name).toBe('connection refused')
  clock.advance(10_000)
  expect(linesOf('lines left out')).toHaveLength(1)
})

test('what clients do wrong does not take the lines of refusals', () => {
  for (let i = 0; i < 1_000; i++) watch.clientError(mistake)
  watch.refused(refusal)
  expect([linesOf('client error'), linesOf('connection refused')].map(found => found.length)).toEqual([
    perSecond,
    1,
  ])
})

test('a burst of connections is told up to 500 of them a second, and documents that are opened always', () => {
  for (let i = 0; i < 1_000; i++) {
    watch.connected({ connection: String(i), address: '192.0.2.1' })
    watch.sessionOpened({
      connection: String(i),
      member: String(i),
      document: 'plan',
      framing: 'y-websocket',
    })
    watch.disconnected({ connection: String(i), code: 1000, by: 'client', ms: 1 })
  }
  const told = ['connection opened', 'connection closed', 'session opened'] as const
  expect(told.map(name => linesOf(name).length)).toEqual([500, 500, 1_000])
})
