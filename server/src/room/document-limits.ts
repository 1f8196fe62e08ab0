/**
 * How much one document may hold. At its limit it can still be read, and made smaller: what brings only deletes is taken, and so
 * is what is known.
 */
import type { ClientRanges } from '@syncline/shared/update/ranges'
import { closeCodes } from '@syncline/shared/wire/close-codes'
import type { Fresh, Refused } from './gate.ts'

export interface DocumentLimits {
  /** Bytes of updates: its base, what came since, and what waits for its commit. */
  readonly documentBytesMax: number
  /** Ranges in its delete set: each client that comes back sends all of them, and each room keeps them in memory. */
  readonly deleteRangesMax: number
}

export interface Held {
  readonly bytes: number
  readonly deleteRanges: number
}

/** Null where it fits. Ranges that would become one with others count, too. */
export function refusedByLimit(
  { update, structs, deletes }: Fresh,
  held: Held,
  { documentBytesMax, deleteRangesMax }: DocumentLimits,
): Refused | null {
  const bytes = held.bytes + update.byteLength
  if (structs.size > 0 && bytes > documentBytesMax) {
    const reason = `the document would hold ${bytes} bytes, limitDocumentBytes allows ${documentBytesMax}`
    return { kind: 'refused', code: closeCodes.tooLarge, rule: 'document-size', reason }
  }
  if (deletes.size === 0) return null
  const ranges = held.deleteRanges + countRanges(deletes)
  if (ranges <= deleteRangesMax) return null
  const reason = `the document would hold ${ranges} deleted ranges, limitDeleteRanges allows ${deleteRangesMax}`
  return { kind: 'refused', code: closeCodes.tooLarge, rule: 'delete-ranges', reason }
}

function countRanges(deletes: ClientRanges): number {
  let count = 0
  for (const ranges of deletes.values()) count += ranges.length / 2
  return count
}
