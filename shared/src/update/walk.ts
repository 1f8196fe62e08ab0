/**
 * The structural walk: what an update from outside holds, found without building anything of it.
 *
 * It answers which clocks of which clients an update brings and which it deletes, and refuses every shape that no Yjs
 * encoder writes and that makes some Yjs reader misbehave. It knows no document: what is known already, how far a
 * clock may jump, and whether content decodes (`Y.decodeUpdate`) is the gate's business.
 */
import { Malformed } from './byte-reader.ts'
import { addRange, type ClientRanges, type Ranges, uniteRanges } from './ranges.ts'
import { StructReader, structKind } from './struct-reader.ts'

/** What an update may contain at most. */
export interface WalkLimits {
  /** How deep `any` values and JSON texts may be nested. Yjs reads and writes both recursively. */
  readonly anyDepthMax: number
  /** How many delete ranges one update may bring, over all clients. */
  readonly deleteRangesMax: number
}

/** A browser's stack holds some thousand levels; editors and maps need about ten. */
export const anyDepthMaxDefault = 100
/** A document of several megabytes has a few thousand ranges; this many take about 8 MB as arrays. */
export const deleteRangesMaxDefault = 500_000
export const walkLimitsDefault: WalkLimits = {
  anyDepthMax: anyDepthMaxDefault,
  deleteRangesMax: deleteRangesMaxDefault,
}

/** For what is stored, and for whole documents from an operator: merged, a delete set may be larger than one update's. */
export const wholeDocumentLimits: WalkLimits = {
  ...walkLimitsDefault,
  deleteRangesMax: Number.POSITIVE_INFINITY,
}

/** What an update holds. Made anew for each update, so the caller may keep and change it. */
export interface Structure {
  /** The clocks it brings. What it skips is not in it. */
  readonly structs: ClientRanges
  /** The clocks it deletes, sorted and joined, however they were written. */
  readonly deletes: ClientRanges
  /** How many structs it holds, Skips included. */
  readonly structCount: number
  /** How many delete ranges it was written with. */
  readonly deleteRangeCount: number
}

/** `tooManyDeletes`: nothing is wrong with it but their number. */
export type Walked =
  | { readonly ok: true; readonly structure: Structure }
  | { readonly ok: false; readonly reason: string; readonly tooManyDeletes?: true }

class TooManyDeletes extends Malformed {}

/** One reader for all walks: a walk is synchronous, and a keystroke should not pay for a new one. */
const reader = new StructReader(new Uint8Array(0), 0)
const noBytes = new Uint8Array(0)

/** Walks a V1 update from its first byte to its last. Never throws. */
export function walkUpdate(bytes: Uint8Array, limits: WalkLimits): Walked {
  reader.reset(bytes, limits.anyDepthMax)
  try {
    const structs: ClientRanges = new Map()
    const structCount = walkStructs(structs)
    const deletes: ClientRanges = new Map()
    const deleteRangeCount = walkDeletes(deletes, limits.deleteRangesMax)
    if (reader.left > 0) return refused('bytes follow its end')
    return { ok: true, structure: { structs, deletes, structCount, deleteRangeCount } }
  } catch (error) {
    if (error instanceof TooManyDeletes) return { ok: false, reason: error.reason, tooManyDeletes: true }
    if (error instanceof Malformed) return refused(error.reason)
    throw error
  } finally {
    // The reader lives as long as the process; a 16 MiB message must not.
    reader.bytes = noBytes
  }
}

/** Walks an update that came from the store. Throws if that is not one any more: `what` says what it was. */
export function walkStored(bytes: Uint8Array, what: string): Structure {
  const walked = walkUpdate(bytes, wholeDocumentLimits)
  if (!walked.ok) throw new Error(`${what} is damaged: ${walked.reason}`)
  return walked.structure
}

function refused(reason: string): Extract<Walked, { ok: false }> {
  return { ok: false, reason: `the update is malformed: ${reason}` }
}

function walkStructs(structs: ClientRanges): number {
  const blocks = reader.uint()
  let structCount = 0
  let clientBefore = Number.POSITIVE_INFINITY
  for (let block = 0; block < blocks; block++) {
    const count = reader.block()
    // Every Yjs encoder writes clients in descending order, and `mergeUpdates` relies on it: with another order, or a
    // client named twice, it takes structs for known that it never wrote, and drops them.
    if (reader.client >= clientBefore) throw new Malformed('clients out of order')
    clientBefore = reader.client
    structCount += count
    structs.set(clientBefore, walkBlock(count))
  }
  return structCount
}

/**
 * A Skip may only stand between structs: Yjs's `encodeStateVectorFromUpdate` counts a leading one as held (13 bytes
 * could make a vector claim another client's next 2^46 edits, which would then never be asked for), and a trailing one
 * says nothing that anybody may rely on.
 */
function walkBlock(count: number): Ranges {
  reader.next()
  if (reader.kind === structKind.skip) throw new Malformed('a client begins with a gap')
  let from = reader.clock
  let to = from + reader.length
  if (count === 1) return [from, to]
  const ranges: Ranges = []
  for (let i = 1; i < count; i++) {
    reader.next()
    if (reader.kind === structKind.skip) continue
    if (reader.clock !== to) {
      ranges.push(from, to)
      from = reader.clock
    }
    to = reader.clock + reader.length
  }
  if (reader.kind === structKind.skip) throw new Malformed('a client ends with a gap')
  ranges.push(from, to)
  return ranges
}

function walkDeletes(deletes: ClientRanges, rangesMax: number): number {
  const clients = reader.uint()
  let total = 0
  for (let i = 0; i < clients; i++) {
    const client = reader.uint()
    const count = reader.uint()
    total += count
    if (total > rangesMax) throw new TooManyDeletes(`the update brings more than ${rangesMax} delete ranges`)
    if (count === 0) continue
    // No encoder does this, and joining a client's ranges block by block would be quadratic.
    if (deletes.has(client)) throw new Malformed('the deletes of a client are named twice')
    deletes.set(client, walkDeleteRanges(count))
  }
  return total
}

/** Yjs writes delete ranges in order; older and other encoders need not, so whatever came is sorted and joined. */
function walkDeleteRanges(count: number): Ranges {
  const ranges: Ranges = []
  let unsorted: Array<readonly [from: number, to: number]> | undefined
  for (let i = 0; i < count; i++) {
    const from = reader.uint()
    const length = reader.uint()
    if (length === 0) throw new Malformed('a delete range without length')
    const to = from + length
    if (to > Number.MAX_SAFE_INTEGER) throw new Malformed('a clock beyond 2^53')
    if (ranges.length === 0 || from >= ranges[ranges.length - 2]!) addRange(ranges, from, to)
    else {
      unsorted ??= []
      unsorted.push([from, to])
    }
  }
  if (unsorted === undefined) return ranges
  const late: Ranges = []
  for (const [from, to] of unsorted.sort((a, b) => a[0] - b[0])) addRange(late, from, to)
  return uniteRanges(ranges, late)
}
