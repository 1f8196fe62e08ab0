/**
 * Cuts updates: what a room lacks out of what a client sends, and updates that consist of deletes alone.
 *
 * Everything here trusts its bytes: they passed the walk. Nothing is decoded, so nothing can be changed by decoding:
 * what is kept whole is kept byte for byte.
 */
import type { ClientRanges, Ranges } from './ranges.ts'
import { firstEndingAtOrAfter } from './ranges.ts'
import { StructReader, structKind } from './struct-reader.ts'
import { BlockWriter, type Slice, sliceable, TextCursor, writeUpdate } from './update-writer.ts'

/** The update in which nothing is. */
export const emptyUpdate: Uint8Array = Uint8Array.of(0, 0)

/** Whether an update is `emptyUpdate`. */
export function isEmptyUpdate(bytes: Uint8Array): boolean {
  return bytes.length === 2 && bytes[0] === 0 && bytes[1] === 0
}

/** An update that deletes and brings nothing. */
export function deleteSetUpdate(deletes: ClientRanges): Uint8Array {
  return writeUpdate([], deletes)
}

/**
 * The structs of `bytes` that hold any clock in `wanted`, and `deletes` instead of the deletes of `bytes`.
 *
 * Strings, deleted content and GC structs are sliced to what is wanted, though never inside a surrogate pair; other
 * structs are kept whole when any of their clocks is wanted, since Yjs skips the part that it has.
 */
export function cutUpdate(bytes: Uint8Array, wanted: ClientRanges, deletes: ClientRanges): Uint8Array {
  const reader = new StructReader(bytes, Number.POSITIVE_INFINITY)
  const kept: BlockWriter[] = []
  const blocks = reader.uint()
  for (let i = 0; i < blocks; i++) {
    const count = reader.block()
    const block = new BlockWriter(reader.client)
    cutBlock(reader, count, wanted.get(reader.client) ?? [], block)
    if (!block.empty) kept.push(block)
  }
  return writeUpdate(kept, deletes)
}

function cutBlock(reader: StructReader, count: number, wanted: Ranges, block: BlockWriter): void {
  // `at` is the first wanted range that a struct from here on can meet.
  let at = -1
  for (let i = 0; i < count; i++) {
    reader.next()
    if (at < 0) at = firstEndingAtOrAfter(wanted, reader.clock + 1)
    while (at < wanted.length && wanted[at + 1]! <= reader.clock) at += 2
    const end = reader.clock + reader.length
    if (reader.kind === structKind.skip || at >= wanted.length || wanted[at]! >= end) continue
    const whole = wanted[at]! <= reader.clock && wanted[at + 1]! >= end
    if (whole || !sliceable(reader)) block.addWhole(reader)
    else addWantedSlices(reader, wanted, at, block)
  }
}

function addWantedSlices(reader: StructReader, wanted: Ranges, first: number, block: BlockWriter): void {
  const text = reader.kind === structKind.string ? new TextCursor(reader) : undefined
  const end = reader.clock + reader.length
  for (let at = first; at < wanted.length && wanted[at]! < end; at += 2) {
    const from = Math.max(wanted[at]! - reader.clock, 0)
    const to = Math.min(wanted[at + 1]! - reader.clock, reader.length)
    const slice = text === undefined ? { from, to, textFrom: 0, textTo: 0 } : sliceText(text, from, to)
    // Widened to whole characters, a slice may reach over all of the next one.
    if (slice.from < slice.to) block.addSlice(reader, slice)
  }
}

/** The whole characters that hold the units from `from` to `to`, less what an earlier slice has taken. */
function sliceText(text: TextCursor, from: number, to: number): Slice {
  text.seekBefore(from)
  const start = { from: text.units, textFrom: text.at }
  text.seekAfter(to)
  return { ...start, to: text.units, textTo: text.at }
}
