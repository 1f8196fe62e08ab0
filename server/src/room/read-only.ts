/**
 * What becomes of an update from a member that may only read [AUTH-2]: nothing of it is taken, shown to anybody, or asked for
 * again, and its connection stays. Only whether it would have brought anything is found out, since an update that brings
 * nothing is answered as everybody's.
 */
import { type Structure, walkUpdate } from '@syncline/shared/update/walk'
import { type GateLimits, type HeavySteps, type Verdict, walkLimits } from './gate.ts'
import type { Known } from './known.ts'

export const mayOnlyRead: Verdict = { kind: 'read-only' }

/** What cannot be read may bring something, and is not worth a second look: nobody is ever sent it. */
export function passReadOnly(update: Uint8Array, known: Known, limits: GateLimits): Verdict {
  const walked = walkUpdate(update, walkLimits(limits))
  return walked.ok ? verdictOn(walked.structure, known) : mayOnlyRead
}

/** As `passReadOnly`, with the walk elsewhere. */
export async function passLargeReadOnly(
  update: Uint8Array,
  known: Known,
  heavy: Pick<HeavySteps, 'inspect'>,
): Promise<Verdict> {
  const inspected = await heavy.inspect(update)
  return inspected.ok ? verdictOn(inspected.structure, known) : mayOnlyRead
}

function verdictOn({ structs, deletes }: Structure, known: Known): Verdict {
  const bringsNothing = known.newStructs(structs).size === 0 && known.newDeletes(deletes).size === 0
  return bringsNothing ? { kind: 'known' } : mayOnlyRead
}
