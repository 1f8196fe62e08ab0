/**
 * The test of `fault/hocuspocus-kill.test.ts` can fail: a server that tells Hocuspocus providers too early is caught by it.
 */
import { expect, test } from 'vitest'
import { Random, testSeed } from '../support/counts.ts'
import { assertPlanted, plant } from '../support/plant.ts'
import { killWhenSaved } from '../support/saved-kill.ts'

const seed = testSeed()

test(`a server that acknowledges before the flush is caught by kills at unsyncedChanges 0 (seed ${seed})`, async () => {
  const report = await killWhenSaved({
    random: new Random(seed),
    kills: 3,
    imports: [plant('acknowledge-before-flush')],
    onServer: server => assertPlanted(server, 'acknowledge-before-flush', 'server/src/room/committer.ts'),
  })
  expect(report.losses.length).toBeGreaterThan(0)
})
