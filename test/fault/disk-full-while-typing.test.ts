/**
 * The disk fills up under people who type, and gets room again: they are sent away meanwhile, the server says so, and nothing
 * is lost.
 */
import path from 'node:path'
import { expect, test } from 'vitest'
import { Random, testSeed } from '../support/counts.ts'
import { joinFresh } from '../support/fresh-client.ts'
import { plant } from '../support/plant.ts'
import { scrape } from '../support/scrape.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { mountSmallDisk } from '../support/small-disk.ts'
import { TypingCrowd } from '../support/typing-crowd.ts'
import { waitUntil } from '../support/wait-until.ts'

const diskMegabytes = 8
const closeAfterMs = 1_000
const overload = 1013

test('[LOG-1] [LOG-4] a full disk sends people away with 1013, shows in /readyz and a metric, and loses nothing when there is room again', async context => {
  using disk = mountSmallDisk(diskMegabytes)
  if (disk === null) return context.skip('needs root and mount, for a small disk')
  const dataFolder = path.join(disk.folder, 'data')
  await using server = await startServer({
    dataFolder,
    env: { SYNCLINE_STORE_AWAY_CLOSE_AFTER_MS: String(closeAfterMs) },
  })
  const { wsUrl } = server
  const random = new Random(testSeed())
  using crowd = new TypingCrowd({ wsUrl, random, documents: ['one', 'two'], editsPerSecond: 50 })
  await crowd.goOnline()
  expect(await ready(server)).toBe(200)
  crowd.startTyping()
  await waitUntil('something to be saved', () => crowd.evidence.every(one => one.acknowledgements > 10))

  disk.fill()
  await waitUntil('/readyz to say so', async () => (await ready(server)) === 503)
  expect(await scrape(server.url, 'syncline_store_away')).toBe(1)
  await server.waitForLog('a line that says so', line => line.msg === 'store away')
  await waitUntil('everybody to be sent away', () =>
    crowd.typists.every(typist => typist.ends.includes(overload)),
  )
  expect(new Set(crowd.typists.flatMap(typist => typist.ends))).toEqual(new Set([overload]))
  const editsOfAll = crowd.edits

  disk.makeRoom()
  await waitUntil('everybody to be back by themselves', () => crowd.allSynced)
  await waitUntil('/readyz to be well again', async () => (await ready(server)) === 200)
  expect(await scrape(server.url, 'syncline_store_away')).toBe(0)
  await waitUntil('typing to go on', () => crowd.edits > editsOfAll)
  crowd.stopTyping()
  await crowd.whenConverged()

  await server.kill()
  await using again = await startServer({ dataFolder })
  for (const evidence of crowd.evidence) {
    const fresh = await joinFresh(again.wsUrl, evidence.document)
    expect(evidence.lostFrom(fresh.state)).toEqual([])
    expect(fresh.doc.getText('text').toString()).toBe(crowd.docsOf(evidence)[0]!.getText('text').toString())
  }
})

test('[LOG-4] a server that is killed on a full disk opens there again, serves all that was delivered or acknowledged, and saves when there is room', async context => {
  using disk = mountSmallDisk(diskMegabytes)
  if (disk === null) return context.skip('needs root and mount, for a small disk')
  const options = {
    dataFolder: path.join(disk.folder, 'data'),
    env: { SYNCLINE_STORE_AWAY_CLOSE_AFTER_MS: String(closeAfterMs) },
    imports: [plant('eager-compaction')],
  }
  await using server = await startServer(options)
  const { wsUrl, port } = server
  const random = new Random(testSeed())
  using crowd = new TypingCrowd({ wsUrl, random, documents: ['one', 'two'], editsPerSecond: 50 })
  await crowd.goOnline()
  crowd.startTyping()
  await server.waitForLog('a compaction', ({ msg }) => msg === 'compacted')
  disk.fill()
  await server.waitForLog('the store to be away', ({ msg }) => msg === 'store away')
  await server.kill()
  crowd.stopTyping()
  await crowd.goOffline()

  await using again = await startServer({ ...options, port })
  for (const evidence of crowd.evidence) {
    const fresh = await joinFresh(again.wsUrl, evidence.document)
    expect(evidence.lostFrom(fresh.state)).toEqual([])
  }
  disk.makeRoom()
  await crowd.goOnline()
  await crowd.whenConverged()
})

async function ready(server: ServerProcess): Promise<number> {
  const { status } = await fetch(`${server.url}/readyz`)
  return status
}
