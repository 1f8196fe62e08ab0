/**
 * Random documents through the whole room: gate, windows, joins, compaction, restarts. What is checked on the way stands in
 * `room-world.ts`, and what at the end in `room-settled.ts`.
 */
import { expect, test } from 'vitest'
import { count, testSeed } from '../../support/counts.ts'
import { checkRoom, describe, liveThrough, newTally } from '../../support/room-property.ts'

const documents = count('DOCUMENTS', 200)
const seed = testSeed()
/** About 25 ms a document, and ten times that where everything else runs on the same two cores. */
const timeoutMs = Math.max(120_000, documents * 400)

test(`[SYNC-1] [SYNC-2] [LOG-1] [LOG-2] ${documents} random documents reach everybody as a reference has them, seed ${seed}`, {
  timeout: timeoutMs,
}, async () => {
  const tally = await checkRoom({ documents, seed, shrinks: true })
  console.log(`random documents, seed ${seed}: ${describe(tally)}`)
  expect(tally.failed).toEqual([])
  expect(tally.replaced).toBeGreaterThan(0)
})

// Documents that were once found, and what came of them.

test('a provider is not taken to count what it has said that it has (seed 20261121, document 233)', async () => {
  const step = { who: 3, place: 1, size: 1, text: 'a' }
  const steps = [
    { ...step, act: 'reload' as const },
    { ...step, act: 'courier' as const },
    { ...step, act: 'insert' as const, who: 0, place: 0 },
  ]
  await liveThrough({ clients: 2, hasBase: true, compactsFirst: false, steps }, newTally())
})
