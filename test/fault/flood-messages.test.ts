/**
 * Floods of somebody who was let in: what is too large, too much or too fast is refused by name, and the others in the same document
 * and in another go on typing.
 */
import { expect, test } from 'vitest'
import { flood } from '../support/flood.ts'
import { expectUnharmed } from '../support/flood-verdict.ts'

const limits = 'syncline_limits_reached_total'
const rules = 'syncline_updates_refused_total'
const closed = 'syncline_connections_closed_total'

test.each(['one large frame', 'large message in fragments'] as const)(
  '[LIM-1 message-bytes] 50 MB in one message are closed with 4413: %s',
  async attack => {
    const report = await flood({ attack, attempts: 5 })
    expectUnharmed(report)
    expect(report.metric(closed, '4413')).toBe(report.attempts)
    expect(report.metric(limits, 'limitMessageBytes')).toBe(report.attempts)
  },
)

test('[LIM-1 connections-per-user] of a thousand rooms by one client, each on a connection of its own, fifty are opened', async () => {
  const report = await flood({ attack: 'a thousand rooms', attempts: 1_000 })
  expectUnharmed(report)
  const tooMany = report.attempts - 50 * report.rounds
  expect(report.outcomes).toEqual({ left: 50 * report.rounds, 'close 4529': tooMany })
  expect(report.metric(limits, 'limitConnectionsPerUser')).toBe(tooMany)
})

test('[LIM-1 rooms] of a thousand rooms where nobody has to say who they are, as many are opened as may be', async () => {
  const report = await flood({
    attack: 'a thousand rooms',
    attempts: 1_000,
    isOpen: true,
    args: ['--limit-rooms', '100', '--room-idle-ms', '2001'],
  })
  expectUnharmed(report)
  const { 'close 1013': tooMany = 0, left = 0, ...others } = report.outcomes
  expect(others).toEqual({})
  // Two of them are those of the honest people.
  expect(left).toBeLessThanOrEqual(98 * report.rounds)
  expect(left).toBeGreaterThan(0)
  expect(tooMany).toBe(report.attempts - left)
  expect(report.metric(limits, 'limitRooms')).toBe(tooMany)
})

test('[LIM-1 documents-per-connection] of a thousand documents on one socket five hundred are opened', async () => {
  const report = await flood({ attack: 'a thousand documents on one socket', attempts: 1_000 })
  expectUnharmed(report)
  expect(report.outcomes).toEqual({ left: report.rounds })
  expect(report.metric(limits, 'limitDocumentsPerConnection')).toBe(500 * report.rounds)
})

test('[LIM-1 messages-per-second] 10,000 tiny messages a second are not read any more, and end their connection', async () => {
  const report = await flood({
    attack: 'tiny messages',
    attempts: 3,
    args: ['--burst-ms', '1000', '--too-fast-after-ms', '1000'],
  })
  expectUnharmed(report)
  expect(report.outcomes).toEqual({ 'close 4529': report.attempts })
  expect(report.metric(limits, 'limitMessagesPerSecond')).toBeGreaterThanOrEqual(report.attempts)
})

test('[LIM-1 presence-entries-per-connection] 200 invented users a frame are left out beyond a hundred', async () => {
  const report = await flood({ attack: 'invented users', attempts: 5, isOpen: true })
  expectUnharmed(report)
  expect(report.outcomes).toEqual({ left: report.attempts })
  // Five frames would do to have as many left out.
  expect(report.metric('syncline_presence_left_out_total')).toBeGreaterThan(1_000 * report.attempts)
  expect(report.lines.filter(({ msg }) => msg === 'presence left out')).toHaveLength(report.attempts)
})

test('[LIM-1 held-ranges] [LIM-1 delete-ranges-per-update] [ROOM-3] updates from the future are refused, each by its rule', async () => {
  const report = await flood({
    attack: 'updates from the future',
    attempts: 300,
    isOpen: true,
    args: ['--limit-held-ranges', '500'],
  })
  expectUnharmed(report)
  const each = report.attempts / 4
  for (const rule of ['clock-jump', 'delete-ranges-per-update', 'structure'])
    expect([rule, report.metric(rules, rule)]).toEqual([rule, each])
  const { left = 0 } = report.outcomes
  expect(report.metric(rules, 'held-ranges')).toBe(each - left)
  expect(report.metric('syncline_held_ranges')).toBeLessThanOrEqual(500)
  expect(report.metric(limits, 'limitHeldRanges')).toBe(each - left)
})

test('[SLOW-1] twenty readers that do not read, and ask for everything again and again, are skipped and closed with 4508', async () => {
  const report = await flood({ attack: 'readers that do not read', attempts: 20, rounds: 1, isOpen: true })
  expectUnharmed(report)
  expect(report.metric(closed, '4508')).toBe(report.attempts)
  expect(report.metric('syncline_readers_lagged_total')).toBeGreaterThanOrEqual(report.attempts)
})
