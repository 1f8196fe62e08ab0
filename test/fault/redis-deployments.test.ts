/**
 * Instances on several servers of Redis that belong together, and what happens to one of those while people type: a Cluster of
 * three, and a master with a replica that Sentinels look after.
 */
import { parseRedisUrl } from '@syncline/server/internal/foundation/redis-url'
import { connectRedis } from '@syncline/server/internal/store/redis-connection'
import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { Random, testSeed } from '../support/counts.ts'
import { type Instances, startInstances, whenSettled } from '../support/instances.ts'
import { plant } from '../support/plant.ts'
import {
  type RedisSentinels,
  type RedisServer,
  startRedisCluster,
  startRedisSentinels,
} from '../support/redis-server.ts'
import { TypingCrowd } from '../support/typing-crowd.ts'
import { waitUntil, within } from '../support/wait-until.ts'

const seed = testSeed()
const random = new Random(seed)
/** On different masters of a Cluster, also those that look like a hash tag. */
const documents = ['}', '}one', '{one}two', '{}three', 'four', 'five']
const options = { imports: [plant('eager-compaction')], env: { SYNCLINE_STORE_GRACE_MS: '500' } }

async function typeAt({ wsUrls }: Instances): Promise<TypingCrowd> {
  const crowd = new TypingCrowd({ wsUrl: wsUrls, random, documents, editsPerSecond: 8 })
  await crowd.goOnline()
  crowd.startTyping()
  await moreSaved(crowd)
  return crowd
}

async function moreSaved(crowd: TypingCrowd): Promise<void> {
  const before = crowd.evidence.map(({ acknowledgements }) => acknowledgements)
  await waitUntil('something to be saved in each document', () =>
    crowd.evidence.every(({ acknowledgements }, i) => acknowledgements > before[i]! + 10),
  )
}

async function expectUnnoticed(crowd: TypingCrowd, { servers }: Instances, url: string): Promise<void> {
  expect(await whenSettled(crowd, url, servers)).toEqual([])
  expect(crowd.ends).toEqual([])
  expect(servers.map(({ running }) => running)).toEqual([true, true])
}

const keysIn = ({ client }: RedisServer) => client.dbsize()

test(`[REL-1] [REL-2] documents on a Cluster cross, also while subscriptions are cut and a master is killed and comes back (seed ${seed})`, async () => {
  const cluster = await startRedisCluster()
  onTestFinished(() => cluster.remove())
  await using instances = await startInstances([cluster.url, cluster.url], options)
  using crowd = await typeAt(instances)
  for (const master of cluster.masters) {
    expect(await keysIn(master)).toBeGreaterThan(0)
    await master.killClients('pubsub')
    await moreSaved(crowd)
  }
  const [killed] = cluster.masters as [RedisServer]
  await killed.kill()
  await killed.restart()
  await moreSaved(crowd)
  await killed.kill()
  crowd.stopTyping()
  await killed.restart()
  await expectUnnoticed(crowd, instances, cluster.url)
})

test.each<[string, (sentinels: RedisSentinels) => Promise<unknown>]>([
  ['was killed', ({ master }) => master.kill()],
  ['is asked to make way', ({ url }) => askSentinel(url, 'FAILOVER', 'syncline')],
])(
  `[REL-1] [REL-2] [LOG-4] Sentinels that give its place to the replica of a master that %s interrupt nobody (seed ${seed})`,
  async (_, failOver) => {
    const sentinels = await startRedisSentinels()
    onTestFinished(() => sentinels.remove())
    const { replica, url } = sentinels
    await using instances = await startInstances([url, url], options)
    using crowd = await typeAt(instances)
    await failOver(sentinels)
    const isMaster = async () => (await replica.client.info('replication')).includes('role:master')
    await waitUntil('the replica to take over', isMaster)
    await moreSaved(crowd)
    crowd.stopTyping()
    await expectUnnoticed(crowd, instances, url)
    expect(await keysIn(replica)).toBeGreaterThan(documents.length)
  },
)

test.each(['commands', 'subscriber'] as const)(
  'a connection for %s that is interrupted while it asks Sentinels for the master comes back',
  async use => {
    const sentinels = await startRedisSentinels()
    onTestFinished(() => sentinels.remove())
    const connection = connectRedis(parseRedisUrl(sentinels.url)!, { use })
    const becomes = (status: string) => waitUntil(`it to be ${status}`, () => connection.status === status)
    // As ioredis interrupts itself when Sentinels tell of a failover.
    const interrupted = Promise.withResolvers<void>()
    connection.once('ready', () => {
      connection.once('connecting', () => {
        connection.once('end', interrupted.resolve)
        connection.disconnect(true)
      })
      connection.disconnect(true)
    })
    await within('it to be interrupted', interrupted.promise)
    await becomes('ready')
    connection.disconnect()
    await becomes('end')
  },
)

/** Of a URL that names Sentinels, the first. */
async function askSentinel(url: string, ...words: string[]): Promise<unknown> {
  const { host, port } = parseRedisUrl(url)!.addresses[0]!
  const sentinel = new Redis({ host, port })
  try {
    return await sentinel.call('SENTINEL', ...words)
  } finally {
    sentinel.disconnect()
  }
}
