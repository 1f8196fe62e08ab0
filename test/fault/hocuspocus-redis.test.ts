/**
 * What `unsyncedChanges` of Hocuspocus providers means while Redis is away: edits reach others, the count stays above 0, and it is 0
 * again once Redis, or what has taken its place, has everything, also at another instance.
 */
import { afterEach, beforeEach, expect, test } from 'vitest'
import * as Y from 'yjs'
import { joinFresh } from '../support/fresh-client.ts'
import { connectHocuspocus, type HocuspocusClient, hocuspocusVersions } from '../support/hocuspocus-client.ts'
import { startInstances } from '../support/instances.ts'
import { connectRawHocuspocus, keyed } from '../support/raw-hocuspocus.ts'
import { type RedisServer, startRedisServer, startReplica } from '../support/redis-server.ts'
import { connectStock } from '../support/stock-client.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { waitUntil } from '../support/wait-until.ts'

const document = 'away'
const graceMs = 500
const elapsed = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

let redis: RedisServer
/** Through which the instances reach Redis. */
let line: TcpProxy
let replica: RedisServer | null
beforeEach(async () => {
  redis = await startRedisServer({ args: ['--appendfsync', 'everysec'] })
  line = await startTcpProxy({ targetPort: redis.port })
  replica = null
})
afterEach(async () => {
  await line?.[Symbol.asyncDispose]()
  await Promise.all([redis?.remove(), replica?.remove()])
})

interface Outage {
  readonly what: string
  readonly begins: (saveMore: () => Promise<void>) => void | Promise<void>
  readonly ends: () => void | Promise<void>
}

const outages: readonly Outage[] = [
  { what: 'is paused', begins: () => redis.pause(), ends: () => redis.resume() },
  { what: 'is killed', begins: () => redis.kill(), ends: () => redis.restart() },
  {
    what: 'comes back without its data',
    begins: () => redis.kill(),
    ends: () => redis.restart({ withData: false }),
  },
  {
    what: 'is replaced by a replica that lacks what was saved last',
    begins: async saveMore => {
      replica = await startReplica(redis)
      await replica.client.call('REPLICAOF', 'NO', 'ONE')
      await saveMore()
      line.refusing = true
      line.cut()
      await redis.kill()
    },
    ends: () => {
      line.targetPort = replica!.port
      line.refusing = false
    },
  },
]

const write = (clients: readonly HocuspocusClient[], word: string) => {
  for (const { doc } of clients) doc.getText('text').insert(0, word)
}

test.each(outages)(
  '[LOG-1] [REL-2] while Redis $what nothing is told saved, and afterwards everything is, once',
  async ({ begins, ends }) => {
    await using stack = new AsyncDisposableStack()
    const env = { SYNCLINE_STORE_GRACE_MS: String(graceMs) }
    const url = `redis://127.0.0.1:${line.port}`
    const [here, there] = stack.use(await startInstances([url, url], { env })).wsUrls as [string, string]
    const clients = hocuspocusVersions.map(version => stack.use(connectHocuspocus(version, here, document)))
    const neighbour = stack.use(connectStock(here, document))
    const far = stack.use(connectHocuspocus(4, there, document))
    const raw = stack.use(await connectRawHocuspocus(here))
    raw.begin(document)
    const statuses = () => raw.of(document).filter(({ kind }) => kind === 'status').length
    const all = [...clients, far]
    await Promise.all([neighbour.synced(), ...all.map(client => client.saved())])
    await raw.waitForFrame('SyncStep1', ({ kind }) => kind === 'sync-step-1')

    await begins(async () => {
      write(clients, '+')
      await Promise.all(clients.map(client => client.saved()))
    })
    const text = neighbour.doc.getText('text')
    const { length } = text
    const author = new Y.Doc()
    author.getText('raw').insert(0, 'raw')
    raw.send(keyed(document).update(Y.encodeStateAsUpdate(author)))
    write(clients, '<>')
    const reach = (more: number) =>
      waitUntil('the edits to reach the others', () => text.length === length + more, {
        found: () => text.toString(),
      })
    await reach(6)
    // More while it is away, and known by everybody: it is still not saved.
    write(clients, '.')
    await reach(9)
    await elapsed(4 * graceMs)
    expect(clients.map(({ provider }) => provider.unsyncedChanges)).toEqual([2, 2, 2])
    expect(statuses()).toBe(0)

    await ends()
    await Promise.all(clients.map(client => client.saved()))
    await waitUntil('the status', () => statuses() > 0)
    write(all, '!')
    await Promise.all(all.map(client => client.saved()))
    for (const { told, socket, provider } of all) {
      expect(provider.unsyncedChanges).toBe(0)
      expect(told.filter(one => one.startsWith('unsynced -'))).toEqual([])
      expect(socket.ends).toEqual([])
    }
    expect(statuses()).toBe(1)
    const { doc } = await joinFresh(there, document)
    const stored = doc.getText('text').toString()
    await waitUntil('all to have it', () => all.every(one => one.doc.getText('text').toString() === stored), {
      found: () => [stored, ...all.map(one => one.doc.getText('text').toString())],
    })
    expect(stored).toHaveLength(length + 13)
    expect(doc.getText('raw').toString()).toBe('raw')
  },
)
