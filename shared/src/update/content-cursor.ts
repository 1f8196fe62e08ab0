/**
 * Finds the bytes at which a clock of a struct begins, inside content that takes several clocks: the characters of a
 * string, the values of a list. Goes forward only, so that cutting one struct into many slices reads it once.
 */
import { type StructReader, structKind } from './struct-reader.ts'

/** A part of one struct, in clocks counted from the struct's first, with the bytes of its content where it has any. */
export interface Slice {
  readonly from: number
  readonly to: number
  /** Where its characters or values begin and end in the source's bytes. */
  readonly bytesFrom: number
  readonly bytesTo: number
  /** Its first clock is the second half of a character, its last clock the first half of one; not in those bytes. */
  readonly halfFirst: boolean
  readonly halfLast: boolean
}

/** A cursor at the start of the content of the struct that `reader` has just read. */
export function openContent(reader: StructReader): ContentCursor {
  switch (reader.kind) {
    case structKind.string:
      return new TextCursor(reader)
    case structKind.any:
    case structKind.json:
      return new ValuesCursor(reader)
    default:
      return new LengthCursor(reader)
  }
}

export abstract class ContentCursor {
  /** The place: this many clocks into the struct, at this offset of its bytes. */
  clocks = 0
  at: number

  constructor(at: number) {
    this.at = at
  }

  /** Goes to `clock`, or to the last place before it at which the bytes can be cut. */
  abstract seek(clock: number): void
  /** Goes forward by about `count` bytes, over one character or value at least, and never past the end. */
  abstract advance(count: number): void

  /** The slice that holds the clocks from `from` to `to`. */
  slice(from: number, to: number): Slice {
    this.seek(from)
    const bytesFrom = this.at
    this.seek(to)
    return { from, to, bytesFrom, bytesTo: this.at, halfFirst: false, halfLast: false }
  }

  /** The slice of about `count` bytes that begins here. */
  sliceOfBytes(count: number): Slice {
    const from = this.clocks
    const bytesFrom = this.at
    this.advance(count)
    return { from, to: this.clocks, bytesFrom, bytesTo: this.at, halfFirst: false, halfLast: false }
  }
}

/** UTF-16 units over UTF-8 bytes. The bytes hold a surrogate pair as one character of two units. */
class TextCursor extends ContentCursor {
  readonly #bytes: Uint8Array
  readonly #end: number

  constructor(reader: StructReader) {
    super(reader.unitsAt)
    this.#bytes = reader.bytes
    this.#end = reader.pos
  }

  override seek(clock: number): void {
    while (this.clocks < clock) {
      if (this.#bytes[this.at]! >= 0xf0 && this.clocks + 2 > clock) return
      this.#step()
    }
  }

  override slice(from: number, to: number): Slice {
    this.seek(from)
    const halfFirst = this.clocks < from
    if (halfFirst) this.#step()
    const bytesFrom = this.at
    this.seek(to)
    return { from, to, bytesFrom, bytesTo: this.at, halfFirst, halfLast: this.clocks < to }
  }

  override advance(count: number): void {
    const to = Math.min(this.at + count, this.#end)
    while (this.at < to) this.#step()
  }

  #step(): void {
    const first = this.#bytes[this.at]!
    this.clocks += first >= 0xf0 ? 2 : 1
    if (first < 0x80) this.at += 1
    else if (first < 0xe0) this.at += 2
    else this.at += first < 0xf0 ? 3 : 4
  }
}

/** A clock for each value of a list. */
class ValuesCursor extends ContentCursor {
  readonly #reader: StructReader
  readonly #count: number

  constructor(reader: StructReader) {
    super(reader.unitsAt)
    this.#reader = reader
    this.#count = reader.length
  }

  override seek(clock: number): void {
    while (this.clocks < clock) this.#step()
  }

  override advance(count: number): void {
    const to = this.at + count
    do this.#step()
    while (this.clocks < this.#count && this.#reader.endOfValue(this.at) <= to)
  }

  #step(): void {
    this.at = this.#reader.endOfValue(this.at)
    this.clocks++
  }
}

/** Deleted content and GC structs: a length, and no bytes for it. */
class LengthCursor extends ContentCursor {
  readonly #length: number

  constructor(reader: StructReader) {
    super(reader.contentAt)
    this.#length = reader.length
  }

  override seek(clock: number): void {
    this.clocks = clock
  }

  override advance(): void {
    this.clocks = this.#length
  }
}
