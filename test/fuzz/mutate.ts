/**
 * Damages updates, as bad memory, bad code and bad will do: bytes changed, lost or added, and fields of what the bytes
 * mean replaced by others that are likely to be found somewhere. Every choice comes from one seeded source.
 */
import * as encoding from 'lib0/encoding'
import { type Id, readModel, type StructModel, type UpdateModel, writeModel } from './update-model.ts'

/** Random numbers that a seed repeats (mulberry32). */
export class Dice {
  #state: number
  constructor(seed: number) {
    this.#state = seed >>> 0
  }
  /** A whole number from 0 up to, not including, `sides`. */
  roll(sides: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * sides)
  }
  pick<Value>(values: readonly Value[]): Value {
    return values[this.roll(values.length)]!
  }
}

/** A damaged copy of `update`, with material from `others`, which are updates of the same document. */
export function mutate(update: Uint8Array, others: readonly Uint8Array[], dice: Dice): Uint8Array {
  if (dice.roll(3) === 0) return mutateBytes(update, dice)
  const model = readModel(update)
  const pool = readModel(dice.pick(others))
  const changes = 1 + (dice.roll(4) === 0 ? dice.roll(3) : 0)
  for (let i = 0; i < changes; i++) dice.pick(modelMutations)(model, pool, dice)
  const bytes = writeModel(model)
  return dice.roll(8) === 0 ? mutateBytes(bytes, dice) : bytes
}

/** A copy of `update` in which one field of what it means is another one, and whose form is that of an update. */
export function mutateField(update: Uint8Array, others: readonly Uint8Array[], dice: Dice): Uint8Array {
  const model = readModel(update)
  dice.pick(modelMutations)(model, readModel(dice.pick(others)), dice)
  return writeModel(model)
}

function mutateBytes(update: Uint8Array, dice: Dice): Uint8Array {
  const bytes = [...update]
  const changes = 1 + dice.roll(3)
  for (let i = 0; i < changes; i++) {
    const at = dice.roll(bytes.length)
    const kind = dice.roll(6)
    if (kind === 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << dice.roll(8))
    else if (kind === 1) bytes[at] = dice.roll(256)
    else if (kind === 2) bytes.splice(at, 1 + dice.roll(3))
    else if (kind === 3)
      bytes.splice(at, 0, ...Array.from({ length: 1 + dice.roll(3) }, () => dice.roll(256)))
    else if (kind === 4) bytes[at] = ((bytes[at] ?? 0) + (dice.roll(2) === 0 ? 1 : 255)) & 255
    else bytes.splice(at, 1, ...uint(dice.pick([0, 1, 2, 127, 128, 2 ** 20, 2 ** 31, 2 ** 53 - 1])))
  }
  return Uint8Array.from(bytes)
}

type ModelMutation = (model: UpdateModel, pool: UpdateModel, dice: Dice) => void

const modelMutations: readonly ModelMutation[] = [
  (model, pool, dice) =>
    onStruct(model, dice, struct => {
      struct.origin = someId(model, pool, dice)
    }),
  (model, pool, dice) =>
    onStruct(model, dice, struct => {
      struct.rightOrigin = someId(model, pool, dice)
    }),
  (model, _pool, dice) =>
    onStruct(model, dice, struct => {
      if (struct.origin) struct.origin = near(struct.origin, dice)
    }),
  (model, _pool, dice) =>
    onStruct(model, dice, struct => {
      if (struct.rightOrigin) struct.rightOrigin = near(struct.rightOrigin, dice)
    }),
  (model, pool, dice) =>
    onStruct(model, dice, struct => {
      struct.origin = undefined
      struct.rightOrigin = undefined
      struct.parent = dice.roll(2) === 0 ? { id: someId(model, pool, dice) } : { root: dice.pick(roots) }
      struct.parentKey = dice.roll(2) === 0 ? dice.pick(keys) : undefined
    }),
  (model, _pool, dice) =>
    onStruct(model, dice, struct => {
      struct.origin = undefined
    }),
  (model, _pool, dice) =>
    onStruct(model, dice, struct => {
      struct.rightOrigin = undefined
    }),
  (model, pool, dice) =>
    onStruct(model, dice, struct => {
      if (struct.parent !== undefined && 'id' in struct.parent)
        struct.parent.id = dice.roll(2) === 0 ? near(struct.parent.id, dice) : someId(model, pool, dice)
      else if (struct.parent !== undefined) struct.parent = { root: dice.pick(roots) }
    }),
  (model, _pool, dice) =>
    onStruct(model, dice, struct => {
      struct.parentKey = dice.roll(2) === 0 ? undefined : dice.pick(keys)
    }),
  (model, pool, dice) =>
    onStruct(model, dice, struct => {
      const other = someStruct(pool, dice)
      if (other === undefined) return
      struct.kind = other.kind
      struct.content = other.content
    }),
  (model, _pool, dice) =>
    onStruct(model, dice, struct => {
      struct.kind = dice.pick([0, 1, 10])
      struct.content = Uint8Array.from(uint(dice.pick([1, 2, 3, 10, 1_000, 20_000_000])))
    }),
  (model, _pool, dice) =>
    onStruct(model, dice, struct => {
      struct.kind = dice.roll(12)
    }),
  (model, _pool, dice) =>
    onStruct(model, dice, struct => {
      struct.kind = 7
      struct.content = Uint8Array.of(dice.pick([0, 1, 2, 4, 6]))
    }),
  (model, _pool, dice) =>
    onStruct(model, dice, struct => {
      struct.kind = 6
      struct.content = Uint8Array.from([
        1,
        0x61,
        ...dice.pick([
          [1, 0x31],
          [4, 0x6e, 0x75, 0x6c, 0x6c],
          [2, 0x7b, 0x7d],
          [2, 0x5b, 0x5d],
        ]),
      ])
    }),
  (model, _pool, dice) =>
    onBlock(model, dice, block => {
      block.clock = Math.max(0, block.clock + dice.pick([-3, -2, -1, 1, 2, 3, 100]))
    }),
  (model, pool, dice) =>
    onBlock(model, dice, block => {
      block.client = someId(model, pool, dice).client
    }),
  (model, _pool, dice) =>
    onBlock(model, dice, block => {
      block.client += dice.pick([-1, 1, 1_000])
    }),
  (model, pool, dice) =>
    onBlock(model, dice, block => {
      const other = someStruct(pool, dice)
      if (other !== undefined)
        block.structs.splice(dice.roll(block.structs.length + 1), 0, structuredClone(other))
    }),
  (model, _pool, dice) =>
    onBlock(model, dice, block => {
      block.structs.splice(dice.roll(block.structs.length), 1)
    }),
  (model, _pool, dice) =>
    onBlock(model, dice, block => {
      block.structs.reverse()
    }),
  (model, pool) => {
    model.blocks = [...model.blocks, ...structuredClone(pool.blocks)].sort((a, b) => b.client - a.client)
  },
  (model, pool, dice) =>
    onDelete(model, dice, range => {
      range.clock = someId(model, pool, dice).clock
    }),
  (model, _pool, dice) =>
    onDelete(model, dice, range => {
      range.length = dice.pick([0, 1, 2, 5, 100, 2 ** 31, 2 ** 53 - 1])
    }),
  (model, pool, dice) => {
    const { client, clock } = someId(model, pool, dice)
    model.deletes.push({ client, ranges: [{ clock, length: 1 + dice.roll(4) }] })
  },
]

const roots = ['text', 'map', 'array', 'xml', 'nobody']
const keys = ['key 0', 'key 1', 'level 0', 'other', '']

function onStruct(model: UpdateModel, dice: Dice, change: (struct: StructModel) => void): void {
  const struct = someStruct(model, dice)
  if (struct !== undefined) change(struct)
}

function onBlock(
  model: UpdateModel,
  dice: Dice,
  change: (block: UpdateModel['blocks'][number]) => void,
): void {
  if (model.blocks.length > 0) change(dice.pick(model.blocks))
}

function onDelete(
  model: UpdateModel,
  dice: Dice,
  change: (range: { clock: number; length: number }) => void,
): void {
  const ranges = model.deletes.flatMap(({ ranges }) => ranges)
  if (ranges.length > 0) change(dice.pick(ranges))
}

function someStruct(model: UpdateModel, dice: Dice): StructModel | undefined {
  const structs = model.blocks.flatMap(({ structs }) => structs)
  return structs.length > 0 ? dice.pick(structs) : undefined
}

/** An id that is likely to exist, in one of the two updates or near it. */
function someId(model: UpdateModel, pool: UpdateModel, dice: Dice): Id {
  const blocks = [...model.blocks, ...pool.blocks]
  if (blocks.length === 0) return { client: dice.roll(5), clock: dice.roll(5) }
  const block = dice.pick(blocks)
  return {
    client: block.client,
    clock: dice.pick([
      block.clock,
      Math.max(0, block.clock - 1),
      dice.roll(block.clock + 1),
      block.clock + dice.roll(3),
    ]),
  }
}

function near(id: Id, dice: Dice): Id {
  return { client: id.client, clock: Math.max(0, id.clock + dice.pick([-5, -2, -1, 1, 2, 5])) }
}

function uint(value: number): number[] {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, value)
  return [...encoding.toUint8Array(encoder)]
}
