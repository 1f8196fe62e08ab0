/** What `unsyncedChanges` of a Hocuspocus provider means with this server: at 0 everything is on disk, whatever happens then. */
import { expect, test } from 'vitest'
import { count, Random, testSeed } from '../support/counts.ts'
import { killWhenSaved } from '../support/saved-kill.ts'

const kills = count('HOCUSPOCUS_KILLS', 10)
const seed = testSeed()

test(`[LOG-1] [LOG-4] [SYNC-3] killed in the moment in which unsyncedChanges reaches 0, a server has it all: ${kills} times (seed ${seed})`, async () => {
  const report = await killWhenSaved({ random: new Random(seed), kills })
  console.log(
    `${kills} kills at unsyncedChanges 0, ${report.edits} edits told saved, ${report.losses.length} losses`,
  )
  expect(report.losses).toEqual([])
  expect([...report.kills.values()].reduce((sum, one) => sum + one, 0)).toBe(kills)
  expect(report.edits).toBeGreaterThan(kills)
})
