/**
 * Base and entries in, one verified new base out. Runs in the worker: this is the only place where a document is built.
 *
 * The inputs are applied base first (on equal clocks the first wins, so deleted content would come back otherwise). Nothing
 * is believed: before a result may replace stored bytes, it must hold every struct and every delete of the inputs,
 * and its pieces, loaded in order as a joiner loads them, must give the same document, byte for byte.
 */
import { cutUpdate } from '@syncline/shared/update/cut'
import {
  addClientRanges,
  type ClientRanges,
  equalClientRanges,
  subtractClientRanges,
} from '@syncline/shared/update/ranges'
import { splitUpdate } from '@syncline/shared/update/split'
import { encodeVector, type StateVector, structsBeyond } from '@syncline/shared/update/vector'
import { type Structure, walkUpdate, wholeDocumentLimits } from '@syncline/shared/update/walk'
import { applyUpdate, Doc, encodeStateAsUpdate, type GC, type Item } from 'yjs'

/** A stored piece is a sent message: on a slow line it must arrive well within a client's 30 s watchdog. */
export const pieceBytesMax = 256 * 1024
/**
 * Yjs removes redundant formatting when it integrates what others wrote, so loading a result can delete some more. Each
 * round takes that over; real documents settle in the first or second.
 */
const settlingRoundsMax = 4

export interface BaseInput {
  readonly pieces: readonly Uint8Array[]
  readonly entries: readonly { readonly seq: number; readonly update: Uint8Array }[]
}

export type BaseOutput =
  | {
      readonly ok: true
      readonly pieces: Uint8Array[]
      readonly byteVector: Uint8Array
      readonly documentVector: Uint8Array
      readonly catchUp: Uint8Array
      readonly deletes: ClientRanges
    }
  /** `seq`: the entry at which it failed, where it can be named. */
  | { readonly ok: false; readonly reason: string; readonly seq?: number }

/** Tests ask for smaller pieces, so that small documents have several. */
export function buildBase(input: BaseInput, pieceBytes = pieceBytesMax): BaseOutput {
  const loaded = load(input)
  if (!loaded.ok) return loaded
  try {
    return settle(loaded.document, loaded.inputs, pieceBytes)
  } catch (error) {
    return { ok: false, reason: `checking the result threw: ${describe(error)}` }
  }
}

type Loaded =
  | { readonly ok: true; readonly document: Doc; readonly inputs: Structure }
  | { readonly ok: false; readonly reason: string; readonly seq?: number }

function load({ pieces, entries }: BaseInput): Loaded {
  const document = new Doc({ gc: true })
  const inputs: Structure = { structs: new Map(), deletes: new Map(), structCount: 0, deleteRangeCount: 0 }
  const updates = [...pieces.map(update => ({ update })), ...entries]
  for (const entry of updates) {
    const seq = 'seq' in entry ? { seq: entry.seq } : {}
    const walked = walkUpdate(entry.update, wholeDocumentLimits)
    if (!walked.ok) return { ok: false, reason: `a stored update is damaged: ${walked.reason}`, ...seq }
    addClientRanges(inputs.structs, walked.structure.structs)
    addClientRanges(inputs.deletes, walked.structure.deletes)
    try {
      applyUpdate(document, entry.update)
    } catch (error) {
      return { ok: false, reason: `Yjs threw while applying it: ${describe(error)}`, ...seq }
    }
  }
  return { ok: true, document, inputs }
}

function settle(first: Doc, inputs: Structure, pieceBytes: number): BaseOutput {
  let document = first
  for (let round = 1; round <= settlingRoundsMax; round++) {
    const result = encodeStateAsUpdate(document)
    const walked = walkUpdate(result, wholeDocumentLimits)
    if (!walked.ok) return { ok: false, reason: `the result is malformed: ${walked.reason}` }
    const { structs, deletes } = walked.structure
    if (!equalClientRanges(structs, inputs.structs))
      return { ok: false, reason: 'the result lacks or invents structs' }
    if (subtractClientRanges(inputs.deletes, deletes).size > 0)
      return { ok: false, reason: 'the result lacks deletes' }
    const pieces = splitUpdate(result, pieceBytes)
    const reloaded = new Doc({ gc: true })
    for (const piece of pieces) applyUpdate(reloaded, piece)
    const again = walkUpdate(encodeStateAsUpdate(reloaded), wholeDocumentLimits)
    const holdsTheSame =
      again.ok &&
      equalClientRanges(again.structure.structs, structs) &&
      equalClientRanges(again.structure.deletes, deletes)
    if (holdsTheSame && sameBytes(encodeIntegrated(reloaded), encodeIntegrated(document))) {
      if (!equalClientRanges(aliveIds(document), aliveIds(reloaded))) {
        return { ok: false, reason: 'other ids are alive after reloading the result' }
      }
      return output(result, pieces, document, structs, deletes)
    }
    document = reloaded
  }
  return {
    ok: false,
    reason: `the pieces give another document than the result, ${settlingRoundsMax} times`,
  }
}

/**
 * A document without what waits behind gaps. Yjs joins neighbours again when it integrates them, and never those that
 * wait: a long string behind a gap stays in the slices in which the pieces brought it, so that bytes say nothing there.
 */
function encodeIntegrated(document: Doc): Uint8Array {
  const { store } = document
  const { pendingStructs, pendingDs } = store
  store.pendingStructs = null
  store.pendingDs = null
  try {
    return encodeStateAsUpdate(document)
  } finally {
    store.pendingStructs = pendingStructs
    store.pendingDs = pendingDs
  }
}

function output(
  result: Uint8Array,
  pieces: Uint8Array[],
  document: Doc,
  structs: ClientRanges,
  deletes: ClientRanges,
): BaseOutput {
  const reach: StateVector = new Map()
  for (const [client, items] of document.store.clients) {
    const last = items.at(-1)
    if (last !== undefined) reach.set(client, last.id.clock + last.length)
  }
  const byteVector: StateVector = new Map()
  for (const [client, ranges] of structs) if (ranges[0] === 0) byteVector.set(client, ranges[1]!)
  return {
    ok: true,
    pieces,
    byteVector: encodeVector(byteVector),
    documentVector: encodeVector(reach),
    catchUp: cutUpdate(result, structsBeyond(structs, reach), deletes),
    deletes,
  }
}

function aliveIds(document: Doc): ClientRanges {
  const alive: ClientRanges = new Map()
  for (const [client, structs] of document.store.clients) {
    const ranges: number[] = []
    for (const struct of structs as (GC | Item)[]) {
      if (struct.deleted) continue
      const { clock } = struct.id
      if (ranges.at(-1) === clock) ranges[ranges.length - 1] = clock + struct.length
      else ranges.push(clock, clock + struct.length)
    }
    if (ranges.length > 0) alive.set(client, ranges)
  }
  return alive
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

const describe = (error: unknown) =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error)
