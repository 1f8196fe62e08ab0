/**
 * What more than one does to the same document in Redis at the same time, and what is done twice: bases that are built by three
 * instances at once, an instance that dies between its base and the swap, requests that are sent again.
 */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { Random, testSeed } from '../support/counts.ts'
import { Evidence } from '../support/evidence.ts'
import { type Failpoint, Failpoints } from '../support/failpoints.ts'
import { loadStored, startInstances, whenSettled, withLog } from '../support/instances.ts'
import { assertPlanted, plant } from '../support/plant.ts'
import { type RedisServer, startRedisServer } from '../support/redis-server.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { TypingCrowd } from '../support/typing-crowd.ts'
import { Typist } from '../support/typist.ts'
import { waitUntil } from '../support/wait-until.ts'

const seed = testSeed()
const random = new Random(seed)
let redis: RedisServer
beforeAll(async () => {
  redis = await startRedisServer()
})
afterAll(() => redis.remove())

const timesIn = ({ logs }: ServerProcess, msg: string) => logs.filter(line => line.msg === msg).length

const inAll = (servers: readonly ServerProcess[], msg: string) =>
  servers.reduce((sum, server) => sum + timesIn(server, msg), 0)

/** Waits for some more bases, and for some that came too late. */
async function raceOn(servers: readonly ServerProcess[]): Promise<void> {
  const counts = () => ['compacted', 'compaction superseded'].map(msg => inAll(servers, msg))
  const before = counts()
  const raced = () => counts().every((count, i) => count > before[i]! + 2)
  await waitUntil('bases, and others that come too late', raced, { found: () => [before, counts()] })
}

/** Bases that nobody uses go by themselves. A last one may still be put in place between two looks. */
async function expectOneBase(document: string): Promise<void> {
  const looks: unknown[] = []
  const isOne = async () => {
    const { generation } = await withLog(redis.url, log => log.position(document))
    const lasting: string[] = []
    for (const key of await redis.client.keys('*:base:*'))
      if ((await redis.client.ttl(key)) < 0) lasting.push(key)
    looks.push({ generation, lasting })
    return lasting.length === 1 && lasting[0]!.endsWith(`:base:${generation}`)
  }
  await waitUntil('only the current base to last', isOne, { found: () => looks.at(-1) })
}

test.each<Failpoint>(['worker-buildBase', 'base-pieces-written', 'base-swapped'])(
  `[LOG-4] three instances that compact one document at once, one of them killed at %s, lose nothing of it (seed ${seed})`,
  async failpoint => {
    const document = `raced ${failpoint}`
    await redis.client.flushall()
    using failpoints = new Failpoints()
    const imports = [plant('eager-compaction'), plant('without-lease')]
    const { options } = failpoints
    await using two = await startInstances([redis.url, redis.url], { imports })
    await using one = await startInstances([redis.url], {
      imports: [...imports, ...options.imports],
      env: options.env,
    })
    const [doomed] = one.servers as [ServerProcess]
    const [heir] = two.servers as [ServerProcess]
    for (const server of [...two.servers, doomed])
      assertPlanted(server, 'without-lease', 'server/src/room/shrinking.ts')
    await using line = await startTcpProxy({ targetPort: doomed.port })
    const wsUrl = [...two.wsUrls, line.wsUrl]
    using crowd = new TypingCrowd({ wsUrl, random, documents: [document], editsPerSecond: 30 })
    await crowd.goOnline()
    crowd.startTyping()
    await raceOn([...two.servers, doomed])
    failpoints.arm(failpoint, 'kill')
    await doomed.exited
    expect(failpoints.fired(doomed, failpoint)).toBe(1)
    line.targetPort = heir.port
    await waitUntil('everybody to be back', () => crowd.allSynced)
    await raceOn(two.servers)
    crowd.stopTyping()
    expect(await whenSettled(crowd, redis.url, two.servers)).toEqual([])
    const stored = await withLog(redis.url, log => loadStored(log, document))
    expect([stored.store.pendingStructs, stored.store.pendingDs]).toEqual([null, null])
    expect(inAll([...two.servers, doomed], 'compaction failed')).toBe(0)
    await expectOneBase(document)
  },
)

test('[LOG-3] what is sent to Redis again, because the answer was lost on the way, is one entry', async () => {
  const document = 'sent twice'
  await using line = await startTcpProxy({ targetPort: redis.port })
  await using instances = await startInstances([`redis://127.0.0.1:${line.port}`])
  const typist = new Typist({ wsUrl: instances.wsUrls[0]!, evidence: new Evidence(document) })
  onTestFinished(() => typist.destroy())
  const text = typist.doc.getText('text')
  typist.goOnline()
  // The first append of all is sent in several steps, each of which needs the answer to the one before.
  await waitUntil('the typist to be synced', () => typist.isSynced)
  text.insert(0, 'first')
  await typist.whenSaved()
  await withLog(redis.url, async log => {
    const seq = async () => (await log.position(document)).end.seq
    for (let end = 1; end <= 10; end++) {
      expect(await seq()).toBe(end)
      line.pause('down')
      text.insert(0, `${end} `)
      await waitUntil('it to be appended', async () => (await seq()) === end + 1)
      expect(typist.isAllSaved).toBe(false)
      line.reset()
      line.resume()
      await typist.whenSaved()
    }
    const stored = await loadStored(log, document)
    expect(stored.getText('text').toString()).toBe(text.toString())
    expect(await seq()).toBe(11)
    expect(typist.ends).toEqual([])
  })
})
