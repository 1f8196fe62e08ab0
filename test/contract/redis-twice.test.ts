import { systemClock } from '@syncline/server/internal/foundation/clock'
import { parseRedisUrl } from '@syncline/server/internal/foundation/redis-url'
import { keysOf, namesKey } from '@syncline/server/internal/store/redis-keys'
import { openRedisLog } from '@syncline/server/internal/store/redis-log'
import { deleteScript } from '@syncline/server/internal/store/redis-scripts'
import type { UpdateLog } from '@syncline/server/internal/store/update-log'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type RedisServer, startRedisServer } from '../support/redis-server.ts'
import { waitUntil } from '../support/wait-until.ts'
import { makeEntries } from './log-content.ts'
import { updateLogSuite } from './update-log.suite.ts'

/**
 * After an interruption ioredis sends again what it had no answer to, and nobody knows whether Redis had done it. Here everything
 * is sent twice, always: the contract has to hold all the same. But for a claim, which finds itself then, and only saves work.
 */
type Send = (this: Redis, ...values: unknown[]) => Promise<unknown>

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedisServer()
})
afterAll(() => redis.remove())

/** Puts something else in the place of a method of every connection; the returned function ends that. */
function replaceMethod(name: string, replacement: (original: Send) => Send): () => void {
  const methods = Redis.prototype as unknown as Record<string, Send>
  const original = methods[name]!
  methods[name] = replacement(original)
  return () => {
    methods[name] = original
  }
}

function sendTwice(original: Send): Send {
  return async function (...values) {
    await original.apply(this, [...values])
    return original.apply(this, [...values])
  }
}

function openLog(): Promise<UpdateLog> {
  return openRedisLog({
    target: parseRedisUrl(redis.url)!,
    clock: systemClock,
    instance: '00000000000000aa',
    graceMs: 2_000,
  })
}

updateLogSuite({
  name: 'redis log, everything sent twice',
  isShared: true,
  async open() {
    await redis.client.flushall()
    const restore = ['evalsha', 'eval', 'hset', 'zadd', 'zrem'].map(name =>
      replaceMethod(`${name}Buffer`, sendTwice),
    )
    const opened = {
      log: await openLog(),
      async reopen() {
        await opened.log.close()
        opened.log = await openLog()
        return opened.log
      },
      async remove() {
        for (const end of restore) end()
        await opened.log.close()
      },
    }
    return opened
  },
})

test('a deletion that is sent again does not take what was made since', async () => {
  await redis.client.flushall()
  const log = await openLog()
  onTestFinished(() => log.close())
  const { epoch } = await log.append('a', 0, makeEntries(1))
  await log.delete('a')
  const made = await log.append('a', 0, makeEntries(1))
  const { log: entries, meta, channel, former, lease } = keysOf('a')
  await redis.client.eval(deleteScript.source, 5, entries, meta, channel, former, lease, epoch, 1_000, '')
  expect((await log.position('a')).epoch).toBe(made.epoch)
})

test('a name that a deletion takes away while its document is made is listed all the same', async () => {
  await redis.client.flushall()
  const log = await openLog()
  onTestFinished(() => log.close())
  let taken = false
  const restore = replaceMethod(
    'zaddBuffer',
    original =>
      async function (...values) {
        const added = await original.apply(this, values)
        if (!taken) await redis.client.zrem(namesKey, 'a')
        taken = true
        return added
      },
  )
  onTestFinished(restore)
  await log.append('a', 0, makeEntries(1))
  await waitUntil('the name to be listed', async () => (await log.list(null, 1)).length === 1)
  expect(taken).toBe(true)
})
