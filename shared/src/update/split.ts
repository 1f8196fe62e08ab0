/**
 * Splits one update into several complete ones of bounded size, in an order in which they can be loaded one by one.
 *
 * All clients advance together: each piece holds about the same fraction of every client's clocks, because what a
 * struct depends on was mostly written about when it was. A dependency that comes in a later piece is no fault: Yjs
 * keeps what waits for it.
 *
 * One pass, with one reader per client; the work is proportional to the bytes, times the logarithm of the clients.
 */
import { type ContentCursor, openContent, type Slice } from './content-cursor.ts'
import { type ClientRanges, intersectRanges, type Ranges, subtractClientRanges } from './ranges.ts'
import { StructReader, structKind } from './struct-reader.ts'
import { BlockWriter, writeUpdate } from './update-writer.ts'
import { type Structure, walkUpdate } from './walk.ts'

/** Long strings and lists are offered in about this many parts per piece, so that pieces are well filled. */
const partsPerPiece = 8
/** A count of structs, of delete ranges or of blocks never takes more bytes than this in an update of 2 GB. */
const countBytesMax = 5
/** What a slice may need beside its content and the head of its struct: an origin and a length. */
const sliceOverheadBytesMax = 24

/**
 * Complete updates of at most `pieceBytesMax` bytes each that together hold all of `bytes`, which passed the walk and which Yjs
 * decodes. A piece is larger only where it holds one single character, value, image or the like that is.
 * Deletes come with the structs that they delete; deletes of structs that are not in `bytes` come last.
 */
export function splitUpdate(bytes: Uint8Array, pieceBytesMax: number): Uint8Array[] {
  if (bytes.length <= pieceBytesMax) return [bytes]
  const walked = walkUpdate(bytes, {
    anyDepthMax: Number.MAX_SAFE_INTEGER,
    deleteRangesMax: Number.MAX_SAFE_INTEGER,
  })
  if (!walked.ok) throw new Error(`only what passed the walk can be split: ${walked.reason}`)
  const { deletes } = walked.structure
  const sources = openSources(bytes, walked.structure, Math.max(1, Math.floor(pieceBytesMax / partsPerPiece)))
  const pieces: Uint8Array[] = []
  const placed: ClientRanges = new Map()
  let piece = new Piece()
  while (sources.length > 0) {
    const source = sources[0]!
    if (!piece.empty && piece.bytesMax + piece.costMax(source) > pieceBytesMax) {
      pieces.push(piece.finish(deletes, placed))
      piece = new Piece()
    }
    piece.add(source)
    if (source.advance()) sinkFirst(sources)
    else removeFirst(sources)
  }
  if (!piece.empty) pieces.push(piece.finish(deletes, placed))
  pieces.push(...splitDeletes(subtractClientRanges(deletes, placed), pieceBytesMax))
  return pieces
}

/** One update on its way: what it holds, and how large it may become. */
class Piece {
  /** An upper bound of the bytes that `finish` will return. */
  bytesMax = 2 * countBytesMax
  readonly #parts = new Map<Source, Part>()

  get empty(): boolean {
    return this.#parts.size === 0
  }

  /** What adding the current part of `source` may cost at most. */
  costMax(source: Source): number {
    const known = this.#parts.has(source)
    return source.partCostMax() + (known ? 0 : source.headCostMax())
  }

  add(source: Source): void {
    this.bytesMax += this.costMax(source)
    let part = this.#parts.get(source)
    if (part === undefined) {
      part = { block: new BlockWriter(source.reader.client), open: undefined }
      this.#parts.set(source, part)
    }
    const { slice, reader } = source
    part.open =
      part.open === undefined ? slice : { ...slice, from: part.open.from, bytesFrom: part.open.bytesFrom }
    // Slices of one struct that land in one piece are written as one, when the struct or the piece is at its end.
    if (slice.to === reader.length) closeSlice(source, part)
  }

  /** The piece as an update, with those of `deletes` that fall between its clocks; these are noted in `placed`. */
  finish(deletes: ClientRanges, placed: ClientRanges): Uint8Array {
    const blocks: BlockWriter[] = []
    const own: ClientRanges = new Map()
    for (const [source, part] of this.#parts) {
      closeSlice(source, part)
      const { block } = part
      blocks.push(block)
      const ofClient = intersectRanges([block.from, block.to], deletes.get(block.client) ?? [])
      if (ofClient.length === 0) continue
      own.set(block.client, ofClient)
      const before = placed.get(block.client)
      if (before === undefined) placed.set(block.client, ofClient.slice())
      else appendRanges(before, ofClient)
    }
    return writeUpdate(
      blocks.sort((a, b) => b.client - a.client),
      own,
    )
  }
}

/** What a piece holds of one client: finished structs, and the slice of one that may still grow. */
interface Part {
  readonly block: BlockWriter
  open: Slice | undefined
}

function closeSlice(source: Source, part: Part): void {
  if (part.open === undefined) return
  const { reader } = source
  if (part.open.from === 0 && part.open.to === reader.length) part.block.addWhole(reader)
  else part.block.addSlice(reader, part.open)
  part.open = undefined
}

/** The pieces of one client come in the order of its clocks, so what is added lies behind what is there. */
function appendRanges(ranges: Ranges, later: Ranges): void {
  for (let i = 0; i < later.length; i += 2) {
    if (ranges[ranges.length - 1] === later[i]) ranges[ranges.length - 1] = later[i + 1]!
    else ranges.push(later[i]!, later[i + 1]!)
  }
}

const nothing: Slice = { from: 0, to: 0, bytesFrom: 0, bytesTo: 0, halfFirst: false, halfLast: false }

/** One client's structs, read one by one; a long one is offered in parts. */
class Source {
  readonly reader: StructReader
  /** The part offered now: of the struct that `reader` has just read. */
  slice: Slice = nothing
  /** How far it is through its client's clocks, 0 to 1. */
  fraction = 0
  readonly #clockFirst: number
  readonly #clockSpan: number
  readonly #deletes: Ranges
  readonly #partBytesMax: number
  #structsLeft: number
  /** Where the struct before this one ended. */
  #endBefore = 0
  #content: ContentCursor | undefined
  #deletesAt = 0
  #partDeleteBytes = 0

  constructor(reader: StructReader, held: Ranges, deletes: Ranges, partBytesMax: number) {
    this.reader = reader
    this.#clockFirst = held[0]!
    this.#clockSpan = held[held.length - 1]! - held[0]!
    this.#deletes = deletes
    this.#partBytesMax = partBytesMax
    this.#structsLeft = reader.block()
    this.advance()
  }

  /** Goes to the next part; false when there is none. */
  advance(): boolean {
    if (this.#content === undefined && !this.#nextStruct()) return false
    const { reader } = this
    const content = this.#content
    if (content === undefined) {
      this.slice = { ...nothing, to: reader.length, bytesFrom: reader.contentAt, bytesTo: reader.pos }
    } else {
      this.slice = content.sliceOfBytes(this.#partBytesMax)
      // Text that is no UTF-8 has fewer characters than first bytes: its end would never come.
      if (this.slice.to === this.slice.from) throw new Error('only what Yjs decodes can be split')
      if (this.slice.to === reader.length) this.#content = undefined
    }
    this.fraction = (reader.clock + this.slice.from - this.#clockFirst) / this.#clockSpan
    this.#partDeleteBytes = this.#deleteBytesBefore(reader.clock + this.slice.to)
    return true
  }

  /** The most that the current part can add to an update that holds structs of this client already. */
  partCostMax(): number {
    const { reader, slice } = this
    const whole = slice.from === 0 && slice.to === reader.length
    const head = whole ? 0 : reader.contentAt - reader.start + sliceOverheadBytesMax
    const content = whole ? reader.pos - reader.start : slice.bytesTo - slice.bytesFrom
    // Where it lies behind a gap, a Skip leads up to it: its kind and a length.
    const gap = slice.from === 0 ? reader.clock - this.#endBefore : 0
    return head + content + (gap === 0 ? 0 : 1 + uintBytes(gap)) + this.#partDeleteBytes
  }

  /** The most that the heads of a block and of its delete ranges take. */
  headCostMax(): number {
    const { client, clock } = this.reader
    return 2 * (uintBytes(client) + countBytesMax) + uintBytes(clock + this.slice.from)
  }

  #nextStruct(): boolean {
    const { reader } = this
    this.#endBefore = reader.clock + reader.length
    do {
      if (this.#structsLeft === 0) return false
      this.#structsLeft--
      reader.next()
    } while (reader.kind === structKind.skip)
    const long = reader.pos - reader.start > this.#partBytesMax
    this.#content = long && reader.length > 1 ? openContent(reader) : undefined
    return true
  }

  /** What the delete ranges that begin before `clock` take, from those of the part before on. */
  #deleteBytesBefore(clock: number): number {
    const deletes = this.#deletes
    let bytes = 0
    let at = this.#deletesAt
    while (at < deletes.length && deletes[at]! < clock) {
      // Where a range is cut by the end of a piece, it is written again, with a later start.
      bytes += uintBytes(deletes[at + 1]!) + uintBytes(deletes[at + 1]! - deletes[at]!)
      if (deletes[at + 1]! > clock) break
      at += 2
    }
    this.#deletesAt = at
    return bytes
  }
}

/** A source for each client of the update, in the update's order: clients descending, which is a heap as all begin at 0. */
function openSources(bytes: Uint8Array, structure: Structure, partBytesMax: number): Source[] {
  const scout = new StructReader(bytes, Number.POSITIVE_INFINITY)
  const sources: Source[] = []
  const blocks = scout.uint()
  for (let i = 0; i < blocks; i++) {
    const reader = new StructReader(bytes, Number.POSITIVE_INFINITY)
    reader.pos = scout.pos
    const structs = scout.block()
    for (let j = 0; j < structs; j++) scout.next()
    const { client } = scout
    const held = structure.structs.get(client)!
    sources.push(new Source(reader, held, structure.deletes.get(client) ?? [], partBytesMax))
  }
  return sources
}

/** Restores the heap (least fraction first, then highest client) after its first source has moved on. */
function sinkFirst(heap: Source[]): void {
  const moved = heap[0]!
  let hole = 0
  for (;;) {
    let child = 2 * hole + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
    if (!before(heap[child]!, moved)) break
    heap[hole] = heap[child]!
    hole = child
  }
  heap[hole] = moved
}

function removeFirst(heap: Source[]): void {
  const last = heap.pop()!
  if (heap.length === 0) return
  heap[0] = last
  sinkFirst(heap)
}

function before(a: Source, b: Source): boolean {
  return a.fraction < b.fraction || (a.fraction === b.fraction && a.reader.client > b.reader.client)
}

/** Deletes whose structs are not in the update, as updates without structs. */
function splitDeletes(deletes: ClientRanges, pieceBytesMax: number): Uint8Array[] {
  const pieces: Uint8Array[] = []
  let piece: ClientRanges = new Map()
  let bytesMax = 2 * countBytesMax
  for (const [client, ranges] of deletes) {
    const head = uintBytes(client) + countBytesMax
    for (let i = 0; i < ranges.length; i += 2) {
      const range = uintBytes(ranges[i]!) + uintBytes(ranges[i + 1]! - ranges[i]!)
      let ofClient = piece.get(client)
      if (piece.size > 0 && bytesMax + range + (ofClient === undefined ? head : 0) > pieceBytesMax) {
        pieces.push(writeUpdate([], piece))
        piece = new Map()
        bytesMax = 2 * countBytesMax
        ofClient = undefined
      }
      if (ofClient === undefined) {
        ofClient = []
        piece.set(client, ofClient)
        bytesMax += head
      }
      ofClient.push(ranges[i]!, ranges[i + 1]!)
      bytesMax += range
    }
  }
  if (piece.size > 0) pieces.push(writeUpdate([], piece))
  return pieces
}

/** How many bytes a number takes in lib0's variable-length form. */
function uintBytes(value: number): number {
  let bytes = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++
  return bytes
}
