import type { RevocationList } from '@syncline/server/internal/auth/revocation-list'
import { openRevocations } from '@syncline/server/internal/auth/revocations'
import { type Clock, systemClock } from '@syncline/server/internal/foundation/clock'
import { parseRedisUrl } from '@syncline/server/internal/foundation/redis-url'
import { settingsWith } from '@syncline/server/internal/foundation/settings'
import { revocationsKey } from '@syncline/server/internal/store/redis-keys'
import { openRedisRevocations } from '@syncline/server/internal/store/redis-revocations'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type RedisServer, startRedisServer } from '../support/redis-server.ts'
import { waitUntil } from '../support/wait-until.ts'
import { makeRevocation, revocationsSuite } from './revocations.suite.ts'

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedisServer()
})
afterAll(() => redis.remove())

const open = (clock: Clock = systemClock): RevocationList =>
  openRedisRevocations({ target: parseRedisUrl(redis.url)!, clock })

revocationsSuite({
  name: 'revocations in Redis',
  async open() {
    await redis.client.flushall()
    const lists = [open()]
    await lists[0]!.load()
    const another = async () => {
      const list = open()
      await list.load()
      lists.push(list)
      return list
    }
    return {
      list: lists[0]!,
      reopen: another,
      another,
      async remove() {
        await Promise.all(lists.map(list => list.close()))
      },
    }
  },
})

describe('in Redis', () => {
  const lists: RevocationList[] = []
  beforeEach(async () => {
    await redis.client.flushall()
  })
  afterEach(async () => {
    await Promise.all(lists.splice(0).map(list => list.close()))
  })
  const openOne = (clock?: Clock) => {
    const list = open(clock)
    lists.push(list)
    return list
  }
  function watch(list: RevocationList) {
    const told: string[] = []
    list.watch({ changed: all => told.push(`${all.length} revocations`), away: () => told.push('away') })
    return told
  }

  test('[AUTH-2] a Redis that does not answer is away within 5 s, and told as it is when it is back', async () => {
    const list = openOne()
    await list.load()
    await list.add(makeRevocation())
    await list.load()
    const told = watch(list)
    redis.pause()
    try {
      await waitUntil('it to be away', () => told.includes('away'), { timeoutMs: 5_500 })
    } finally {
      redis.resume()
    }
    await waitUntil('it to be here', () => told.at(-1) === '1 revocations')
  })

  test('a Redis that was lost with its data gets back what a living instance knows', async () => {
    const settings = settingsWith()
    const instances = await Promise.all(
      [openOne(), openOne()].map(list => openRevocations({ list, clock: systemClock, settings })),
    )
    const order = { user: 'u1', token: null, document: null, access: 'none' } as const
    expect(await instances[0]!.revoke(order)).toMatchObject({ ok: true })
    await redis.kill()
    await redis.restart({ withData: false })
    const late = openOne()
    await waitUntil('it to be there again', async () => (await late.load()).length === 1)
    expect(await late.load()).toMatchObject([{ user: 'u1' }])
    await Promise.all(instances.map(one => one.close()))
  })

  test('[AUTH-2] a Redis that is not there: nobody can be sure, until it is', async () => {
    await redis.kill()
    const list = openOne()
    await expect(list.load()).rejects.toThrow('no answer')
    await expect(list.add(makeRevocation())).rejects.toThrow(/no connection to Redis/)
    const told = watch(list)
    await redis.restart()
    await waitUntil('it to be told', () => told.length > 0)
    expect(told).toEqual(['0 revocations'])
  })

  test('what has ended is swept, an hour later for the sake of clocks that differ', async () => {
    const nowMs = Date.now()
    const ended = makeRevocation({ user: 'u1', sinceMs: nowMs - 7_200_000, untilMs: nowMs - 3_600_001 })
    const justEnded = makeRevocation({ user: 'u2', sinceMs: nowMs - 7_200_000, untilMs: nowMs - 1_000 })
    const list = openOne()
    await list.load()
    await list.add(ended)
    await list.add(justEnded)
    await list.load()
    await waitUntil('it to be swept', async () => (await redis.client.hlen(revocationsKey)) === 2)
    expect(await list.load()).toEqual([justEnded])
  })

  test('one that cannot be read is not passed over', async () => {
    const list = openOne()
    await list.load()
    await redis.client.hset(revocationsKey, 'x', '{"user":"u1"}', 'version', 'other')
    await expect(list.load()).rejects.toThrow('is none')
    const told = watch(list)
    await waitUntil('it to be away', () => told.includes('away'))
  })
})
