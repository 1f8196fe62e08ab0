/**
 * Hostile updates that pass inspection, in the places behind the gate that trust it.
 *
 * `SYNCLINE_TEST_FUZZ_REWRITINGS` is how many are made, `SYNCLINE_TEST_SEED` from which seed.
 */
import { expect, test } from 'vitest'
import { count, testSeed } from '../support/counts.ts'
import { Dice } from './mutate.ts'
import { passedUpdates, wrongNames, wrongPieces } from './rewriting.ts'

const cases = count('FUZZ_REWRITINGS', 1_000)
const seed = testSeed()
const pieceBytesMost = 700

test(`[ROOM-3] of ${cases} hostile updates those that pass are the same in pieces and under other ids, seed ${seed}`, {
  timeout: 60_000 + cases * 20,
}, () => {
  const dice = new Dice(seed)
  const wrongs: string[] = []
  let passed = 0
  for (const one of passedUpdates(seed, cases, dice)) {
    passed++
    // The pieces of a large one are many: they get a size that fits it.
    const pieceBytesMax = 20 + dice.roll(pieceBytesMost) + Math.floor(one.update.length / 100)
    const wrong = wrongPieces(one, pieceBytesMax) ?? wrongNames(one)
    if (wrong !== null)
      wrongs.push(
        `case ${one.number}: ${wrong}: ${Buffer.from(one.update).toString('base64').slice(0, 2_000)}`,
      )
  }
  expect(wrongs).toEqual([])
  // Otherwise they are too coarse, and all end there.
  expect(passed).toBeGreaterThan(cases / 3)
})
