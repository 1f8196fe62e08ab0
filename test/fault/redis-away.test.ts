/**
 * What people notice of a Redis that is killed, paused, emptied or replaced by one that lacks the end, while they type at two
 * instances: nothing, but that it takes a moment. Everybody has the same afterwards though nobody types any more, the store too.
 */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { count, Random, testSeed } from '../support/counts.ts'
import { type Instances, startInstances, whenSettled, withLog } from '../support/instances.ts'
import { plant } from '../support/plant.ts'
import { type RedisServer, startRedisServer, startReplica } from '../support/redis-server.ts'
import type { ServerOptions } from '../support/server-process.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { TypingCrowd } from '../support/typing-crowd.ts'
import { waitUntil } from '../support/wait-until.ts'

const kills = count('REDIS_KILLS', 3)
const seed = testSeed()
const random = new Random(seed)
const graceMs = 500
const overload = 1013
const options: ServerOptions = {
  env: { SYNCLINE_STORE_GRACE_MS: String(graceMs) },
  imports: [plant('eager-compaction')],
}
const documents = ['one', 'two']

let redis: RedisServer
let replica: RedisServer | null
beforeEach(async () => {
  redis = await startRedisServer({ args: ['--appendfsync', 'everysec'] })
  replica = null
})
afterEach(async () => {
  await Promise.all([redis.remove(), replica?.remove()])
})

const elapsed = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

/** Each instance has read each document anew, because its log was not the one that it knew. */
function expectMended({ servers }: Instances): void {
  for (const { logs } of servers) {
    const mended = new Set(logs.filter(({ msg }) => msg === 'room mended').map(line => line.document))
    expect([...mended].sort()).toEqual(documents)
  }
}

/** People in two documents at each instance, all of them typing, some of it saved. */
async function typeAt({ wsUrls }: Pick<Instances, 'wsUrls'>): Promise<TypingCrowd> {
  const crowd = new TypingCrowd({ wsUrl: wsUrls, random, documents, editsPerSecond: 20 })
  await crowd.goOnline()
  crowd.startTyping()
  await moreSaved(crowd)
  return crowd
}

/** Resolves when something typed from now on is saved, in each document. */
async function moreSaved(crowd: TypingCrowd): Promise<void> {
  const before = crowd.evidence.map(({ acknowledgements }) => acknowledgements)
  await waitUntil('something to be saved', () =>
    crowd.evidence.every(({ acknowledgements }, i) => acknowledgements > before[i]! + 20),
  )
}

/** Nothing is missing, nobody was interrupted, and no instance ended. */
async function expectUnnoticed(crowd: TypingCrowd, { servers }: Instances, url = redis.url): Promise<void> {
  expect(await whenSettled(crowd, url, servers)).toEqual([])
  expect(crowd.ends).toEqual([])
  expect(servers.map(({ running }) => running)).toEqual(servers.map(() => true))
}

test(`[REL-2] [LOG-1] [LOG-4] ${kills} kills of Redis while people type at two instances lose nothing and interrupt nobody (seed ${seed})`, async () => {
  await using instances = await startInstances([redis.url, redis.url], options)
  using crowd = await typeAt(instances)
  for (let kill = 1; kill <= kills; kill++) {
    crowd.startTyping()
    await moreSaved(crowd)
    await elapsed(random.below(1_000))
    await redis.kill()
    // Some are over before anybody calls Redis away.
    await elapsed(random.below(6 * graceMs))
    crowd.stopTyping()
    await redis.restart()
    await expectUnnoticed(crowd, instances)
  }
})

test('[REL-2] [LOG-1] people go on for 10 s while Redis is paused, are told nothing is saved, and it all is afterwards', async () => {
  await using instances = await startInstances([redis.url, redis.url], options)
  using crowd = await typeAt(instances)
  redis.pause()
  await elapsed(1_000)
  const acknowledged = crowd.evidence.map(({ acknowledgements }) => acknowledgements)
  const shown = crowd.evidence.map(({ frames }) => frames)
  await elapsed(9_000)
  crowd.stopTyping()
  expect(crowd.evidence.map(({ acknowledgements }) => acknowledgements)).toEqual(acknowledged)
  for (const [i, { frames }] of crowd.evidence.entries()) expect(frames).toBeGreaterThan(shown[i]! + 20)
  for (const { url } of instances.servers) expect((await fetch(`${url}/readyz`)).status).toBe(503)
  redis.resume()
  await expectUnnoticed(crowd, instances)
  for (const { url } of instances.servers) expect((await fetch(`${url}/readyz`)).status).toBe(200)
})

test('[REL-2] [LOG-4] a Redis that comes back without its data is given everything that instances and people hold', async () => {
  await using instances = await startInstances([redis.url, redis.url], options)
  using crowd = await typeAt(instances)
  await redis.kill()
  await elapsed(2 * graceMs)
  crowd.stopTyping()
  await redis.restart({ withData: false })
  await expectUnnoticed(crowd, instances)
  expectMended(instances)
})

/** The replica that took over, under the same address, and lacks the last second. */
async function failOver(
  crowd: TypingCrowd,
  line: TcpProxy,
  whileNobodyLooks: (replica: RedisServer) => Promise<void>,
) {
  replica = await startReplica(redis)
  await moreSaved(crowd)
  await replica.client.call('REPLICAOF', 'NO', 'ONE')
  await elapsed(1_000)
  await moreSaved(crowd)
  line.refusing = true
  line.cut()
  crowd.stopTyping()
  await whileNobodyLooks(replica)
  await redis.kill()
  line.targetPort = replica.port
  line.refusing = false
  return replica.url
}

/** The end of each document's log. */
const seqsIn = ({ url }: RedisServer) =>
  withLog(url, log => Promise.all(documents.map(async document => (await log.position(document)).end.seq)))

test('[REL-2] [LOG-4] a replica that takes over without the last second is given it by instances that find its log shorter', async () => {
  await using line = await startTcpProxy({ targetPort: redis.port })
  const url = `redis://127.0.0.1:${line.port}`
  await using instances = await startInstances([url, url], options)
  using crowd = await typeAt(instances)
  const replicaUrl = await failOver(crowd, line, async replica => {
    const [had, has] = [await seqsIn(redis), await seqsIn(replica)]
    for (const i of documents.keys()) expect(has[i]).toBeLessThan(had[i]!)
  })
  await expectUnnoticed(crowd, instances, replicaUrl)
  expectMended(instances)
})

test('[REL-2] [LOG-4] a replica that takes over without the last second is given it also when its log has overtaken what instances know', async () => {
  await using line = await startTcpProxy({ targetPort: redis.port })
  const url = `redis://127.0.0.1:${line.port}`
  await using instances = await startInstances([url, url], options)
  using crowd = await typeAt(instances)
  await using others = new AsyncDisposableStack()
  let late: { instances: Instances; crowd: TypingCrowd } | undefined
  const replicaUrl = await failOver(crowd, line, async replica => {
    const had = await seqsIn(redis)
    const lateInstances = others.use(await startInstances([replica.url], options))
    const lateCrowd = others.use(await typeAt(lateInstances))
    late = { instances: lateInstances, crowd: lateCrowd }
    const overtaken = async () => (await seqsIn(replica)).every((seq, i) => seq > had[i]! + 10)
    await waitUntil('the log to overtake what was known', overtaken)
    lateCrowd.stopTyping()
  })
  await expectUnnoticed(crowd, instances, replicaUrl)
  expectMended(instances)
  await expectUnnoticed(late!.crowd, late!.instances, replicaUrl)
})

test('[REL-2] where the store may not be away, people are sent away with 1013 after the time, come back by themselves, and have lost nothing', async () => {
  const closeAfterMs = 1_000
  const env = {
    ...options.env,
    SYNCLINE_STORE_AWAY: 'refuse',
    SYNCLINE_STORE_AWAY_CLOSE_AFTER_MS: String(closeAfterMs),
  }
  await using instances = await startInstances([redis.url, redis.url], { ...options, env })
  using crowd = await typeAt(instances)
  await redis.kill()
  const sentAway = () => crowd.endsOfEach.every(ends => ends.includes(overload))
  await waitUntil('everybody to be sent away', sentAway, { found: () => crowd.endsOfEach })
  expect(new Set(crowd.ends)).toEqual(new Set([overload]))
  crowd.stopTyping()
  await redis.restart()
  await waitUntil('everybody to be back', () => crowd.allSynced)
  expect(await whenSettled(crowd, redis.url, instances.servers)).toEqual([])
})
