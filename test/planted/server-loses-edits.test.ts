/**
 * The kill test can fail: servers that break the order of commit, acknowledgement and broadcast, or of swap and trimming, lose
 * edits under it within a few kills.
 */
import { expect, test } from 'vitest'
import { Random, testSeed } from '../support/counts.ts'
import type { Loss } from '../support/evidence.ts'
import type { Failpoint } from '../support/failpoints.ts'
import { type KillReport, killWhileTyping } from '../support/kill-rounds.ts'
import { assertPlanted, plant } from '../support/plant.ts'

const killsMax = 10
const committer = 'server/src/room/committer.ts'

test(`a server that acknowledges before the flush loses acknowledged edits within ${killsMax} kills`, async () => {
  const report = await killPlanted('acknowledge-before-flush', committer, { timedKills: killsMax })
  expect(lostWhat(report.losses)).toEqual(['acknowledged'])
})

test(`a server that broadcasts before the commit loses delivered edits within ${killsMax} kills`, async () => {
  const report = await killPlanted('broadcast-before-commit', committer, { timedKills: killsMax })
  expect(lostWhat(report.losses)).toEqual(['delivered'])
})

test(`a server that trims before the swap loses edits, or its document, within ${killsMax} kills`, async () => {
  const report = await killPlanted('trim-before-swap', 'server/src/store/disk-base.ts', {
    timedKills: killsMax / 2,
    failpointKills: killsMax / 2,
    failpoints: ['base-pieces-written', 'before-base-swap-commit'],
  })
  // A store that finds a hole in its log refuses to serve the document, rather than to serve it without.
  const found = report.losses.length > 0 ? 'edits' : report.troubles[0]
  expect(found).toMatch(/^edits$|^one is not served/)
})

interface PlantedKills {
  readonly timedKills: number
  readonly failpointKills?: number
  readonly failpoints?: readonly Failpoint[]
}

async function killPlanted(name: string, file: string, kills: PlantedKills): Promise<KillReport> {
  const report = await killWhileTyping({
    random: new Random(testSeed()),
    failpointKills: 0,
    ...kills,
    imports: [plant('eager-compaction'), plant(name)],
    documents: ['one'],
    killAfterMs: [300, 1_000],
    stopAtLoss: true,
    onServer: server => assertPlanted(server, name, file),
  })
  console.log(`${name}: ${report.summary}${report.troubles.map(trouble => `; ${trouble}`).join('')}`)
  return report
}

const lostWhat = (losses: readonly Loss[]) => [...new Set(losses.map(({ what }) => what))]
