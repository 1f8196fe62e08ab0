/**
 * Bytes as the list of fields that they are made of, so that one of them can be changed and everything else stays as an honest client
 * wrote it: a length without what it counts, a clock, a client id, a kind, a text.
 */
import * as encoding from 'lib0/encoding'
import type { Dice } from './mutate.ts'

export type Field =
  /** A number of variable length. */
  | { readonly uint: number }
  /** Bytes as they are. */
  | { readonly bytes: Uint8Array }
  /** Fields behind their length in bytes. */
  | { readonly sized: readonly Field[] }

export const uint = (value: number): Field => ({ uint: value })
export const bytes = (value: Uint8Array): Field => ({ bytes: value })
export const sized = (...fields: readonly Field[]): Field => ({ sized: fields })
export const text = (value: string): Field => sized(bytes(utf8.encode(value)))

const utf8 = new TextEncoder()

export function writeFields(fields: readonly Field[]): Uint8Array {
  const encoder = encoding.createEncoder()
  for (const field of fields) {
    if ('uint' in field) encoding.writeVarUint(encoder, field.uint)
    else if ('bytes' in field) encoding.writeUint8Array(encoder, field.bytes)
    else encoding.writeVarUint8Array(encoder, writeFields(field.sized))
  }
  return encoding.toUint8Array(encoder)
}

/** The fields with one of them changed. The lengths around it are right again, unless it is a length that was changed. */
export function changeOne(fields: readonly Field[], dice: Dice): Field[] {
  return changeAt(fields, dice.roll(countFields(fields)), dice)
}

function countFields(fields: readonly Field[]): number {
  let count = 0
  for (const field of fields) count += 1 + ('sized' in field ? countFields(field.sized) : 0)
  return count
}

/** `at` counts a field before those that it holds. */
function changeAt(fields: readonly Field[], at: number, dice: Dice): Field[] {
  let left = at
  return fields.flatMap(field => {
    const mine = left
    left -= countFields([field])
    if (mine < 0 || left >= 0) return [field]
    if (mine === 0) return changed(field, dice)
    return 'sized' in field ? [sized(...changeAt(field.sized, mine - 1, dice))] : [field]
  })
}

function changed(field: Field, dice: Dice): Field[] {
  switch (dice.roll(12)) {
    case 0:
      return []
    case 1:
      return [field, field]
    default:
      if ('uint' in field) return [otherNumber(field.uint, dice)]
      return 'bytes' in field ? [bytes(otherBytes(field.bytes, dice))] : otherLength(field.sized, dice)
  }
}

/** At the ends of one byte, of 32 bits, of what a double holds, and beyond. */
const oddNumbers = [0, 1, 2, 3, 5, 8, 10, 100, 127, 128, 2 ** 20, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1]

function otherNumber(value: number, dice: Dice): Field {
  switch (dice.roll(4)) {
    case 0:
      return uint(Math.min(value + 1, Number.MAX_SAFE_INTEGER))
    case 1:
      return uint(Math.max(0, value - 1))
    case 2:
      return dice.roll(6) === 0 ? bytes(endlessNumber(dice)) : uint(dice.roll(256))
    default:
      return uint(dice.pick(oddNumbers))
  }
}

/** Every byte says that another one follows; the last one may not. */
export function endlessNumber(dice: Dice): Uint8Array {
  const number = new Uint8Array(1 + dice.roll(12)).fill(0xff)
  if (dice.roll(2) === 0) number[number.length - 1] = dice.roll(128)
  return number
}

/** What stands where JSON, a name or a value stood. */
const oddTexts = [
  '',
  'null',
  '1e400',
  '"a"',
  '[]',
  '{}',
  '{"user":null}',
  '{"user":{"id":"root","name":"\u0000","color":"red;background:url(x)"}}',
  '{"__proto__":{"user":{"name":"another"}}}',
  '{',
  '\ud800'.concat('{}'),
  `${'['.repeat(101)}${']'.repeat(101)}`,
  '['.repeat(5_000),
  '__proto__',
  'constructor',
  '../../etc/passwd',
  `a\u0000b`,
  '%00%2e',
  '👩‍🚀',
]

function otherBytes(value: Uint8Array, dice: Dice): Uint8Array {
  const copy = value.slice()
  const at = dice.roll(Math.max(1, copy.length))
  switch (dice.roll(6)) {
    case 0:
      return copy.subarray(0, at)
    case 1:
      return utf8.encode(dice.pick(oddTexts))
    case 2:
      return Buffer.concat([copy.subarray(0, at), Uint8Array.of(dice.roll(256)), copy.subarray(at)])
    case 3:
      if (copy.length > 0) copy[at] = dice.roll(256)
      return copy
    default:
      if (copy.length > 0) copy[at] = copy[at]! ^ (1 << dice.roll(8))
      return copy
  }
}

function otherLength(fields: readonly Field[], dice: Dice): Field[] {
  const content = writeFields(fields)
  return [otherNumber(content.length, dice), bytes(content)]
}
