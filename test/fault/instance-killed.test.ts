/**
 * An instance is killed under people who type, and the load balancer sends them to the one that is left. What anybody was shown
 * or told is saved is looked for there and in the store while everybody is kept away, since they would bring back what is lost.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeStateAsUpdate } from 'yjs'
import { count, Random, testSeed } from '../support/counts.ts'
import type { Loss } from '../support/evidence.ts'
import { joinFresh } from '../support/fresh-client.ts'
import { loadStored, whenSettled, withLog } from '../support/instances.ts'
import { plant } from '../support/plant.ts'
import { type RedisServer, startRedisServer } from '../support/redis-server.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { TypingCrowd } from '../support/typing-crowd.ts'
import { waitUntil } from '../support/wait-until.ts'

const kills = count('KILLS', 5)
const seed = testSeed()
const random = new Random(seed)
const documents = ['one', 'two']

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedisServer()
})
afterAll(() => redis.remove())

const elapsed = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

/** Two instances, each behind a line that can be turned to the other, and people at the end of both lines. */
class TwoInstances implements AsyncDisposable {
  readonly crowd: TypingCrowd
  readonly #servers: ServerProcess[]
  readonly #lines: readonly TcpProxy[]

  static async start(): Promise<TwoInstances> {
    const servers = await Promise.all([startInstance(), startInstance()])
    const lines = await Promise.all(servers.map(({ port }) => startTcpProxy({ targetPort: port })))
    return new TwoInstances(servers, lines)
  }

  constructor(servers: ServerProcess[], lines: readonly TcpProxy[]) {
    this.#servers = servers
    this.#lines = lines
    const wsUrl = lines.map(line => line.wsUrl)
    this.crowd = new TypingCrowd({ wsUrl, random, documents, editsPerSecond: 30 })
  }

  /** Kills one and turns its people's line to the other, which is returned. */
  async kill(which: 0 | 1): Promise<ServerProcess> {
    await this.#servers[which]!.kill()
    const left = this.#servers[1 - which]!
    this.#lines[which]!.targetPort = left.port
    return left
  }

  /** Another one in the place of the one that was killed; its people come back to it. */
  async replace(which: 0 | 1): Promise<void> {
    const server = await startInstance()
    this.#servers[which] = server
    this.#lines[which]!.targetPort = server.port
    this.#lines[which]!.cut()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.crowd[Symbol.dispose]()
    await Promise.all([...this.#lines, ...this.#servers].map(one => one[Symbol.asyncDispose]()))
  }
}

const startInstance = () =>
  startServer({ env: { SYNCLINE_REDIS_URL: redis.url }, imports: [plant('eager-compaction')] })

/** What of the evidence is missing in the store, or for a newcomer at a server. */
async function lostFrom(crowd: TypingCrowd, { wsUrl }: ServerProcess): Promise<Loss[]> {
  return withLog(redis.url, async log => {
    const losses: Loss[] = []
    for (const evidence of crowd.evidence) {
      const stored = await loadStored(log, evidence.document)
      losses.push(...evidence.lostFrom(encodeStateAsUpdate(stored)))
      losses.push(...evidence.lostFrom((await joinFresh(wsUrl, evidence.document)).state))
    }
    return losses
  })
}

test(`[LOG-4] [LOG-1] [LOG-2] ${kills} kills of instances lose nothing that was delivered or acknowledged, as the other one and the store have it (seed ${seed})`, async () => {
  await using both = await TwoInstances.start()
  const { crowd } = both
  for (let kill = 0; kill < kills; kill++) {
    const which = kill % 2 === 0 ? 0 : 1
    await crowd.goOnline()
    crowd.startTyping()
    await elapsed(100 + random.below(1_500))
    const left = await both.kill(which)
    crowd.stopTyping()
    await crowd.goOffline()
    expect(await lostFrom(crowd, left)).toEqual([])
    await crowd.goOnline()
    expect(await whenSettled(crowd, redis.url, [left])).toEqual([])
    await both.replace(which)
  }
  // How many there are depends on how busy the machine is; without any there would be nothing to lose.
  for (const { acknowledgements } of crowd.evidence) expect(acknowledgements).toBeGreaterThan(kills)
})

test('[LOG-4] [REL-1] the people of an instance that is killed come back by themselves at the other one, and type on', async () => {
  await using both = await TwoInstances.start()
  const { crowd } = both
  await crowd.goOnline()
  crowd.startTyping()
  await elapsed(500)
  const left = await both.kill(0)
  await waitUntil('everybody to be back', () => crowd.ends.length > 0 && crowd.allSynced)
  const before = crowd.evidence.map(({ acknowledgements }) => acknowledgements)
  const goOn = () => crowd.evidence.every(({ acknowledgements }, i) => acknowledgements > before[i]! + 20)
  await waitUntil('more to be saved', goOn)
  crowd.stopTyping()
  expect(await whenSettled(crowd, redis.url, [left])).toEqual([])
  // Half of them: nobody at the other instance has noticed anything.
  expect(crowd.endsOfEach.filter(ends => ends.length > 0)).toHaveLength(crowd.endsOfEach.length / 2)
})
