/**
 * Asks members for what they have and the room lacks (by SyncStep1), and decides whether one that sent something from behind a
 * gap is asked for what is missing.
 *
 * For that, once for each connection and gap, and over all gaps at most once in 10 s: a client that itself has pending structs
 * would answer with the same bytes each time, for ever.
 */
import { allows } from '@syncline/shared/api/access'
import type { Clock } from '../foundation/clock.ts'
import type { Gap, Known } from './known.ts'
import type { Member } from './member.ts'
import type { AskedGaps, Seat } from './seats.ts'

const askingPauseMs = 10_000
/** Gaps that one connection is remembered to have been asked about; beyond it the oldest may be asked about again. */
const gapsRememberedMax = 1_000

/** Whether what a member has and the room lacks may be written. If not, asking for it would only be answered in vain. */
export const mayBeAsked = ({ access }: Member): boolean => allows(access, 'write')

/** A SyncStep1 for which no client waits, unlike that of a join. */
export function ask(seat: Seat, known: Known): void {
  const { member } = seat
  if (!mayBeAsked(member)) return
  member.send(member.encode({ kind: 'sync-step-1', vector: known.encodedVector() }))
  // Its client has not counted the answer.
  if (member.wantsStatus) seat.owed--
}

/** Of who may write from now on everything was refused until now: it is asked once. A join that is still to end asks by itself. */
export function askWhereAccessGrew(seat: Seat, known: Known): void {
  const couldWrite = seat.mayWrite
  seat.mayWrite = mayBeAsked(seat.member)
  if ((seat.live || seat.joined) && !couldWrite) ask(seat, known)
}

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
