import { draw8Bytes } from './random-bytes.ts'
import { seal } from './redis-checksum.ts'
import type { RedisCommands, RedisValue } from './redis-commands.ts'
import { RedisTrouble } from './redis-commands.ts'
import { baseKey, type DocumentKeys } from './redis-keys.ts'
import type { NewBase } from './update-log.ts'

/**
 * Writes a base into Redis beforehand, under a generation of its own, where nobody looks for it until a script puts it in place.
 *
 * In small steps, because Redis does one thing at a time and those who type wait for each. What is never put in place
 * goes by itself.
 */
export interface WrittenBase {
  readonly generation: number
  readonly key: string
  readonly pieces: number
  readonly bytes: number
}

/** What is written at once; others take their turn in between. */
const stepBytesMax = 1024 * 1024
/** Longer than anybody needs to write a base, and to go on reading one that was replaced. */
export const looseBaseMs = 60 * 60 * 1000

/** Rejects with a `RedisTrouble` where it cannot be written now: nothing of it stays. */
export async function writeBase(
  commands: RedisCommands,
  keys: DocumentKeys,
  base: Omit<NewBase, 'through' | 'link'>,
): Promise<WrittenBase> {
  const generation = drawGeneration()
  const key = baseKey(keys, generation)
  const fields: [string, Uint8Array][] = [
    ['byteVector', base.byteVector],
    ['documentVector', base.documentVector],
    ['catchUp', base.catchUp],
    ...base.pieces.map((piece, i): [string, Uint8Array] => [String(i), piece]),
  ]
  try {
    for (const step of inSteps(key, fields)) {
      await commands.trySend('hset', key, ...step)
      await commands.trySend('pexpire', key, looseBaseMs)
    }
  } catch (error) {
    discardBase(commands, key)
    throw error
  }
  const bytes = base.pieces.reduce((sum, piece) => sum + piece.length, 0)
  return { generation, key, pieces: base.pieces.length, bytes }
}

/** A base that is not put in place. Where Redis cannot be reached it goes by itself. */
export function discardBase(commands: RedisCommands, key: string): void {
  commands.trySend('unlink', key).catch((error: unknown) => {
    if (!(error instanceof RedisTrouble)) throw error
  })
}

/** The place of a field of a base, for its checksum. */
export function sealedAt(key: string, field: string): string {
  return `${key} ${field}`
}

/** Fields and values in turn, in parts that are about as large as a step may be. */
function* inSteps(key: string, fields: readonly [string, Uint8Array][]): Generator<RedisValue[]> {
  let step: RedisValue[] = []
  let bytes = 0
  for (const [field, value] of fields) {
    step.push(field, seal(sealedAt(key, field), value))
    bytes += value.length
    if (bytes < stepBytesMax) continue
    yield step
    step = []
    bytes = 0
  }
  if (step.length > 0) yield step
}

/** Random, so that no counter can go backwards with a store that lost its end; below 2^53, and never 0. */
function drawGeneration(): number {
  return Number(draw8Bytes().readBigUInt64BE() >> 11n) || 1
}
