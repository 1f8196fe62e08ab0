/**
 * A backup that is taken while people type, restored somewhere else after the server and its disk are gone.
 */
import path from 'node:path'
import { expect, test } from 'vitest'
import { Random, testSeed } from '../support/counts.ts'
import { add, Evidence } from '../support/evidence.ts'
import { joinFresh } from '../support/fresh-client.ts'
import { operatorOf } from '../support/operator.ts'
import { startServer } from '../support/server-process.ts'
import { TypingCrowd } from '../support/typing-crowd.ts'
import { waitUntil } from '../support/wait-until.ts'

const seed = testSeed()

/** What somebody was shown or told until now. */
function copyOf(evidence: Evidence): Evidence {
  const copy = new Evidence(evidence.document)
  for (const what of ['delivered', 'acknowledged'] as const) add(copy[what], evidence[what])
  return copy
}

test(`[OPS-1] a backup under load holds what was acknowledged before it began, and clients bring what is newer, seed ${seed}`, async () => {
  const lost = await startServer()
  const random = new Random(seed)
  using crowd = new TypingCrowd({
    wsUrl: lost.wsUrl,
    random,
    documents: ['one', 'two', 'three'],
    editsPerSecond: 60,
  })
  await using operator = await operatorOf(lost.dataFolder)
  await crowd.goOnline()
  crowd.startTyping()
  const acknowledged = () => crowd.evidence.reduce((sum, one) => sum + one.acknowledgements, 0)
  await waitUntil('some edits to be acknowledged', () => acknowledged() > 100)
  const before = crowd.evidence.map(copyOf)
  const backup = path.join(operator.folder, 'backup.sqlite')
  await operator.do('backup', backup)
  const during = acknowledged()
  await waitUntil('newer edits to be acknowledged', () => acknowledged() > during + 100)
  crowd.stopTyping()
  await crowd.goOffline()
  const { port } = lost
  await lost.kill()
  await lost[Symbol.asyncDispose]()

  const dataFolder = path.join(operator.folder, 'restored')
  await using restored = await operatorOf(dataFolder)
  await restored.do('restore', backup)
  expect(await restored.ask('verify')).toMatchObject({ documents: 3, findings: [] })
  await using server = await startServer({ dataFolder, port })
  const newer: unknown[] = []
  for (const [i, evidence] of crowd.evidence.entries()) {
    const { state } = await joinFresh(server.wsUrl, evidence.document)
    expect(before[i]!.lostFrom(state)).toEqual([])
    newer.push(...evidence.lostFrom(state))
  }
  expect(newer).not.toEqual([])
  await crowd.goOnline()
  await crowd.whenConverged()
  for (const evidence of crowd.evidence) {
    const { state } = await joinFresh(server.wsUrl, evidence.document)
    expect(evidence.lostFrom(state)).toEqual([])
  }
})
