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

  /** Goes to `clock`, or to the last place before it at which the content can be cut. */
  abstract seekBefore(clock: number): void
  /** Goes to `clock`, or to the first place after it at which the content can be cut. */
  abstract seekAfter(clock: number): void
  /** Goes forward by at least `count` bytes, and then to the next place at which the content can be cut, or to its end. */
  abstract advance(count: number): void

  /** The slice that holds the clocks from `from` to `to`, less what a former slice has taken; at the end of it afterwards. */
  slice(from: number, to: number): Slice {
    this.seekBefore(from)
    const start = this.clocks
    const bytesFrom = this.at
    this.seekAfter(to)
    return { from: start, to: this.clocks, bytesFrom, bytesTo: this.at }
  }

  /** The slice of about `count` bytes that begins here. */
  sliceOfBytes(count: number): Slice {
    const from = this.clocks
    const bytesFrom = this.at
    this.advance(count)
    return { from, to: this.clocks, bytesFrom, bytesTo: this.at }
  }
}

/**
 * UTF-16 units over UTF-8 bytes. Never stops between the halves of a surrogate pair: the bytes hold the pair as one
 * character, and Yjs itself, where it cuts one, puts two replacement characters in its place.
 */
class TextCursor extends ContentCursor {
  readonly #bytes: Uint8Array
  readonly #end: number

  constructor(reader: StructReader) {
    super(reader.unitsAt)
    this.#bytes = reader.bytes
    this.#end = reader.pos
  }

  override seekBefore(clock: number): void {
    while (this.clocks < clock) {
      if (this.#bytes[this.at]! >= 0xf0 && this.clocks + 2 > clock) return
      this.#step()
    }
  }

  override seekAfter(clock: number): void {
    while (this.clocks < clock) this.#step()
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

  override seekBefore(clock: number): void {
    while (this.clocks < clock) this.#step()
  }

  override seekAfter(clock: number): void {
    this.seekBefore(clock)
  }

  override advance(count: number): void {
    const to = this.at + count
    while (this.at < to && this.clocks < this.#count) this.#step()
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

  override seekBefore(clock: number): void {
    this.clocks = Math.max(this.clocks, clock)
  }

  override seekAfter(clock: number): void {
    this.seekBefore(clock)
  }

  override advance(): void {
    this.clocks = this.#length
  }
}
