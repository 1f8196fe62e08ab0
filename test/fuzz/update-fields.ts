/**
 * The fields of an update in Yjs' first encoding, of a state vector, and of an awareness update.
 */
import * as decoding from 'lib0/decoding'
import type { AwarenessEntry } from '../support/raw-client.ts'
import { bytes, type Field, sized, text, uint } from './fields.ts'
import { type Id, readModel, type StructModel } from './update-model.ts'

const kind = {
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
}
const hasOrigin = 128
const hasRightOrigin = 64
const hasParentKey = 32

/** Of bytes that Yjs wrote. */
export function updateFields(update: Uint8Array): Field[] {
  const { blocks, deletes } = readModel(update)
  return [
    uint(blocks.length),
    ...blocks.flatMap(({ client, clock, structs }) => [
      uint(structs.length),
      uint(client),
      uint(clock),
      ...structs.flatMap(structFields),
    ]),
    uint(deletes.length),
    ...deletes.flatMap(({ client, ranges }) => [
      uint(client),
      uint(ranges.length),
      ...ranges.flatMap(({ clock, length }) => [uint(clock), uint(length)]),
    ]),
  ]
}

/** `vector` in Yjs' bytes: how many, and a client and a clock of each. */
export function vectorFields(vector: Uint8Array): Field[] {
  const decoder = decoding.createDecoder(vector)
  const fields: Field[] = []
  while (decoding.hasContent(decoder)) fields.push(uint(decoding.readVarUint(decoder)))
  return fields
}

export function awarenessFields(entries: readonly AwarenessEntry[]): Field[] {
  return [
    uint(entries.length),
    ...entries.flatMap(({ client, clock, json }) => [uint(client), uint(clock), text(json)]),
  ]
}

function structFields(struct: StructModel): Field[] {
  const { origin, rightOrigin, parent, parentKey } = struct
  if (struct.kind === kind.gc || struct.kind === kind.skip)
    return [byte(struct.kind), ...contentFields(struct)]
  const links =
    (origin ? hasOrigin : 0) |
    (rightOrigin ? hasRightOrigin : 0) |
    (parentKey === undefined ? 0 : hasParentKey)
  return [
    byte(struct.kind | links),
    ...idFields(origin),
    ...idFields(rightOrigin),
    ...(origin || rightOrigin ? [] : parentFields(parent, parentKey)),
    ...contentFields(struct),
  ]
}

function parentFields(parent: StructModel['parent'], key: string | undefined): Field[] {
  const named =
    parent === undefined
      ? []
      : 'root' in parent
        ? [uint(1), text(parent.root)]
        : [uint(0), ...idFields(parent.id)]
  return key === undefined ? named : [...named, text(key)]
}

function contentFields({ kind: of, content }: StructModel): Field[] {
  const decoder = decoding.createDecoder(content)
  const number = () => uint(decoding.readVarUint(decoder))
  const counted = () => sized(bytes(decoding.readVarUint8Array(decoder)))
  const rest = () => bytes(decoding.readTailAsUint8Array(decoder))
  switch (of) {
    case kind.gc:
    case kind.deleted:
    case kind.skip:
      return [number()]
    case kind.binary:
    case kind.string:
    case kind.embed:
      return [counted()]
    case kind.format:
      return [counted(), counted()]
    case kind.doc:
      return [counted(), rest()]
    case kind.type:
    case kind.any:
    case kind.json:
      return [number(), rest()]
    default:
      return [rest()]
  }
}

const byte = (value: number): Field => bytes(Uint8Array.of(value))
const idFields = (id: Id | undefined): Field[] => (id === undefined ? [] : [uint(id.client), uint(id.clock)])
