/**
 * What a client at some state vector lacks: of a chunk, and of a base's catch-up frame. Cuts bytes, merges nothing.
 */
import { cutUpdate } from '@syncline/shared/update/cut'
import { addClientRanges, type ClientRanges, equalClientRanges } from '@syncline/shared/update/ranges'
import { type StateVector, structsBeyond } from '@syncline/shared/update/vector'
import { walkStored } from '@syncline/shared/update/walk'
import type { Chunk } from './tail.ts'

/** A chunk below this is sent whole rather than cut. */
const cutChunkAboveBytes = 4 * 1024

/** What is to be sent of a chunk: `'whole'` where that can be shared with others, or updates made for this client. */
export type Lacked = 'whole' | readonly Uint8Array[]

/** Of a chunk that the client has, only the deletes, which are added to `deletesOfCovered`: a vector does not tell those. */
export function lackedOf(chunk: Chunk, vector: StateVector, deletesOfCovered: ClientRanges): Lacked {
  // A newcomer lacks all of it: nothing to compare.
  if (vector.size === 0 && chunk.structs.size > 0) return 'whole'
  const lacked = structsBeyond(chunk.structs, vector)
  if (lacked.size === 0) {
    addClientRanges(deletesOfCovered, chunk.deletes)
    return []
  }
  const updates = chunk.updates()
  const whole =
    updates.length > 1 || chunk.bytes <= cutChunkAboveBytes || equalClientRanges(lacked, chunk.structs)
  return whole ? 'whole' : updates.map(update => cutUpdate(update, lacked, chunk.deletes))
}

/** An update begins with the number of clients whose structs it holds: in a catch-up frame nearly always none. */
export const holdsStructs = (update: Uint8Array) => update[0] !== 0

/** Whoever wrote what lies behind a gap of ours has it, and has not yet been asked for what is missing. */
export function lackedOfCatchUp(catchUp: Uint8Array, vector: StateVector): Uint8Array {
  if (!holdsStructs(catchUp)) return catchUp
  const { structs, deletes } = walkStored(catchUp, "the base's catch-up frame")
  return cutUpdate(catchUp, structsBeyond(structs, vector), deletes)
}
