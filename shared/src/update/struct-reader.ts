/**
 * Reads the structs of a Yjs V1 update one by one: where each begins and ends, which clocks it takes, what kind it is.
 *
 * Nothing is decoded and nothing is allocated per struct; after `next()` the fields describe the struct just read.
 * Each rule that a struct can break by itself is checked here. Rules about an update as a whole (order of blocks, Skips
 * at their ends, what follows the last byte) are the walk's. What needs the content's meaning (UTF-8, JSON syntax) is
 * left to `Y.decodeUpdate`, the gate's second opinion.
 */
import { ByteReader, Malformed } from './byte-reader.ts'

/** The numbers that Yjs gives to kinds of structs, the low five bits of a struct's first byte. */
export const structKind = {
  gc: 0,
  deleted: 1,
  json: 2,
  binary: 3,
  string: 4,
  embed: 5,
  format: 6,
  type: 7,
  any: 8,
  doc: 9,
  skip: 10,
} as const

/** Bits of a struct's first byte: an origin, a right origin, a key in the parent is there. */
export const hasOrigin = 0x80
export const hasRightOrigin = 0x40
export const hasParentKey = 0x20
const kindBits = 0x1f

/** Tags of lib0's `any` encoding that have something behind them; 127 down to 116 are known. */
const anyTag = {
  integer: 125,
  float32: 124,
  float64: 123,
  bigint: 122,
  string: 119,
  object: 118,
  array: 117,
  bytes: 116,
}
const anyTagLowest = anyTag.bytes
const anyTagHighest = 127

/** Types that carry a name (XML element, XML hook), and the highest type number that Yjs 13 and 14 know. */
const xmlElementType = 3
const xmlHookType = 5
const typeHighest = 6

export class StructReader extends ByteReader {
  /** How deep values (`any` and JSON) may be nested. */
  depthMax: number
  client = 0
  /** First clock of the struct just read, and how many clocks it takes. */
  clock = 0
  length = 0
  /** First byte of the struct just read, and the kind in it. */
  info = 0
  kind = 0
  /** Offsets of the struct just read: its first byte, its right origin, what follows that, its content. It ends at `pos`. */
  start = 0
  rightOriginAt = 0
  parentAt = 0
  contentAt = 0
  /** For strings and lists of values: where the characters or values begin, after their count. */
  unitsAt = 0
  #clockNext = 0

  constructor(bytes: Uint8Array, depthMax: number) {
    super(bytes)
    this.depthMax = depthMax
  }

  /** Starts over with other bytes. */
  reset(bytes: Uint8Array, depthMax: number): void {
    this.bytes = bytes
    this.pos = 0
    this.depthMax = depthMax
  }

  /** Reads a block's client and first clock, and returns how many structs follow. */
  block(): number {
    const count = this.uint()
    if (count === 0) throw new Malformed('a client is named without a struct')
    this.client = this.uint()
    this.#clockNext = this.uint()
    return count
  }

  /** Reads the next struct of the block. */
  next(): void {
    this.start = this.pos
    this.clock = this.#clockNext
    const info = this.byte()
    this.info = info
    this.kind = info & kindBits
    if (this.kind === structKind.gc || this.kind === structKind.skip) {
      // Yjs ignores the high bits of a GC in one reader and throws in another: nobody writes them.
      if (info !== this.kind) throw new Malformed('a struct of unknown kind')
      this.contentAt = this.pos
      this.length = this.uint()
    } else {
      this.#links(info)
      this.contentAt = this.pos
      this.length = this.#content()
    }
    if (this.length === 0) throw new Malformed('a struct without length')
    this.#clockNext = this.clock + this.length
    if (this.#clockNext > Number.MAX_SAFE_INTEGER) throw new Malformed('a clock beyond 2^53')
  }

  #links(info: number): void {
    if ((info & hasOrigin) !== 0) this.#id('an origin that its author had not written yet')
    this.rightOriginAt = this.pos
    if ((info & hasRightOrigin) !== 0) this.#id('a right origin that its author had not written yet')
    this.parentAt = this.pos
    if ((info & (hasOrigin | hasRightOrigin)) !== 0) return
    const named = this.uint()
    if (named === 1) this.skip(this.uint())
    else if (named === 0) this.#id('a parent that its author had not written yet')
    else throw new Malformed('a parent of unknown kind')
    if ((info & hasParentKey) !== 0) this.skip(this.uint())
  }

  /**
   * An id that a struct depends on. Other clients' futures are a matter of waiting; a client's own future can never
   * have been seen by it, and Yjs does not wait for it either: it looks it up and throws, in every client.
   */
  #id(complaint: string): void {
    const client = this.uint()
    const clock = this.uint()
    if (client === this.client && clock >= this.clock) throw new Malformed(complaint)
  }

  /** Steps over the content and returns how many clocks it takes. */
  #content(): number {
    switch (this.kind) {
      case structKind.string:
        // Only texts hold strings, and texts have no keys. A value under a key that is later split throws in Yjs when
        // the map around it is deleted: it deletes the last part alone, and collects all.
        if ((this.info & hasParentKey) !== 0) throw new Malformed('a string under a key')
        return this.#text()
      case structKind.deleted:
        return this.uint()
      case structKind.format:
        this.skip(this.uint())
        this.#json()
        return 1
      case structKind.type:
        this.#type()
        return 1
      case structKind.any:
      case structKind.json:
        return this.#values()
      case structKind.binary:
        this.skip(this.uint())
        return 1
      case structKind.embed:
        this.#json()
        return 1
      case structKind.doc:
        this.skip(this.uint())
        // Yjs reads options out of this value: it throws on null and undefined, and nobody writes anything but an object.
        if (this.pos < this.bytes.length && this.bytes[this.pos] !== anyTag.object) {
          throw new Malformed('a subdocument without options')
        }
        this.#any(this.depthMax)
        return 1
      default:
        throw new Malformed('a struct of unknown kind')
    }
  }

  /** A string takes as many clocks as it has UTF-16 units: one for each first byte, two where that opens four bytes. */
  #text(): number {
    const byteLength = this.uint()
    this.unitsAt = this.pos
    this.skip(byteLength)
    const bytes = this.bytes
    let units = 0
    for (let i = this.unitsAt; i < this.pos; i++) {
      const byte = bytes[i]!
      if (byte < 0x80) units++
      else if (byte >= 0xf0) units += 2
      else if (byte >= 0xc0) units++
    }
    return units
  }

  #values(): number {
    const count = this.uint()
    // Each value takes a byte at least; without this a count could make us loop long after the last byte.
    if (count > this.left) throw new Malformed('it ends in the middle')
    this.unitsAt = this.pos
    for (let i = 0; i < count; i++) this.#value()
    return count
  }

  #value(): void {
    if (this.kind === structKind.any) this.#any(this.depthMax)
    else this.#json()
  }

  /** Where the value that begins at `at` ends, among those of the struct just read. The position stays. */
  endOfValue(at: number): number {
    const end = this.pos
    this.pos = at
    this.#value()
    const valueEnd = this.pos
    this.pos = end
    return valueEnd
  }

  #type(): void {
    const type = this.uint()
    if (type > typeHighest) throw new Malformed('a type of unknown kind')
    if (type === xmlElementType || type === xmlHookType) this.skip(this.uint())
  }

  /** Steps over one value of lib0's `any` encoding. Yjs reads and writes these recursively, hence the limit. */
  #any(depthLeft: number): void {
    const tag = this.byte()
    if (tag < anyTagLowest || tag > anyTagHighest) throw new Malformed('a value of unknown kind')
    switch (tag) {
      case anyTag.integer:
        while (this.byte() >= 0x80);
        return
      case anyTag.float32:
        this.skip(4)
        return
      case anyTag.float64:
      case anyTag.bigint:
        this.skip(8)
        return
      case anyTag.object:
      case anyTag.array: {
        if (depthLeft === 0) throw new Malformed('a value nested too deeply')
        const count = this.uint()
        for (let i = 0; i < count; i++) {
          if (tag === anyTag.object) this.skip(this.uint())
          this.#any(depthLeft - 1)
        }
        return
      }
      case anyTag.string:
      case anyTag.bytes:
        this.skip(this.uint())
        return
    }
  }

  /**
   * Steps over one JSON text and looks at its nesting alone: engines parse deep JSON without complaint, and then
   * `JSON.stringify` overflows the stack when a client wants to send its document.
   */
  #json(): void {
    const byteLength = this.uint()
    const from = this.pos
    this.skip(byteLength)
    // A text this short cannot be nested too deeply, and nearly all are.
    if (byteLength <= this.depthMax) return
    const bytes = this.bytes
    let depth = 0
    let quoted = false
    for (let i = from; i < this.pos; i++) {
      const byte = bytes[i]!
      if (quoted) {
        if (byte === 0x5c) i++
        else if (byte === 0x22) quoted = false
      } else if (byte === 0x22) quoted = true
      else if (byte === 0x5b || byte === 0x7b) {
        if (++depth > this.depthMax) throw new Malformed('a value nested too deeply')
      } else if (byte === 0x5d || byte === 0x7d) depth--
    }
  }
}
