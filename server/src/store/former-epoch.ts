import * as encoding from 'lib0/encoding'
import { type StoredRanges, StoredReader, writeClientRanges } from './stored-reader.ts'

/**
 * What is remembered of an epoch that a document had before it was replaced, and its bytes.
 *
 * Somebody who still has the former content brings it back with the next connection, and nothing in the bytes of an update
 * tells that it is of another epoch but the ids in it [LOG-3]. So the ids stay known when the content is gone.
 */

/** What one epoch had that the next one lacks. */
export interface Lacks {
  /** Clock ranges of structs, per client. */
  readonly structs: StoredRanges
  /** Deleted ranges, per client. */
  readonly deletes: StoredRanges
}

export interface FormerEpoch extends Lacks {
  /** 16 hex digits. */
  readonly epoch: string
}

/** Format 1: 1 · structs · deletes, both ranges per client (`stored-reader.ts`). */
const lacksFormat = 1

export function encodeLacks({ structs, deletes }: Lacks): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, lacksFormat)
  writeClientRanges(encoder, structs)
  writeClientRanges(encoder, deletes)
  return encoding.toUint8Array(encoder)
}

/** Throws a `StoredFormatError`. */
export function decodeLacks(bytes: Uint8Array): Lacks {
  const reader = new StoredReader(bytes, 'former epoch')
  const format = reader.uint('a format')
  if (format !== lacksFormat) throw reader.malformed(`format ${lacksFormat}, got format ${format}`)
  const lacks = {
    structs: reader.clientRanges('struct ranges'),
    deletes: reader.clientRanges('deleted ranges'),
  }
  reader.end()
  return lacks
}
