/**
 * What `unsyncedChanges` of a Hocuspocus provider means with this server: at 0 everything is on disk, whatever happens then. And
 * while nothing can be saved it stays above 0.
 */
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { count, Random, testSeed } from '../support/counts.ts'
import { joinFresh } from '../support/fresh-client.ts'
import { connectHocuspocus, hocuspocusVersions } from '../support/hocuspocus-client.ts'
import { startInstances } from '../support/instances.ts'
import { connectRawHocuspocus, keyed } from '../support/raw-hocuspocus.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { killWhenSaved } from '../support/saved-kill.ts'
import { connectStock } from '../support/stock-client.ts'
import { waitUntil } from '../support/wait-until.ts'

const kills = count('HOCUSPOCUS_KILLS', 10)
const seed = testSeed()
const graceMs = 500

test(`[LOG-1] [LOG-4] [SYNC-3] killed in the moment in which unsyncedChanges reaches 0, a server has it all: ${kills} times (seed ${seed})`, async () => {
  const report = await killWhenSaved({ random: new Random(seed), kills })
  console.log(
    `${kills} kills at unsyncedChanges 0, ${report.edits} edits told saved, ${report.losses.length} losses`,
  )
  expect(report.losses).toEqual([])
  expect([...report.kills.values()].reduce((sum, one) => sum + one, 0)).toBe(kills)
  expect(report.edits).toBeGreaterThan(kills)
})

test('[LOG-1] [REL-2] while Redis is away edits reach others and nothing is told saved, and when it is back everything is, once', async () => {
  const redis = await startRedisServer({ args: ['--appendfsync', 'everysec'] })
  await using stack = new AsyncDisposableStack()
  stack.defer(() => redis.remove())
  const env = { SYNCLINE_STORE_GRACE_MS: String(graceMs) }
  const { wsUrls } = stack.use(await startInstances([redis.url], { env }))
  const wsUrl = wsUrls[0]!
  const clients = hocuspocusVersions.map(version => stack.use(connectHocuspocus(version, wsUrl, 'away')))
  const stock = stack.use(connectStock(wsUrl, 'away'))
  const raw = stack.use(await connectRawHocuspocus(wsUrl))
  raw.begin('away')
  const statuses = () => raw.of('away').filter(({ kind }) => kind === 'status').length
  await Promise.all([stock.synced(), ...clients.map(client => client.saved())])
  await raw.waitForFrame('SyncStep1', ({ kind }) => kind === 'sync-step-1')

  redis.pause()
  const writer = new Y.Doc()
  writer.getText('raw').insert(0, 'raw')
  raw.send(keyed('away').update(Y.encodeStateAsUpdate(writer)))
  for (const [at, { doc }] of clients.entries()) doc.getText('text').insert(0, `<${at}>`)
  const text = stock.doc.getText('text')
  await waitUntil('the edits to reach the others', () => text.length === 9, { found: () => text.toString() })
  // More while it is away, and known by everybody: it is still not saved.
  for (const { doc } of clients) doc.getText('text').insert(0, '.')
  await waitUntil('these too', () => text.length === 12, { found: () => text.toString() })
  await new Promise(resolve => setTimeout(resolve, 4 * graceMs))
  expect(clients.map(({ provider }) => provider.unsyncedChanges)).toEqual([2, 2, 2])
  expect(statuses()).toBe(0)

  redis.resume()
  await Promise.all(clients.map(client => client.saved()))
  await waitUntil('the status', () => statuses() > 0)
  for (const { doc } of clients) doc.getText('text').insert(0, '!')
  await Promise.all(clients.map(client => client.saved()))
  for (const { told, socket, provider } of clients) {
    expect(provider.unsyncedChanges).toBe(0)
    expect(told.filter(one => one.startsWith('unsynced -'))).toEqual([])
    expect(socket.ends).toEqual([])
  }
  expect(statuses()).toBe(1)
  const { doc } = await joinFresh(wsUrl, 'away')
  expect(doc.getText('text').toString()).toBe(clients[0]!.doc.getText('text').toString())
  expect(doc.getText('raw').toString()).toBe('raw')
})
