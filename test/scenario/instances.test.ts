/**
 * Several instances, one Redis, any of them for anybody: what people notice is that it makes no difference where they are.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Doc } from 'yjs'
import { Random, testSeed } from '../support/counts.ts'
import { Evidence } from '../support/evidence.ts'
import { joinFresh } from '../support/fresh-client.ts'
import { type Instances, loadStored, startInstances, whenSettled, withLog } from '../support/instances.ts'
import { operatorOf } from '../support/operator.ts'
import { assertPlanted, plant } from '../support/plant.ts'
import { type RedisServer, startRedisServer } from '../support/redis-server.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { connectStock, connectStock14, type StockClient } from '../support/stock-client.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { areEqual, TypingCrowd } from '../support/typing-crowd.ts'
import { Typist } from '../support/typist.ts'
import { waitUntil } from '../support/wait-until.ts'

const MiB = 1024 * 1024
const seed = testSeed()
let redis: RedisServer
let instances: Instances
let left: ServerProcess
let right: ServerProcess
beforeAll(async () => {
  redis = await startRedisServer()
  instances = await startInstances([redis.url, redis.url])
  ;[left, right] = instances.servers as [ServerProcess, ServerProcess]
})
afterAll(async () => {
  await instances[Symbol.asyncDispose]()
  await redis.remove()
})

const textOf = (doc: Doc) => doc.getText('text').toString()

/** A stock client in a document at each of both. */
async function bothIn(document: string): Promise<[StockClient, StockClient]> {
  const both = [connectStock(left.wsUrl, document), connectStock(right.wsUrl, document)] as const
  await Promise.all(both.map(client => client.synced()))
  return [...both]
}

const alike = (what: string, ...docs: Doc[]) =>
  waitUntil(what, () => areEqual(docs), { found: () => docs.map(textOf) })

const linesOf = (server: ServerProcess, msg: string, document: string) =>
  server.logs.filter(line => line.msg === msg && line.document === document)

test('[REL-1] what is typed at one instance appears at the other, both ways, with Yjs 13 and 14', async () => {
  const [anna, ben] = await bothIn('crossing')
  using cleo = connectStock14(right.wsUrl, 'crossing')
  await cleo.synced()
  anna.doc.getText('text').insert(0, 'anna ')
  await waitUntil('the other instance to show it', () => textOf(ben.doc) === 'anna ')
  ben.doc.getText('text').insert(5, 'ben')
  ben.doc.getText('text').delete(0, 2)
  await waitUntil('the first to show it', () => textOf(anna.doc) === 'na ben')
  await waitUntil('Yjs 14 to show it', () => String(cleo.doc.get('text')).includes('na ben'))
  anna.destroy()
  ben.destroy()
})

test(`[REL-1] [SYNC-1] people who type at three instances and lose their connections have the same in the end (seed ${seed})`, async () => {
  await using third = await startInstances([redis.url], { imports: [plant('eager-compaction')] })
  const crowd = new TypingCrowd({
    wsUrl: [...instances.wsUrls, ...third.wsUrls],
    random: new Random(seed),
    documents: ['three', 'instances'],
    editsPerSecond: 20,
    lossesPerSecond: 4,
  })
  using _ = crowd
  await crowd.goOnline()
  crowd.startTyping()
  const enough = () => crowd.evidence.every(({ acknowledgements }) => acknowledgements > 200)
  await waitUntil('much to be saved', enough)
  crowd.stopTyping()
  expect(await whenSettled(crowd, redis.url, [...instances.servers, ...third.servers])).toEqual([])
})

test('[SYNC-1] whoever joins at the other instance gets all that was acknowledged before, however late publications are', async () => {
  const document = 'joined elsewhere'
  const env = { LATE_PUBLICATIONS_MS: '60000' }
  await using late = await startInstances([redis.url], { imports: [plant('late-publications')], env })
  const [server] = late.servers as [ServerProcess]
  assertPlanted(server, 'late-publications', 'server/src/relay/redis-relay.ts')
  // Keeps the room open there: one that is opened anew reads everything anyhow.
  using watcher = connectStock(server.wsUrl, document)
  await watcher.synced()
  const evidence = new Evidence(document)
  const anna = new Typist({ wsUrl: left.wsUrl, evidence })
  anna.goOnline()
  await waitUntil('anna to be synced', () => anna.isSynced)
  for (let round = 0; round < 50; round++) {
    anna.doc.getText('text').insert(0, `${round} `)
    await anna.whenSaved()
    const { doc, state } = await joinFresh(server.wsUrl, document)
    expect(evidence.lostFrom(state)).toEqual([])
    expect(textOf(doc)).toBe(textOf(anna.doc))
  }
  anna.destroy()
  expect(linesOf(server, 'room opened', document)).toHaveLength(1)
})

test('[REL-1] [SYNC-1] a stock client that comes to another instance finds its work, and brings what it typed on the way', async () => {
  await using balancer = await startTcpProxy({ targetPort: left.port })
  using anna = connectStock(balancer.wsUrl, 'moving')
  using ben = connectStock(left.wsUrl, 'moving')
  await Promise.all([anna.synced(), ben.synced()])
  for (const [times, target] of [right, left, right].entries()) {
    anna.doc.getText('text').insert(0, `before ${times} `)
    balancer.targetPort = target.port
    balancer.reset()
    await waitUntil('the connection to be lost', () => anna.ends.length === times + 1)
    anna.doc.getText('text').insert(0, `on the way ${times} `)
    ben.doc.getText('text').insert(0, `meanwhile ${times} `)
    await anna.synced()
    await alike('both to have all', anna.doc, ben.doc)
  }
  const moved = linesOf(right, 'member joined', 'moving')
  expect(moved).toHaveLength(2)
  for (const each of ['before', 'on the way', 'meanwhile'])
    for (const times of [0, 1, 2]) expect(textOf(anna.doc)).toContain(`${each} ${times} `)
})

test('[REL-1] newcomers who open a new document in the same moment at both instances write one document', async () => {
  const names = Array.from({ length: 20 }, (_, i) => `new ${i}`)
  const pairs = names.map(name =>
    [left, right].map((server, i) => {
      const client = connectStock(server.wsUrl, name)
      client.doc.getText('text').insert(0, ['from the left', 'from the right'][i]!)
      return client
    }),
  )
  await withLog(redis.url, async log => {
    for (const [i, clients] of pairs.entries()) {
      await Promise.all(clients.map(client => client.synced()))
      const [one, other] = clients.map(({ doc }) => doc) as [Doc, Doc]
      const whole = () => textOf(one).length === 'from the leftfrom the right'.length
      await waitUntil('both texts', () => whole() && areEqual([one, other]))
      await waitUntil('the store to have both', async () => areEqual([one, await loadStored(log, names[i]!)]))
      expect(clients.flatMap(({ ends }) => ends)).toEqual([])
      for (const client of clients) client.destroy()
    }
  })
})

test('[REL-1] updates of a megabyte cross both ways, and small ones after them', async () => {
  const [anna, ben] = await bothIn('large')
  const random = new Random(seed)
  for (const [from, to] of [
    [anna, ben],
    [ben, anna],
  ] as const) {
    const text = from.doc.getText('text')
    text.insert(text.length, random.text(MiB))
    text.insert(0, 'small')
    await alike('the other to have it', from.doc, to.doc)
  }
  expect(textOf(anna.doc)).toHaveLength(2 * MiB + 10)
  expect(textOf((await joinFresh(left.wsUrl, 'large')).doc)).toBe(textOf(anna.doc))
  anna.destroy()
  ben.destroy()
})

test('[LOG-3] [REL-1] members at both instances are sent to the document that an operator puts in the place of theirs', async () => {
  const [comeBack, otherEpoch] = [1012, 4409]
  await using operator = await operatorOf(redis.url)
  const [anna, ben] = await bothIn('replaced')
  anna.doc.getText('text').insert(0, 'what was')
  await alike('both to have it', anna.doc, ben.doc)
  const { file } = await operator.export('replaced')
  ben.doc.getText('text').insert(0, 'damage and ')
  await alike('both to have the damage', anna.doc, ben.doc)
  await operator.do('docs', 'replace', 'replaced', file)
  // Sent away, back by themselves, and refused with what they still hold of the former epoch.
  for (const { ends } of [anna, ben]) {
    const codes = () => ends.map(({ code }) => code)
    await waitUntil('everybody to be refused', () => codes().at(-1) === otherEpoch, { found: codes })
    expect(codes()).toEqual([comeBack, otherEpoch])
  }
  for (const { wsUrl } of instances.servers)
    expect(textOf((await joinFresh(wsUrl, 'replaced')).doc)).toBe('what was')
  const [cleo, dora] = await bothIn('replaced')
  cleo.doc.getText('text').insert(8, ' and is')
  await waitUntil('the new one to be edited', () => textOf(dora.doc) === 'what was and is')
  for (const client of [anna, ben, cleo, dora]) client.destroy()
})
