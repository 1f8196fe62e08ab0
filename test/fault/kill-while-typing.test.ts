/**
 * The promise that matters most, tried on a real server process: it is killed under people who type, and nothing that anybody was
 * shown or told is saved is missing afterwards. `planted/server-loses-edits.test.ts` shows that servers which break the
 * promise do not pass.
 */
import { expect, test } from 'vitest'
import { count, Random, testSeed } from '../support/counts.ts'
import { swapFailpoints } from '../support/failpoints.ts'
import { killWhileTyping } from '../support/kill-rounds.ts'
import { plant } from '../support/plant.ts'

const kills = count('KILLS', 5)
/** Every failpoint at least once, and always a quarter of all kills. */
const failpointKills = Math.max(swapFailpoints.length, Math.ceil(kills / 3))
const seed = testSeed()

test(`[LOG-4] [LOG-1] [LOG-2] ${kills} kills by a timer and ${failpointKills} inside the compaction swap lose nothing that was delivered or acknowledged (seed ${seed})`, async () => {
  const report = await killWhileTyping({
    random: new Random(seed),
    timedKills: kills,
    failpointKills,
    imports: [plant('eager-compaction')],
  })
  console.log(report.summary)
  expect(report.losses).toEqual([])
  expect(report.troubles).toEqual([])
  expect(report.converged).toBe(true)
  expect(report.timedKills).toBe(kills)
  expect([...report.failpointKills.keys()]).toEqual(swapFailpoints)
})

test(`[LOG-4] kills around the flush of an append lose nothing that was delivered or acknowledged (seed ${seed})`, async () => {
  const report = await killWhileTyping({
    random: new Random(seed),
    timedKills: 0,
    failpointKills: Math.max(2, Math.ceil(kills / 6)),
    failpoints: ['before-append-commit', 'append-committed'],
    passageMax: 200,
    documents: ['one'],
  })
  console.log(report.summary)
  expect(report.losses).toEqual([])
  expect(report.troubles).toEqual([])
  expect(report.converged).toBe(true)
})
