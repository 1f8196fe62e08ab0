/**
 * What a provider has typed while it was away it sends when it is back, update by update, and again in its answer to our SyncStep1. It
 * counts only the latter: with its own SyncStep1 its count of what is not saved begins anew. A status for one of the former
 * would make it 0 while the others are not saved.
 */
import type { StateVector } from '@syncline/shared/update/vector'
import { walkLimitsDefault, walkUpdate } from '@syncline/shared/update/walk'

/**
 * Whether the sender counts this update, which has just passed the gate: all but those that it had when it sent `begunWith` in its
 * SyncStep1. What only deletes has no clock to tell by, and is taken for counted.
 */
export function isCounted(update: Uint8Array, begunWith: StateVector): boolean {
  const walked = walkUpdate(update, walkLimitsDefault)
  if (!walked.ok || walked.structure.structs.size === 0) return true
  for (const [client, ranges] of walked.structure.structs) {
    if (ranges.at(-1)! > (begunWith.get(client) ?? 0)) return true
  }
  return false
}
