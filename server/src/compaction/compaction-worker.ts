/**
 * The tasks of the worker threads: everything that is too heavy for the event loop, or that needs a document.
 * Each is a function of its argument alone; `workers.ts` is the other side.
 */
import { cutUpdate, deleteSetUpdate } from '@syncline/shared/update/cut'
import type { ClientRanges } from '@syncline/shared/update/ranges'
import { splitUpdate } from '@syncline/shared/update/split'
import { type StateVector, structsBeyond } from '@syncline/shared/update/vector'
import { type WalkLimits, walkStored } from '@syncline/shared/update/walk'
import { checkContent } from '../content/check-content.ts'
import { prepareReplacement } from '../content/prepare-replacement.ts'
import { readContent } from '../content/read-content.ts'
import { inspectLargeUpdate } from './inspection.ts'
import { buildBase } from './new-base.ts'

export const tasks = {
  buildBase,
  inspect: ({ update, limits }: { update: Uint8Array; limits: WalkLimits }) =>
    inspectLargeUpdate(update, limits),
  cut: (task: { update: Uint8Array; structs: ClientRanges; deletes: ClientRanges }) =>
    cutUpdate(task.update, task.structs, task.deletes),
  split: (task: { update: Uint8Array; pieceBytesMax: number }) =>
    splitUpdate(task.update, task.pieceBytesMax),
  difference,
  readContent,
  checkContent,
  prepareReplacement: (task: Parameters<typeof prepareReplacement>[0]) => prepareReplacement(task),
}

export type Tasks = typeof tasks

/** What a client at `vector` lacks of one piece of a base, as an update; null for nothing. */
function difference({ piece, vector }: { piece: Uint8Array; vector: StateVector }): Uint8Array | null {
  const { structs, deletes } = walkStored(piece, 'a stored piece')
  const lacked = structsBeyond(structs, vector)
  if (lacked.size > 0) return cutUpdate(piece, lacked, deletes)
  return deletes.size > 0 ? deleteSetUpdate(deletes) : null
}

export default function run({ task, argument }: { task: keyof Tasks; argument: never }): unknown {
  return tasks[task](argument)
}
