import { createServer } from 'node:net'
import { systemClock } from '@syncline/server/internal/foundation/clock'
import { parseRedisUrl } from '@syncline/server/internal/foundation/redis-url'
import { openRedisLog } from '@syncline/server/internal/store/redis-log'
import type { StoreEvent } from '@syncline/server/internal/store/store-event'
import {
  type End,
  HistoryRewritten,
  LogRefusal,
  noLink,
  type UpdateLog,
} from '@syncline/server/internal/store/update-log'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { expectChain, makeBase, makeEntries, makeEntry, readAll } from '../contract/log-content.ts'
import { count, Random, testSeed } from '../support/counts.ts'
import { type RedisServer, startRedisServer, startReplica } from '../support/redis-server.ts'
import { waitUntil } from '../support/wait-until.ts'

/**
 * What may happen to a Redis while documents are written to it, and what is looked for afterwards: everything that was saved, once,
 * in its place.
 */
const kills = count('KILLS', 5)
const seed = testSeed()
const random = new Random(seed)
const graceMs = 1_000

let redis: RedisServer
let log: UpdateLog
let told: StoreEvent[]
beforeEach(async () => {
  redis = await startRedisServer()
  told = []
  log = await openLog()
})
afterEach(async () => {
  await log.close()
  await redis.remove()
})

function openLog(url = redis.url): Promise<UpdateLog> {
  return openRedisLog({
    target: parseRedisUrl(url)!,
    clock: systemClock,
    instance: '00000000000000aa',
    graceMs,
    onEvent: event => told.push(event),
  })
}

interface Writer {
  readonly document: string
  /** By nonce, in the order in which they were saved. */
  readonly saved: Map<string, End>
  readonly stop: () => Promise<void>
}

/** Appends one entry after another, as a room does. */
function write(document: string): Writer {
  const saved = new Map<string, End>()
  let stopped = false
  const written = (async () => {
    let end: End = { seq: 0, link: noLink }
    while (!stopped) {
      const entry = makeEntry()
      const { ends } = await log.append(document, end.seq, [entry], { epoch: null, link: end.link })
      end = ends[0]!
      saved.set(entry.nonce, end)
    }
  })()
  // Told by `stop`; until then it is nobody's.
  written.catch(() => {})
  return {
    document,
    saved,
    async stop() {
      stopped = true
      await written
    },
  }
}

/** Every saved entry is there, once, where it was said to be, and nothing else is. */
async function expectSaved(writers: readonly Writer[]): Promise<void> {
  for (const { document, saved } of writers) {
    const entries = await readAll(log, document)
    expectChain(entries)
    expect(entries.map(({ nonce, seq, link }) => [nonce, { seq, link }])).toEqual([...saved])
  }
}

const health = () => log.health.at
const becomes = (at: 'here' | 'away') => waitUntil(`the store to be ${at}`, () => health() === at)

async function moreFrom(writers: readonly Writer[]): Promise<void> {
  const before = writers.map(({ saved }) => saved.size)
  await waitUntil('every document to grow', () =>
    writers.every(({ saved }, i) => saved.size > before[i]! + 5),
  )
}

test(`[LOG-1] [LOG-4] ${kills} kills of Redis while it is written to lose nothing that was saved, and double nothing (seed ${seed})`, async () => {
  const writers = ['a', 'b', 'c'].map(write)
  for (let kill = 1; kill <= kills; kill++) {
    await moreFrom(writers)
    await new Promise(resolve => setTimeout(resolve, random.below(200)))
    await redis.kill()
    await redis.restart()
    await moreFrom(writers)
  }
  await Promise.all(writers.map(({ stop }) => stop()))
  await expectSaved(writers)
})

test('an append whose answer was lost is one entry', async () => {
  const writers = ['a', 'b', 'c', 'd'].map(write)
  for (let i = 0; i < 30; i++) {
    await moreFrom(writers)
    await redis.killClients('normal')
  }
  await Promise.all(writers.map(({ stop }) => stop()))
  await expectSaved(writers)
})

test('[LOG-1] a Redis that is paused is away after the grace, and goes on with nothing lost and nothing twice', async () => {
  const writers = ['a', 'b'].map(write)
  await moreFrom(writers)
  redis.pause()
  await becomes('away')
  expect(log.health).toMatchObject({ reason: `Redis has not answered for ${graceMs} ms` })
  redis.resume()
  await becomes('here')
  await moreFrom(writers)
  await Promise.all(writers.map(({ stop }) => stop()))
  await expectSaved(writers)
  expect(told.map(({ kind }) => kind)).toEqual(['saved-means', 'away', 'here'])
})

test('[LOG-1] a Redis whose memory is full keeps appends waiting, takes no base, and goes on in the order of asking', async () => {
  const { epoch } = await log.append('a', 0, makeEntries(1))
  await redis.client.config('SET', 'maxmemory', '1')
  const entries = makeEntries(20)
  const appended = entries.map(entry => log.append('a', 1, [entry]))
  const other = log.append('b', 0, makeEntries(1))
  await becomes('away')
  expect(log.health).toMatchObject({ reason: expect.stringMatching(/^OOM/) })
  // What is there can be read.
  expect((await log.load('a')).end.seq).toBe(1)
  expect(await log.replaceBase('a', null, makeBase(1))).toEqual({ ok: false, reason: 'away' })
  const lacks = { structs: new Map(), deletes: new Map() }
  expect(await log.replaceDocument('a', null, { ...makeBase(0), lacks })).toEqual({
    ok: false,
    reason: 'away',
  })
  await redis.client.config('SET', 'maxmemory', '0')
  expect((await Promise.all(appended)).map(({ ends }) => ends[0]!.seq)).toEqual(entries.map((_, i) => i + 2))
  await other
  await becomes('here')
  expect(await log.position('a')).toMatchObject({ epoch, generation: null })
  expect((await readAll(log, 'a', 1)).map(({ nonce }) => nonce)).toEqual(entries.map(({ nonce }) => nonce))
})

test('a document can be deleted from a Redis whose memory is full', async () => {
  await log.append('a', 0, makeEntries(3))
  await redis.client.config('SET', 'maxmemory', '1')
  await log.delete('a')
  expect(await log.list(null, 1)).toEqual([])
  await redis.client.config('SET', 'maxmemory', '0')
})

test('scripts that are forgotten while they are used are sent again', async () => {
  const writers = ['a', 'b'].map(write)
  for (let i = 0; i < 20; i++) {
    await moreFrom(writers)
    await redis.client.script('FLUSH')
  }
  await Promise.all(writers.map(({ stop }) => stop()))
  await expectSaved(writers)
})

test.each([
  ['is emptied', () => redis.client.flushall()],
  ['is started again without its data', () => redis.restart({ withData: false })],
])(
  '[LOG-3] whoever appends to a Redis that %s is told that the history is another one, and can bring it back',
  async (_, empty) => {
    const { epoch, ends } = await log.append('a', 0, makeEntries(4))
    await empty()
    const history = { epoch, link: ends[3]!.link }
    await expect(log.append('a', 4, makeEntries(1), history)).rejects.toThrow(HistoryRewritten)
    expect(await log.position('a')).toMatchObject({ epoch: null, end: { seq: 0 } })
    expect((await log.append('a', 0, makeEntries(1), { epoch, link: noLink })).epoch).toBe(epoch)
    expect(await log.list(null, 2)).toMatchObject([{ document: 'a', epoch }])
  },
)

test('[LOG-3] a replica that lacks the end is recognised when it takes over, also once it has overtaken', async () => {
  const { epoch, ends: first } = await log.append('a', 0, makeEntries(3))
  await log.append('b', 0, makeEntries(3))
  const replica = await startReplica(redis)
  try {
    await replica.client.call('REPLICAOF', 'NO', 'ONE')
    const { ends: lost } = await log.append('a', 3, makeEntries(2))
    const { ends: lostToo } = await log.append('b', 3, makeEntries(2))
    // What the replica has takes the place of what the master had, under the same address.
    await redis.client.call('REPLICAOF', '127.0.0.1', replica.port)
    const [looked, overtaken] = [lost, lostToo].map((ends, i) => {
      const document = ['a', 'b'][i]!
      return { document, since: 5, link: ends[1]!.link }
    })
    const early = log
      .append(looked!.document, looked!.since, makeEntries(1), { epoch, link: looked!.link })
      .catch((error: unknown) => error)
    const follows = async () => (await redis.client.info('replication')).includes('master_link_status:up')
    await waitUntil('the old master to have what the replica has', follows)
    await redis.client.call('REPLICAOF', 'NO', 'ONE')
    expect(await early).toBeInstanceOf(HistoryRewritten)
    expect(await log.position('a')).toMatchObject({ epoch, end: first[2] })
    await log.append('b', 3, makeEntries(4))
    const late = log.append(overtaken!.document, overtaken!.since, makeEntries(1), {
      epoch: null,
      link: overtaken!.link,
    })
    await expect(late).rejects.toThrow(HistoryRewritten)
    expect((await log.append('a', 3, makeEntries(1), { epoch, link: first[2]!.link })).ends[0]!.seq).toBe(4)
  } finally {
    await replica.remove()
  }
})

test('a Redis that begins to evict counts as away, for as long as it does', async () => {
  await redis.client.config('SET', 'maxmemory-policy', 'allkeys-lfu')
  await redis.killClients('normal')
  await becomes('away')
  expect(log.health).toMatchObject({ reason: expect.stringContaining('maxmemory-policy is allkeys-lfu') })
  await redis.client.config('SET', 'maxmemory-policy', 'noeviction')
  await redis.killClients('normal')
  await becomes('here')
})

test('a Redis that is not there yet is waited for', async () => {
  await log.close()
  const port = await unusedPort()
  log = await openLog(`redis://127.0.0.1:${port}`)
  expect(log.health).toMatchObject({ at: 'away', reason: expect.stringContaining('ECONNREFUSED') })
  const appended = log.append('a', 0, makeEntries(1))
  const late = await startRedisServer({ port })
  try {
    expect((await appended).ends[0]!.seq).toBe(1)
    await becomes('here')
    await log.close()
  } finally {
    await late.remove()
  }
})

test('a store that is closed while Redis is away refuses what it could not append', async () => {
  await redis.kill()
  const appended = log.append('a', 0, makeEntries(1)).catch((error: unknown) => error)
  await becomes('away')
  await log.close()
  expect(await appended).toBeInstanceOf(LogRefusal)
})

async function unusedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}
