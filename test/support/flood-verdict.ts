/**
 * What must hold after every flood: honest people noticed nothing, memory and log are bounded. Each prints its numbers.
 */
import { expect } from 'vitest'
import { type FloodReport, floorMs, ratioMax, type Times } from './flood.ts'

/** An idle server has about 100 MB. Node takes memory before it needs it and gives it back late, and a worker compacts what was written. */
const memoryRatioMax = 5
/** Of each event that a stranger can bring about. */
const linesPerSecondMax = {
  'connection refused': 50,
  'client error': 50,
  'connection opened': 500,
  'connection closed': 500,
}
/** Of what somebody does who was let in: opened, document opened, joined, refused, error, left, closed. */
const linesPerAttemptMax = 7

export function expectUnharmed(report: FloodReport): void {
  const { attack, attacked, elsewhere, memoryRatio, lines, attempts, seconds } = report
  console.log(
    `${attack}: an edit takes ${shown(attacked)} in the attacked document, ${shown(elsewhere)} in another (99 %, at most ×${ratioMax}, below ${floorMs} ms counts as that); ` +
      `memory ×${memoryRatio.toFixed(2)}, ${(lines.length / attempts).toFixed(2)} lines of the log for each of ${attempts} attempts in ${seconds.toFixed(1)} s`,
  )
  expect(attacked.ratio).toBeLessThanOrEqual(ratioMax)
  expect(elsewhere.ratio).toBeLessThanOrEqual(ratioMax)
  expect(memoryRatio).toBeLessThan(memoryRatioMax)
  expect(lines.length).toBeLessThanOrEqual(linesPerAttemptMax * attempts + 60)
  for (const [event, linesMax] of Object.entries(linesPerSecondMax)) {
    const count = lines.filter(({ msg }) => msg === event).length
    // Each round begins and ends within a second of its own, and closes what is left after it.
    expect([event, count]).toEqual([
      event,
      Math.min(count, Math.ceil(linesMax * (seconds + 4 * report.rounds))),
    ])
  }
}

const shown = ({ quietMs, floodMs, ratio }: Times) =>
  `${floodMs.toFixed(1)} ms (quiet ${quietMs.toFixed(1)} ms, ×${ratio.toFixed(2)})`
