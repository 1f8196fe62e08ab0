/**
 * Builds a Yjs V1 update out of structs of another one: whole structs are copied byte for byte, strings, deleted
 * content and GC structs may be sliced as Yjs itself slices them.
 *
 * Structs must be added in the order of their update (clients descending, clocks ascending), and must come from bytes
 * that the walk has passed. Holes between the structs of a client become Skips; there is never one at either end.
 */
import {
  createEncoder,
  type Encoder,
  toUint8Array,
  writeUint8,
  writeUint8Array,
  writeVarUint,
} from 'lib0/encoding'
import type { ClientRanges } from './ranges.ts'
import { hasOrigin, type StructReader, structKind } from './struct-reader.ts'

/** A part of one struct, in clocks counted from the struct's first, with the bytes of its text where it has any. */
export interface Slice {
  readonly from: number
  readonly to: number
  /** Offsets of its UTF-8 in the source's bytes; unused unless the struct is a string. */
  readonly textFrom: number
  readonly textTo: number
}

/** The structs of one client on their way into an update. */
export class BlockWriter {
  readonly client: number
  /** First clock, and the clock after the last; both 0 while nothing was added. */
  from = 0
  to = 0
  #count = 0
  readonly #body: Encoder = createEncoder()
  /** Whole structs that follow each other in the source are copied together. */
  #source: Uint8Array | undefined
  #runFrom = 0
  #runTo = 0

  constructor(client: number) {
    this.client = client
  }

  get empty(): boolean {
    return this.#count === 0
  }

  /** Adds the struct that `reader` has just read, as it is. */
  addWhole(reader: StructReader): void {
    this.#step(reader.clock, reader.length)
    if (this.#source !== reader.bytes || this.#runTo !== reader.start) {
      this.#copyRun()
      this.#source = reader.bytes
      this.#runFrom = reader.start
    }
    this.#runTo = reader.pos
  }

  /** Adds a part of the struct that `reader` has just read; its kind must be one that `sliceable` accepts. */
  addSlice(reader: StructReader, slice: Slice): void {
    this.#step(reader.clock + slice.from, slice.to - slice.from)
    this.#copyRun()
    const { bytes } = reader
    const body = this.#body
    if (reader.kind === structKind.gc || slice.from === 0) {
      writeUint8Array(body, bytes.subarray(reader.start, reader.contentAt))
    } else {
      // As Yjs does it: what is right of a cut has what is left of it as its origin, keeps the right origin, and needs
      // no parent, which is that of its origin. The bit that tells of a key in the parent stays: readers look at it
      // only where there is no origin.
      writeUint8(body, reader.info | hasOrigin)
      writeVarUint(body, this.client)
      writeVarUint(body, reader.clock + slice.from - 1)
      writeUint8Array(body, bytes.subarray(reader.rightOriginAt, reader.parentAt))
    }
    if (reader.kind === structKind.string) {
      writeVarUint(body, slice.textTo - slice.textFrom)
      writeUint8Array(body, bytes.subarray(slice.textFrom, slice.textTo))
    } else {
      writeVarUint(body, slice.to - slice.from)
    }
  }

  /** Writes the block, with its head, to the end of `update`. */
  finish(update: Encoder): void {
    this.#copyRun()
    writeVarUint(update, this.#count)
    writeVarUint(update, this.client)
    writeVarUint(update, this.from)
    writeUint8Array(update, toUint8Array(this.#body))
  }

  #step(clock: number, length: number): void {
    if (this.#count === 0) this.from = clock
    else if (clock > this.to) {
      this.#copyRun()
      writeUint8(this.#body, structKind.skip)
      writeVarUint(this.#body, clock - this.to)
      this.#count++
    }
    this.#count++
    this.to = clock + length
  }

  #copyRun(): void {
    if (this.#source === undefined) return
    writeUint8Array(this.#body, this.#source.subarray(this.#runFrom, this.#runTo))
    this.#source = undefined
  }
}

/** Whether the struct just read can be cut between two of its clocks without decoding it. */
export function sliceable(reader: StructReader): boolean {
  const { kind } = reader
  return kind === structKind.string || kind === structKind.deleted || kind === structKind.gc
}

/** A complete update: these blocks (clients descending, none empty) and these deletes. */
export function writeUpdate(blocks: readonly BlockWriter[], deletes: ClientRanges): Uint8Array {
  const update = createEncoder()
  writeVarUint(update, blocks.length)
  for (const block of blocks) block.finish(update)
  writeDeletes(update, deletes)
  return toUint8Array(update)
}

function writeDeletes(update: Encoder, deletes: ClientRanges): void {
  const clients = [...deletes].filter(([, ranges]) => ranges.length > 0)
  writeVarUint(update, clients.length)
  for (const [client, ranges] of clients.sort((a, b) => b[0] - a[0])) {
    writeVarUint(update, client)
    writeVarUint(update, ranges.length / 2)
    for (let i = 0; i < ranges.length; i += 2) {
      writeVarUint(update, ranges[i]!)
      writeVarUint(update, ranges[i + 1]! - ranges[i]!)
    }
  }
}

/**
 * Walks over the UTF-8 of one string, forward only, and finds the bytes at which its UTF-16 units begin. Kept between
 * the cuts of one string, so that cutting it into many pieces reads it once.
 */
export class TextCursor {
  readonly #bytes: Uint8Array
  /** The place: this many units into the string, at this offset of the bytes. Never inside a character. */
  units = 0
  at: number

  constructor(reader: StructReader) {
    this.#bytes = reader.bytes
    this.at = reader.textAt
  }

  /** Goes to the last character boundary at or before `units`. */
  seekBefore(units: number): void {
    while (this.units < units) {
      const byte = this.#bytes[this.at]!
      if (byte >= 0xf0 && this.units + 2 > units) return
      this.#step(byte)
    }
  }

  /** Goes to the first character boundary at or after `units`. */
  seekAfter(units: number): void {
    while (this.units < units) this.#step(this.#bytes[this.at]!)
  }

  /** Goes on over whole characters while they end at or before the byte offset `at`, but over one at least. */
  seekBytes(at: number, textEnd: number): void {
    do {
      this.#step(this.#bytes[this.at]!)
    } while (this.at < textEnd && this.at + characterBytes(this.#bytes[this.at]!) <= at)
  }

  #step(byte: number): void {
    this.units += byte >= 0xf0 ? 2 : 1
    this.at += characterBytes(byte)
  }
}

function characterBytes(first: number): number {
  if (first < 0x80) return 1
  if (first < 0xe0) return 2
  return first < 0xf0 ? 3 : 4
}
