import { systemClock } from '@syncline/server/internal/foundation/clock'
import { parseRedisUrl } from '@syncline/server/internal/foundation/redis-url'
import { decodePublication } from '@syncline/server/internal/store/publication'
import { entryChecksum } from '@syncline/server/internal/store/redis-checksum'
import { baseKey, channelOf, keysOf, namesKey } from '@syncline/server/internal/store/redis-keys'
import { openRedisLog } from '@syncline/server/internal/store/redis-log'
import type { StoreEvent } from '@syncline/server/internal/store/store-event'
import { StoreOpenError } from '@syncline/server/internal/store/store-open-error'
import {
  HistoryRewritten,
  LogDamage,
  LogRefusal,
  noLink,
  type UpdateLog,
} from '@syncline/server/internal/store/update-log'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type RedisServer, startRedisServer } from '../support/redis-server.ts'
import { waitUntil } from '../support/wait-until.ts'
import { currentGeneration, expectChain, makeBase, makeEntries, makeEntry, readAll } from './log-content.ts'
import { updateLogSuite } from './update-log.suite.ts'

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedisServer()
})
afterAll(() => redis.remove())

const instance = '00000000000000aa'

async function openLog(onEvent: (event: StoreEvent) => void = () => {}): Promise<UpdateLog> {
  return openRedisLog({
    target: parseRedisUrl(redis.url)!,
    clock: systemClock,
    instance,
    graceMs: 2_000,
    onEvent,
  })
}

updateLogSuite({
  name: 'redis log',
  isShared: true,
  async open() {
    await redis.client.flushall()
    const opened = {
      log: await openLog(),
      async reopen() {
        await opened.log.close()
        opened.log = await openLog()
        return opened.log
      },
      remove: () => opened.log.close(),
    }
    return opened
  },
})

describe('a store in Redis', () => {
  let logs: UpdateLog[] = []
  let log: UpdateLog
  let other: UpdateLog
  beforeEach(async () => {
    await redis.client.flushall()
    logs = await Promise.all([openLog(), openLog()])
    log = logs[0]!
    other = logs[1]!
  })
  afterEach(async () => {
    await Promise.all(logs.map(one => one.close()))
  })

  /** What is published on a document's channel from now on. */
  async function listen(document: string) {
    const subscriber = redis.client.duplicate()
    const heard: Buffer[] = []
    subscriber.on('smessageBuffer', (_channel: Buffer, message: Buffer) => heard.push(message))
    await subscriber.ssubscribe(channelOf(document))
    return { heard, stop: () => subscriber.disconnect() }
  }

  test('[LOG-3] two who write to one document at once make one chain', async () => {
    const appended = Array.from({ length: 300 }, (_, i) =>
      logs[i % 2]!.append('a', 0, makeEntries((i % 3) + 1)),
    )
    const epochs = new Set((await Promise.all(appended)).map(({ epoch }) => epoch))
    expect(epochs.size).toBe(1)
    const entries = await readAll(log, 'a')
    expect(entries.length).toBe(600)
    expectChain(entries)
  })

  test('what is appended is published as it can be read', async () => {
    const { heard, stop } = await listen('a')
    await log.append('a', 0, makeEntries(2))
    await other.append('a', 0, makeEntries(1))
    await waitUntil('both publications', () => heard.length === 2)
    const carried = heard.map(decodePublication)
    expect(carried).toMatchObject([{ kind: 'entries', instance }, { kind: 'entries' }])
    const entries = carried.flatMap(told => (told?.kind === 'entries' ? told.entries : []))
    expect(entries.map(entry => ({ ...entry, update: new Uint8Array(entry.update) }))).toEqual(
      await readAll(log, 'a'),
    )
    stop()
  })

  test('of a large append the end is published, of a known one nothing', async () => {
    const { heard, stop } = await listen('a')
    const entries = [makeEntry({ update: new Uint8Array(70_000) })]
    const { ends } = await log.append('a', 0, entries)
    await log.append('a', 0, entries)
    await log.replaceBase('a', null, makeBase(1))
    await log.replaceDocument('a', null, {
      ...makeBase(0),
      lacks: { structs: new Map(), deletes: new Map() },
    })
    await log.delete('a')
    await waitUntil('four publications', () => heard.length === 4)
    expect(heard.map(decodePublication)).toEqual([
      { instance, kind: 'appended', end: ends[0] },
      { instance, kind: 'base-replaced' },
      { instance, kind: 'epoch-ended' },
      { instance, kind: 'epoch-ended' },
    ])
    stop()
  })

  test('a room elsewhere does not bring back what was deleted', async () => {
    const { epoch, ends } = await log.append('a', 0, makeEntries(2))
    await other.delete('a')
    const history = { epoch, link: ends[1]!.link }
    await expect(log.append('a', 2, makeEntries(1), history)).rejects.toThrow(/was deleted/)
    await expect(log.append('a', 0, makeEntries(1), { epoch, link: noLink })).rejects.toThrow(LogRefusal)
    expect(await log.list(null, 1)).toEqual([])
    // Somebody who knows nothing of it may make it again.
    const again = await log.append('a', 0, makeEntries(1), { epoch: null, link: noLink })
    expect(again.epoch).not.toBe(epoch)
    await expect(log.append('a', 2, makeEntries(1), history)).rejects.toThrow(HistoryRewritten)
  })

  test('of a deleted document only what tells that it was stays, and that for a day', async () => {
    await log.append('a', 0, makeEntries(2))
    await log.replaceBase('a', null, makeBase(1))
    await log.replaceDocument('a', null, {
      ...makeBase(0),
      lacks: { structs: new Map(), deletes: new Map() },
    })
    await log.claimCompaction('a')
    await log.delete('a')
    const keys = await redis.client.keys('*')
    expect(keys.length).toBe(2)
    for (const key of keys) {
      expect(key).toMatch(/:ended:[0-9a-f]{16}$/)
      expect(await redis.client.ttl(key)).toBeGreaterThan(86_000)
    }
  })

  test('a base that is not put in place goes by itself, the current one does not, a former one after a while', async () => {
    await log.append('a', 0, makeEntries(2))
    await log.replaceBase('a', null, makeBase(1))
    const keys = keysOf('a')
    const first = baseKey(keys, (await currentGeneration(log, 'a'))!)
    expect(await redis.client.ttl(first)).toBe(-1)
    await log.replaceBase('a', null, makeBase(2))
    await log.replaceBase('a', 5, makeBase(2))
    expect((await redis.client.keys('*:base:*')).length).toBe(1)
    await log.replaceBase('a', await currentGeneration(log, 'a'), makeBase(2))
    expect(await redis.client.ttl(first)).toBeGreaterThan(3_000)
    expect(await redis.client.ttl(baseKey(keys, (await currentGeneration(log, 'a'))!))).toBe(-1)
  })

  test('a name whose document is not there is passed over', async () => {
    await log.append('b', 0, makeEntries(1))
    await redis.client.zadd(namesKey, 0, 'a', 0, 'c')
    expect(await log.list(null, 2)).toMatchObject([{ document: 'b' }])
    expect(await log.list('b', 2)).toEqual([])
  })

  test('an entry that is missing or damaged is an error for its readers that names it', async () => {
    await log.append('a', 0, makeEntries(4))
    await redis.client.xdel(keysOf('a').log, '3-1')
    expect((await log.readEntries('a', 0, 1_000_000)).map(({ seq }) => seq)).toEqual([1, 2])
    const damage = await log.readEntries('a', 2, 1_000_000).catch((error: unknown) => error)
    expect(damage).toBeInstanceOf(LogDamage)
    expect(damage).toMatchObject({ document: 'a', part: { kind: 'entries', from: 3, to: 3 } })
    await log.append('b', 0, makeEntries(1))
    const xadd = (id: string, checksum: Buffer) =>
      redis.client.xadd(keysOf('b').log, id, 'l', '12345678', 'p', '12345678', 'c', checksum, 'b', '\x02')
    await xadd('2-1', Buffer.from('none'))
    const differs = 'entry 2 of "b" is not what was written: its checksum differs'
    await expect(log.readEntries('b', 1, 1_000)).rejects.toThrow(differs)
    // As a newer server would have written it.
    await redis.client.xdel(keysOf('b').log, '2-1')
    await xadd('2-2', entryChecksum(channelOf('b'), Buffer.from('12345678'), Buffer.from('\x02')))
    await expect(log.readEntries('b', 1, 1_000)).rejects.toThrow(
      /entry 2 of "b" cannot be read.*got format 2/,
    )
  })

  test('a base or a former epoch that is damaged, or lies where it does not belong, is an error that names it', async () => {
    const lacks = { structs: new Map(), deletes: new Map() }
    for (const name of ['a', 'b']) {
      await log.append(name, 0, makeEntries(1))
      await log.replaceDocument(name, null, { ...makeBase(0), lacks })
    }
    const keys = keysOf('a')
    const generation = (await currentGeneration(log, 'a'))!
    const base = baseKey(keys, generation)
    const [first, second] = (await redis.client.hmgetBuffer(base, '0', '1')) as [Buffer, Buffer]
    await redis.client.hset(base, '0', second, '1', Buffer.concat([second, Buffer.of(0)]))
    for (const piece of [0, 1])
      await expect(log.readPiece('a', generation, piece)).rejects.toMatchObject({
        part: { kind: 'piece', piece },
      })
    await redis.client.hset(base, '0', first, 'catchUp', first)
    expect((await log.readPiece('a', generation, 0)).length).toBe(300)
    await expect(log.load('a')).rejects.toMatchObject({ part: { kind: 'base' } })
    await redis.client.lset(keysOf('b').former, 1, 'damaged')
    await expect(log.load('b')).rejects.toMatchObject({ part: { kind: 'document' } })
  })

  test('a script that Redis has forgotten is sent again, among others that it has', async () => {
    await log.append('a', 0, makeEntries(1))
    await redis.client.script('FLUSH')
    const answers = await Promise.all([
      log.append('a', 1, makeEntries(1)),
      log.append('b', 0, makeEntries(1)),
      log.load('a'),
      log.append('a', 1, makeEntries(1)),
    ])
    expect(answers[0].ends[0]!.seq).toBe(2)
    expect((await readAll(log, 'a')).length).toBe(3)
  })

  test('what saved means follows from how Redis writes, and is told', async () => {
    const told: StoreEvent[] = []
    const means = [
      ['appendfsync', 'always', 'in Redis with appendfsync always: on the disk of its host'],
      [
        'appendfsync',
        'everysec',
        'in Redis with appendfsync everysec: a crash of its host may lose up to two seconds',
      ],
      [
        'appendonly',
        'no',
        'in Redis without an append-only file: a restart of it loses what its last snapshot lacks',
      ],
    ] as const
    for (const [name, value, savedMeans] of means) {
      await redis.client.config('SET', name, value)
      const opened = await openLog(event => told.push(event))
      expect(opened.savedMeans).toBe(savedMeans)
      expect(told.at(-1)).toEqual({ kind: 'saved-means', savedMeans })
      await opened.close()
    }
    await redis.client.config('SET', 'appendonly', 'yes')
  })

  test('a Redis that forbids the question is one that does not tell', async () => {
    await redis.client.acl('SETUSER', 'default', '-config')
    const opened = await openLog()
    expect(opened.savedMeans).toBe('in Redis, which does not tell whether it writes to a disk')
    await opened.close()
    await redis.client.acl('SETUSER', 'default', '+config')
  })

  test.each(['allkeys-lru', 'volatile-ttl'])(
    'a Redis that evicts (%s) is refused at the start',
    async policy => {
      await redis.client.config('SET', 'maxmemory-policy', policy)
      const refused = await openLog().catch((error: unknown) => error)
      expect(refused).toBeInstanceOf(StoreOpenError)
      expect(refused).toMatchObject({ code: 'REDIS_UNSUITABLE' })
      expect((refused as Error).message).toContain(`maxmemory-policy is ${policy}`)
      await redis.client.config('SET', 'maxmemory-policy', 'noeviction')
    },
  )

  test('a backup is refused in favour of what Redis has', async () => {
    await expect(log.backup('/nowhere')).rejects.toThrow(/BGSAVE/)
  })
})
