/**
 * State vectors: for each client, the clock up to which everything of it is held.
 *
 * The bytes come from clients (SyncStep1), so decoding is strict and never throws. What a vector means for a room,
 * and what to send to somebody who has one, is decided elsewhere.
 */
import { createEncoder, toUint8Array, writeVarUint } from 'lib0/encoding'
import { ByteReader, Malformed } from './byte-reader.ts'
import { type ClientRanges, subtractRanges } from './ranges.ts'

/** The next expected clock per client; a client that is missing stands at 0. */
export type StateVector = Map<number, number>

/** A vector, or a sentence that says what is wrong with the bytes. */
export type DecodedVector =
  | { readonly ok: true; readonly vector: StateVector }
  | { readonly ok: false; readonly reason: string }

/** The bytes that Yjs's own `decodeStateVector` reads, highest client first as Yjs writes them. */
export function encodeVector(vector: StateVector): Uint8Array {
  const encoder = createEncoder()
  writeVarUint(encoder, vector.size)
  for (const [client, clock] of [...vector].sort((a, b) => b[0] - a[0])) {
    writeVarUint(encoder, client)
    writeVarUint(encoder, clock)
  }
  return toUint8Array(encoder)
}

/** Reads what a client says it has. */
export function decodeVector(bytes: Uint8Array): DecodedVector {
  try {
    const reader = new ByteReader(bytes)
    const count = reader.uint()
    // A pair takes two bytes at least: a count beyond that is refused before anything is built for it.
    if (count > reader.left / 2)
      return { ok: false, reason: 'the state vector names more clients than it holds' }
    const vector: StateVector = new Map()
    for (let i = 0; i < count; i++) {
      const client = reader.uint()
      if (vector.has(client)) return { ok: false, reason: 'the state vector names a client twice' }
      vector.set(client, reader.uint())
    }
    if (reader.left > 0) return { ok: false, reason: 'bytes follow the end of the state vector' }
    return { ok: true, vector }
  } catch (error) {
    if (error instanceof Malformed) return { ok: false, reason: error.reason }
    throw error
  }
}

/** Whether whoever has `a` has everything that `b` stands for. */
export function covers(a: StateVector, b: StateVector): boolean {
  for (const [client, clock] of b) {
    if (clock > (a.get(client) ?? 0)) return false
  }
  return true
}

/** Of some structs, those that whoever stands at `vector` lacks. */
export function structsBeyond(structs: ClientRanges, vector: StateVector): ClientRanges {
  const beyond: ClientRanges = new Map()
  for (const [client, ranges] of structs) {
    const clock = vector.get(client) ?? 0
    const left = clock === 0 ? ranges : subtractRanges(ranges, [0, clock])
    if (left.length > 0) beyond.set(client, left)
  }
  return beyond
}
