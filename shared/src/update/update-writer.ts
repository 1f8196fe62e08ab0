/**
 * Builds a Yjs V1 update out of structs of another one: whole structs are copied byte for byte, and
 * whatever takes several clocks may be sliced, as Yjs itself slices it.
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
import type { Slice } from './content-cursor.ts'
import type { ClientRanges } from './ranges.ts'
import { hasOrigin, type StructReader, structKind } from './struct-reader.ts'

/** U+FFFD in UTF-8. */
const replacementCharacter = Uint8Array.of(0xef, 0xbf, 0xbd)

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

  /** Adds a part of the struct that `reader` has just read. */
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
    if (reader.kind === structKind.string) this.#text(bytes, slice)
    else {
      writeVarUint(body, slice.to - slice.from)
      writeUint8Array(body, bytes.subarray(slice.bytesFrom, slice.bytesTo))
    }
  }

  /**
   * Half a character cannot be written. As in Yjs, a replacement character stands for it, so that the slice takes the
   * clocks that it should: one clock more would be taken for known by readers, and there Yjs may throw.
   */
  #text(bytes: Uint8Array, { bytesFrom, bytesTo, halfFirst, halfLast }: Slice): void {
    const body = this.#body
    const halves = Number(halfFirst) + Number(halfLast)
    writeVarUint(body, bytesTo - bytesFrom + halves * replacementCharacter.length)
    if (halfFirst) writeUint8Array(body, replacementCharacter)
    writeUint8Array(body, bytes.subarray(bytesFrom, bytesTo))
    if (halfLast) writeUint8Array(body, replacementCharacter)
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
