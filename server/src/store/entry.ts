import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

/**
 * One entry of a document's log, and its bytes.
 *
 * Entry, format 1 (numbers are lib0 varUints unless said otherwise):
 *
 *     1 (one byte) · nonce (8 bytes) · instance (string) · kind · timeMs
 *     · authors: count, then each: name (string) · structs · deletes
 *     · update (bytes with their length)
 *     structs, deletes: clients: count, then each: client · ranges: count, then each: distance from the end of
 *     the range before · length
 *
 * The nonce comes first so that a retried append is found without reading the rest. Seq and links are not in here:
 * only the log that takes the entry knows them.
 */

/** Who brought which part of an entry: a delete set names the deleted, not the deleter, and after a merge nobody could tell. */
export interface Author {
  /** The user of the token, or the connection's id where nobody is authenticated. */
  readonly name: string
  /** Clock ranges of structs, per client: flat [from, to, from, to, ...], half open, sorted. */
  readonly structs: ReadonlyMap<number, readonly number[]>
  /** Deleted ranges, per client, in the same form. */
  readonly deletes: ReadonlyMap<number, readonly number[]>
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

/** Bytes that are not an entry of a known format: a damaged store, or one that a newer server wrote. */
export class EntryFormatError extends Error {
  override name = 'EntryFormatError'
}

const entryFormat = 1
const nonceBytes = 8
/** A kind is stored as its place in this list: names may be added at the end, none may be moved or taken away. */
const kinds: readonly EntryKind[] = ['update', 'room-event', 'restore-mark']

/** The bytes of an entry. Throws an `EntryFormatError` for what could not be read back as it is. */
export function encodeEntry(entry: Entry): Uint8Array {
  if (!/^[0-9a-f]{16}$/.test(entry.nonce))
    throw new EntryFormatError(`expected a nonce of 16 hex digits, got ${JSON.stringify(entry.nonce)}`)
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
 * The entry that `bytes` are, with the place in its log that only the log knows. Throws an `EntryFormatError` that names what
 * was expected and where. The update is a view of `bytes`, not a copy.
 */
export function decodeEntry(bytes: Uint8Array, seq: number, link: string, previousLink: string): StoredEntry {
  const decoder = decoding.createDecoder(bytes)
  const { instance, nonce } = readOrigin(decoder)
  const kindNumber = expect(decoder, 'a kind', readUint)
  const kind = kinds[kindNumber]
  if (kind === undefined) throw malformed(decoder, `a kind below ${kinds.length}, got ${kindNumber}`)
  const timeMs = expect(decoder, 'a time', readUint)
  const authors = readCounted(decoder, 'authors', () => ({
    name: expect(decoder, 'the name of an author', decoding.readVarString),
    structs: readClientRanges(decoder, 'struct ranges'),
    deletes: readClientRanges(decoder, 'deleted ranges'),
  }))
  const update = expect(decoder, 'an update', decoding.readVarUint8Array)
  if (decoding.hasContent(decoder)) throw malformed(decoder, 'the end of the entry')
  return { kind, timeMs, update, authors, instance, nonce, seq, link, previousLink }
}

/** Only the beginning of an entry: `bytes` may be cut off anywhere after it. */
export function decodeOrigin(bytes: Uint8Array): EntryOrigin {
  return readOrigin(decoding.createDecoder(bytes))
}

function readOrigin(decoder: decoding.Decoder): EntryOrigin {
  const format = expect(decoder, 'a format byte', decoding.readUint8)
  if (format !== entryFormat)
    throw malformed(
      decoder,
      `format ${entryFormat}, got format ${format}, which another version of Syncline wrote`,
    )
  const nonce = expect(decoder, 'a nonce', d => decoding.readUint8Array(d, nonceBytes))
  const instance = expect(decoder, 'an instance', decoding.readVarString)
  return { instance, nonce: Buffer.from(nonce).toString('hex') }
}

function writeClientRanges(encoder: encoding.Encoder, clients: ReadonlyMap<number, readonly number[]>): void {
  encoding.writeVarUint(encoder, clients.size)
  for (const [client, ranges] of clients) {
    encoding.writeVarUint(encoder, client)
    encoding.writeVarUint(encoder, ranges.length / 2)
    let end = 0
    for (let i = 0; i < ranges.length; i += 2) {
      const from = ranges[i]!
      const to = ranges[i + 1]!
      // A negative number would be written as some other one without a sound, and be found when it is too late.
      if (!(from >= end && to > from))
        throw new EntryFormatError(`expected sorted ranges, got ${from} to ${to} after ${end}`)
      encoding.writeVarUint(encoder, from - end)
      encoding.writeVarUint(encoder, to - from)
      end = to
    }
  }
}

function readClientRanges(decoder: decoding.Decoder, what: string): Map<number, number[]> {
  const clients = new Map<number, number[]>()
  readCounted(decoder, `clients of ${what}`, () => {
    const client = expect(decoder, 'a client id', readUint)
    if (clients.has(client)) throw malformed(decoder, `each client once in ${what}, got ${client} again`)
    let end = 0
    const ranges = readCounted(decoder, what, () => {
      const from = end + expect(decoder, `the start of one of the ${what}`, readUint)
      const to = from + expect(decoder, `the length of one of the ${what}`, readUint)
      if (to <= from || to > Number.MAX_SAFE_INTEGER)
        throw malformed(decoder, `${what} of at least one clock below 2^53`)
      end = to
      return [from, to]
    })
    clients.set(client, ranges.flat())
  })
  return clients
}

/** Reads a count and as many items. Each takes at least a byte, so a count beyond the rest is a lie that costs nothing. */
function readCounted<T>(decoder: decoding.Decoder, what: string, readItem: () => T): T[] {
  const count = expect(decoder, `a number of ${what}`, readUint)
  if (count > decoder.arr.length - decoder.pos) throw malformed(decoder, `${count} ${what}`)
  const items: T[] = []
  for (let i = 0; i < count; i++) items.push(readItem())
  return items
}

/** lib0 stops at 2^53 only between two bytes, so the last one can still carry a number past it. */
function readUint(decoder: decoding.Decoder): number {
  const value = decoding.readVarUint(decoder)
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is beyond 2^53`)
  return value
}

function expect<T>(decoder: decoding.Decoder, what: string, read: (decoder: decoding.Decoder) => T): T {
  const start = decoder.pos
  try {
    const value = read(decoder)
    // lib0 hands out a shorter view, instead of throwing, where bytes with a length end too early.
    if (decoder.pos <= decoder.arr.length) return value
  } catch (cause) {
    decoder.pos = start
    throw malformed(decoder, what, cause)
  }
  decoder.pos = start
  throw malformed(decoder, what)
}

function malformed(decoder: decoding.Decoder, expected: string, cause?: unknown): EntryFormatError {
  return new EntryFormatError(
    `malformed entry: expected ${expected} at byte ${decoder.pos} of ${decoder.arr.length}`,
    { cause },
  )
}
