/**
 * Cuts updates: what a room lacks out of what a client sends, and updates that consist of deletes alone.
 *
 * Everything here trusts its bytes: they passed the walk. Nothing is decoded, so nothing can be changed by decoding:
 * what is kept whole is kept byte for byte.
 */
import { openContent } from './content-cursor.ts'
import type { ClientRanges, Ranges } from './ranges.ts'
import { firstEndingAtOrAfter } from './ranges.ts'
import { StructReader, structKind } from './struct-reader.ts'
import { BlockWriter, writeUpdate } from './update-writer.ts'

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
 * Structs are sliced to exactly what is wanted of them. Keeping them whole would be simpler, since Yjs skips what it
 * has; but where its own copy of the part that it has became a GC struct, it throws. (Only whoever uses the same
 * clocks twice, for different things, brings it so far: see `mutations.test.ts`.)
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
    if (wanted[at]! <= reader.clock && wanted[at + 1]! >= end) block.addWhole(reader)
    else addWantedSlices(reader, wanted, at, block)
  }
}

function addWantedSlices(reader: StructReader, wanted: Ranges, first: number, block: BlockWriter): void {
  const content = openContent(reader)
  const end = reader.clock + reader.length
  for (let at = first; at < wanted.length && wanted[at]! < end; at += 2) {
    const from = Math.max(wanted[at]! - reader.clock, 0)
    const to = Math.min(wanted[at + 1]! - reader.clock, reader.length)
    block.addSlice(reader, content.slice(from, to))
  }
}
