/**
 * How late the event loop is, as a number that those who could do less at a time can look at.
 */
import type { Clock } from './clock.ts'

const sampleMs = 50

/** The returned function gives the lag of the latest sample in milliseconds; `stop` ends the sampling. */
export function watchLoopLag(clock: Clock): { lagMs: () => number; stop: () => void } {
  let expectedMs = clock.monotonic() + sampleMs
  let lagMs = 0
  const stop = clock.every(sampleMs, () => {
    const nowMs = clock.monotonic()
    lagMs = Math.max(0, nowMs - expectedMs)
    expectedMs = nowMs + sampleMs
  })
  return { lagMs: () => lagMs, stop }
}
