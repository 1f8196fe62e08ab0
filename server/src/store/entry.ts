import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { StoredFormatError, type StoredRanges, StoredReader, writeClientRanges } from './stored-reader.ts'

/**
 * One entry of a document's log, and its bytes.
 *
 * Entry, format 1 (numbers are lib0 varUints unless said otherwise):
 *
 *     1 (one byte) · nonce (8 bytes) · instance (string) · kind · timeMs
 *     · authors: count, then each: name (string) · structs · deletes
 *     · update (bytes with their length)
 *     structs, deletes: ranges per client (`stored-reader.ts`)
 *
 * The nonce comes first so that a retried append is found without reading the rest. Seq and links are not in here:
 * only the log that takes the entry knows them.
 */

/** Who brought which part of an entry: a delete set names the deleted, not the deleter, and after a merge nobody could tell. */
export interface Author {
  /** The user of the token, or the connection's id where nobody is authenticated. */
  readonly name: string
  /** Clock ranges of structs, per client. */
  readonly structs: StoredRanges
  /** Deleted ranges, per client. */
  readonly deletes: StoredRanges
}

export type EntryKind = 'update' | 'room-event' | 'restore-mark'

export interface Entry {
  readonly kind: EntryKind
  /** Unix milliseconds at which the window was closed. */
  readonly timeMs: number
  /** One Yjs update, V1; the merged updates of one window. */
  readonly update: Uint8Array
  readonly authors: readonly Author[]
  /** Which server process appended it. */
  readonly instance: string
  /** 16 hex digits, random: with `instance` it tells a retried append from a new one. */
  readonly nonce: string
}

export interface StoredEntry extends Entry {
  readonly seq: number
  /** 16 hex digits. */
  readonly link: string
  readonly previousLink: string
}

/** What tells a retried append from a new one. */
export interface EntryOrigin {
  readonly instance: string
  readonly nonce: string
}

const entryFormat = 1
const nonceBytes = 8
/** A kind is stored as its place in this list: names may be added at the end, none may be moved or taken away. */
const kinds: readonly EntryKind[] = ['update', 'room-event', 'restore-mark']

/** The bytes of an entry. Throws an `StoredFormatError` for what could not be read back as it is. */
export function encodeEntry(entry: Entry): Uint8Array {
  if (!/^[0-9a-f]{16}$/.test(entry.nonce))
    throw new StoredFormatError(`expected a nonce of 16 hex digits, got ${JSON.stringify(entry.nonce)}`)
  const encoder = encoding.createEncoder()
  encoding.writeUint8(encoder, entryFormat)
  encoding.writeUint8Array(encoder, Buffer.from(entry.nonce, 'hex'))
  encoding.writeVarString(encoder, entry.instance)
  encoding.writeVarUint(encoder, kinds.indexOf(entry.kind))
  encoding.writeVarUint(encoder, entry.timeMs)
  encoding.writeVarUint(encoder, entry.authors.length)
  for (const author of entry.authors) {
    encoding.writeVarString(encoder, author.name)
    writeClientRanges(encoder, author.structs)
    writeClientRanges(encoder, author.deletes)
  }
  encoding.writeVarUint8Array(encoder, entry.update)
  return encoding.toUint8Array(encoder)
}

/**
 * The entry that `bytes` are, with the place in its log that only the log knows. Throws a `StoredFormatError` that names what
 * was expected and where. The update is a view of `bytes`, not a copy.
 */
export function decodeEntry(bytes: Uint8Array, seq: number, link: string, previousLink: string): StoredEntry {
  const reader = new StoredReader(bytes, 'entry')
  const { instance, nonce } = readOrigin(reader)
  const kindNumber = reader.uint('a kind')
  const kind = kinds[kindNumber]
  if (kind === undefined) throw reader.malformed(`a kind below ${kinds.length}, got ${kindNumber}`)
  const timeMs = reader.uint('a time')
  const authors = reader.counted('authors', () => ({
    name: reader.expect('the name of an author', decoding.readVarString),
    structs: reader.clientRanges('struct ranges'),
    deletes: reader.clientRanges('deleted ranges'),
  }))
  const update = reader.expect('an update', decoding.readVarUint8Array)
  reader.end()
  return { kind, timeMs, update, authors, instance, nonce, seq, link, previousLink }
}

/** Only the beginning of an entry: `bytes` may be cut off anywhere after it. */
export function decodeOrigin(bytes: Uint8Array): EntryOrigin {
  return readOrigin(new StoredReader(bytes, 'entry'))
}

/** How long the beginning is that tells an origin: two entries are the same if it is. */
export function originBytes({ instance }: Pick<EntryOrigin, 'instance'>): number {
  const text = Buffer.byteLength(instance)
  let lengthBytes = 1
  for (let rest = text; rest > 127; rest = Math.floor(rest / 128)) lengthBytes += 1
  return 1 + nonceBytes + lengthBytes + text
}

function readOrigin(reader: StoredReader): EntryOrigin {
  const format = reader.expect('a format byte', decoding.readUint8)
  if (format !== entryFormat)
    throw reader.malformed(
      `format ${entryFormat}, got format ${format}, which another version of Syncline wrote`,
    )
  const nonce = reader.expect('a nonce', d => decoding.readUint8Array(d, nonceBytes))
  const instance = reader.expect('an instance', decoding.readVarString)
  return { instance, nonce: Buffer.from(nonce).toString('hex') }
}
