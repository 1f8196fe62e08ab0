/**
 * The client ids that an update names, and the same update under other ids.
 *
 * An id is named in five places: as the author of a block, as origin, right origin or parent of a struct, and in the
 * delete set. Content never holds one that Yjs would look at. Everything here trusts its bytes: they passed the walk.
 */
import { createEncoder, type Encoder, toUint8Array, writeUint8Array, writeVarUint } from 'lib0/encoding'
import { ByteReader } from './byte-reader.ts'
import { hasOrigin, hasRightOrigin, StructReader, structKind } from './struct-reader.ts'

/** Every client id that is named anywhere in an update, also as something that is only leant on or deleted. */
export function namedClients(update: Uint8Array): Set<number> {
  const clients = new Set<number>()
  const reader = new StructReader(update, Number.POSITIVE_INFINITY)
  const links = new ByteReader(update)
  for (let blocks = reader.uint(); blocks > 0; blocks--) {
    let structs = reader.block()
    clients.add(reader.client)
    for (; structs > 0; structs--) {
      reader.next()
      for (const at of linkedIds(reader, links)) {
        links.pos = at
        clients.add(links.uint())
      }
    }
  }
  for (let deleted = reader.uint(); deleted > 0; deleted--) {
    clients.add(reader.uint())
    skipRanges(reader)
  }
  return clients
}

/**
 * The same update under other client ids. `names` has a new id for each that the update names, in the same order:
 * among edits of the same place the ids decide what comes first, so another order would give another text.
 */
export function renameClients(update: Uint8Array, names: ReadonlyMap<number, number>): Uint8Array {
  assertSameOrder(names)
  const reader = new StructReader(update, Number.POSITIVE_INFINITY)
  const links = new ByteReader(update)
  const written = createEncoder()
  const blocks = reader.uint()
  writeVarUint(written, blocks)
  for (let block = 0; block < blocks; block++) {
    const structs = reader.block()
    const structsAt = reader.pos
    reader.next()
    writeVarUint(written, structs)
    writeVarUint(written, newName(names, reader.client))
    writeVarUint(written, reader.clock)
    let copied = structsAt
    for (let struct = 0; struct < structs; struct++) {
      if (struct > 0) reader.next()
      for (const at of linkedIds(reader, links)) {
        writeUint8Array(written, update.subarray(copied, at))
        links.pos = at
        writeVarUint(written, newName(names, links.uint()))
        copied = links.pos
      }
    }
    writeUint8Array(written, update.subarray(copied, reader.pos))
  }
  renameDeletes(reader, names, written)
  return toUint8Array(written)
}

/** Where in the struct just read the ids stand that it leans on, in the order of the bytes. */
function linkedIds(reader: StructReader, links: ByteReader): number[] {
  if (reader.kind === structKind.gc || reader.kind === structKind.skip) return []
  const found: number[] = []
  if ((reader.info & hasOrigin) !== 0) found.push(reader.start + 1)
  if ((reader.info & hasRightOrigin) !== 0) found.push(reader.rightOriginAt)
  if (found.length > 0) return found
  links.pos = reader.parentAt
  // 1: the parent is a root type, named by text. 0: it is an item, named by its id.
  return links.uint() === 0 ? [links.pos] : []
}

function renameDeletes(reader: StructReader, names: ReadonlyMap<number, number>, written: Encoder): void {
  const clients = reader.uint()
  writeVarUint(written, clients)
  for (let i = 0; i < clients; i++) {
    writeVarUint(written, newName(names, reader.uint()))
    const rangesAt = reader.pos
    skipRanges(reader)
    writeUint8Array(written, reader.bytes.subarray(rangesAt, reader.pos))
  }
}

function skipRanges(reader: StructReader): void {
  for (let ranges = reader.uint(); ranges > 0; ranges--) {
    reader.uint()
    reader.uint()
  }
}

function newName(names: ReadonlyMap<number, number>, client: number): number {
  const name = names.get(client)
  if (name === undefined) throw new Error(`client ${client} has no new id`)
  return name
}

function assertSameOrder(names: ReadonlyMap<number, number>): void {
  let before = -1
  for (const [client, name] of [...names].sort((a, b) => a[0] - b[0])) {
    if (name <= before) throw new Error(`the new ids change their order at client ${client}`)
    before = name
  }
}
