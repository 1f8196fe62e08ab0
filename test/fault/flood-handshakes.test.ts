/**
 * Floods before anybody is let in: each is refused by name, and honest people go on typing.
 */
import { expect, test } from 'vitest'
import { type FloodReport, flood } from '../support/flood.ts'
import { expectUnharmed } from '../support/flood-verdict.ts'

const limits = 'syncline_limits_reached_total'
const refused = 'syncline_connections_refused_total'

/** A long flood lasts until the honest people's documents are compacted. */
const linesOfAttackers = ({ lines }: FloodReport) => lines.filter(({ msg }) => msg !== 'compacted')

test('[LIM-1 handshake-timeout] 1,000 heads that are never finished are answered with 408', async () => {
  const report = await flood({
    attack: 'half heads',
    attempts: 1_000,
    args: ['--handshake-timeout-ms', '1500'],
  })
  expectUnharmed(report)
  expect(report.outcomes).toEqual({ 'http 408 HANDSHAKE_TOO_SLOW': report.attempts })
  expect(report.metric(limits, 'handshakeTimeoutMs')).toBe(report.attempts)
  expect(linesOfAttackers(report)).toEqual([])
})

test('[LIM-1 handshake-timeout] 1,000 TLS handshakes that are never finished are cut off', async () => {
  const report = await flood({
    attack: 'half TLS',
    attempts: 1_000,
    isEncrypted: true,
    args: ['--handshake-timeout-ms', '1500'],
  })
  expectUnharmed(report)
  expect(report.outcomes).toEqual({ cut: report.attempts })
  expect(report.metric(limits, 'handshakeTimeoutMs')).toBe(report.attempts)
  expect(linesOfAttackers(report)).toEqual([])
})

test('[LIM-1 connects-per-address-and-second] of 2,000 connects in a burst those that are too many are answered with 429', async () => {
  const report = await flood({
    attack: 'burst of connects',
    attempts: 2_000,
    isOpen: true,
    args: ['--limit-connects-per-address-and-second', '50'],
  })
  expectUnharmed(report)
  const tooMany = 1_500 * report.rounds
  expect(report.outcomes).toEqual({
    'close 1005': 500 * report.rounds,
    'http 429 TOO_MANY_CONNECTS': tooMany,
  })
  expect(report.metric(limits, 'limitConnectsPerAddressAndSecond')).toBe(tooMany)
  expect(report.metric(refused, 'TOO_MANY_CONNECTS')).toBe(tooMany)
})

test('[LIM-1 first-frame-timeout] [LIM-1 waiting-connections-per-address] of 2,000 sockets that say nothing 1,000 may wait for 1.5 s', async () => {
  const report = await flood({
    attack: 'silence',
    attempts: 2_000,
    args: ['--first-frame-timeout-ms', '1500'],
  })
  expectUnharmed(report)
  const half = report.attempts / 2
  expect(report.outcomes).toEqual({ 'close 4508': half, 'http 429 TOO_MANY_WAITING_FROM_ADDRESS': half })
  expect(report.metric(limits, 'firstFrameTimeoutMs')).toBe(half)
  expect(report.metric(limits, 'limitWaitingConnectionsPerAddress')).toBe(half)
})

test('[AUTH-1] 300 strangers who send 4 MB each are cut off after the first', async () => {
  const report = await flood({ attack: 'megabytes of strangers', attempts: 300 })
  expectUnharmed(report)
  expect(report.outcomes).toEqual({ cut: report.attempts })
  expect(report.metric(refused, 'STRANGER_TOO_LARGE')).toBe(report.attempts)
})

test('[AUTH-1] of 2,000 bad tokens from one address each new one is told at once, and one that comes again is held or cut off', async () => {
  const report = await flood({ attack: 'bad tokens', attempts: 2_000 })
  expectUnharmed(report)
  const { 'http 401 TOKEN_SIGNATURE_WRONG': told = 0, left = 0, cut = 0, ...others } = report.outcomes
  expect(others).toEqual({})
  expect(told).toBeGreaterThan(900)
  // So many may wait to be told, from one address and at a time.
  expect(left).toBeLessThanOrEqual(200 * report.rounds)
  expect(cut).toBe(report.attempts - told - left)
  expect(report.metric(refused, 'TOKEN_SIGNATURE_WRONG')).toBe(told)
})
