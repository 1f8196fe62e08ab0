/**
 * An update as plain objects that a mutation can change, and back to bytes: a second, independent reading of the V1
 * layout. It trusts what it reads (updates that Yjs wrote) and writes whatever it is told, sensible or not.
 */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

export interface Id {
  client: number
  clock: number
}

export type Parent = { root: string } | { id: Id }

export interface StructModel {
  /** The low five bits: what kind of struct. */
  kind: number
  origin?: Id | undefined
  rightOrigin?: Id | undefined
  /** Written only where there is neither origin. */
  parent?: Parent | undefined
  parentKey?: string | undefined
  /** What follows the links, as bytes. */
  content: Uint8Array
}

export interface UpdateModel {
  blocks: Array<{ client: number; clock: number; structs: StructModel[] }>
  deletes: Array<{ client: number; ranges: Array<{ clock: number; length: number }> }>
}

export function readModel(bytes: Uint8Array): UpdateModel {
  const decoder = decoding.createDecoder(bytes)
  const blocks = times(decoding.readVarUint(decoder), () => {
    const count = decoding.readVarUint(decoder)
    const client = decoding.readVarUint(decoder)
    const clock = decoding.readVarUint(decoder)
    return { client, clock, structs: times(count, () => readStruct(decoder)) }
  })
  const deletes = times(decoding.readVarUint(decoder), () => {
    const client = decoding.readVarUint(decoder)
    const ranges = times(decoding.readVarUint(decoder), () => readId(decoder)).map(({ client, clock }) => ({
      clock: client,
      length: clock,
    }))
    return { client, ranges }
  })
  return { blocks, deletes }
}

export function writeModel(model: UpdateModel): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, model.blocks.length)
  for (const { client, clock, structs } of model.blocks) {
    encoding.writeVarUint(encoder, structs.length)
    writeId(encoder, { client, clock })
    for (const struct of structs) writeStruct(encoder, struct)
  }
  encoding.writeVarUint(encoder, model.deletes.length)
  for (const { client, ranges } of model.deletes) {
    encoding.writeVarUint(encoder, client)
    encoding.writeVarUint(encoder, ranges.length)
    for (const { clock, length } of ranges) writeId(encoder, { client: clock, clock: length })
  }
  return encoding.toUint8Array(encoder)
}

function readStruct(decoder: decoding.Decoder): StructModel {
  const info = decoding.readUint8(decoder)
  const struct: StructModel = { kind: info & 31, content: new Uint8Array(0) }
  if (struct.kind !== 0 && struct.kind !== 10) {
    if (info & 128) struct.origin = readId(decoder)
    if (info & 64) struct.rightOrigin = readId(decoder)
    if ((info & 192) === 0) {
      const named = decoding.readVarUint(decoder) === 1
      struct.parent = named ? { root: decoding.readVarString(decoder) } : { id: readId(decoder) }
      if (info & 32) struct.parentKey = decoding.readVarString(decoder)
    }
  }
  const from = decoder.pos
  readContent(decoder, struct.kind)
  struct.content = decoder.arr.slice(from, decoder.pos)
  return struct
}

function writeStruct(encoder: encoding.Encoder, struct: StructModel): void {
  const { kind, origin, rightOrigin, parent, parentKey, content } = struct
  const links =
    kind === 0 || kind === 10
      ? 0
      : (origin ? 128 : 0) | (rightOrigin ? 64 : 0) | (parentKey !== undefined ? 32 : 0)
  encoding.writeUint8(encoder, kind | links)
  if (kind !== 0 && kind !== 10) {
    if (origin) writeId(encoder, origin)
    if (rightOrigin) writeId(encoder, rightOrigin)
    if (!origin && !rightOrigin) {
      if (parent !== undefined && 'id' in parent) {
        encoding.writeVarUint(encoder, 0)
        writeId(encoder, parent.id)
      } else {
        encoding.writeVarUint(encoder, 1)
        encoding.writeVarString(encoder, parent?.root ?? 'text')
      }
      if (parentKey !== undefined) encoding.writeVarString(encoder, parentKey)
    }
  }
  encoding.writeUint8Array(encoder, content)
}

function readContent(decoder: decoding.Decoder, kind: number): void {
  switch (kind) {
    case 0:
    case 1:
    case 10:
      decoding.readVarUint(decoder)
      return
    case 2:
    case 8:
      times(decoding.readVarUint(decoder), () =>
        kind === 8 ? decoding.readAny(decoder) : decoding.readVarString(decoder),
      )
      return
    case 6:
      decoding.readVarString(decoder)
      decoding.readVarString(decoder)
      return
    case 7: {
      const type = decoding.readVarUint(decoder)
      if (type === 3 || type === 5) decoding.readVarString(decoder)
      return
    }
    case 9:
      decoding.readVarString(decoder)
      decoding.readAny(decoder)
      return
    default:
      decoding.readVarUint8Array(decoder)
  }
}

function readId(decoder: decoding.Decoder): Id {
  return { client: decoding.readVarUint(decoder), clock: decoding.readVarUint(decoder) }
}

function writeId(encoder: encoding.Encoder, { client, clock }: Id): void {
  encoding.writeVarUint(encoder, client)
  encoding.writeVarUint(encoder, clock)
}

function times<Value>(count: number, make: () => Value): Value[] {
  return Array.from({ length: count }, make)
}
