/**
 * Whether a member that sent something from behind a gap is asked for what is missing (by SyncStep1).
 *
 * Once for each connection and gap, and over all gaps at most once in 10 s: a client that itself has pending structs would
 * answer with the same bytes each time, for ever.
 */
import type { Clock } from '../foundation/clock.ts'
import type { Gap } from './known.ts'
import type { AskedGaps } from './seats.ts'

const askingPauseMs = 10_000
/** Gaps that one connection is remembered to have been asked about; beyond it the oldest may be asked about again. */
const gapsRememberedMax = 1_000

export function shouldAsk(asked: AskedGaps, gaps: readonly Gap[], clock: Clock): boolean {
  const names = gaps.map(({ client, clock: at }) => `${client}:${at}`)
  if (names.every(name => asked.gaps.has(name))) return false
  const nowMs = clock.monotonic()
  if (nowMs - asked.lastMs < askingPauseMs) return false
  asked.lastMs = nowMs
  for (const name of names) asked.gaps.add(name)
  // A Set is in the order of insertion. Gaps that were filled long ago are forgotten by this, too.
  for (const oldest of asked.gaps) {
    if (asked.gaps.size <= gapsRememberedMax) break
    asked.gaps.delete(oldest)
  }
  return true
}
