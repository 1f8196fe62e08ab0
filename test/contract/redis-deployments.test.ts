import { systemClock } from '@syncline/server/internal/foundation/clock'
import { parseRedisUrl } from '@syncline/server/internal/foundation/redis-url'
import { openRedisLog } from '@syncline/server/internal/store/redis-log'
import type { UpdateLog } from '@syncline/server/internal/store/update-log'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RedisServer, startRedisCluster, startRedisSentinels } from '../support/redis-server.ts'
import { makeEntries } from './log-content.ts'
import { updateLogSuite } from './update-log.suite.ts'

/**
 * The log in several servers of Redis that belong together: what holds for one holds for a Cluster, and for a master that
 * Sentinels name.
 */
interface Deployment {
  readonly url: string
  /** Those that are written to. */
  readonly masters: readonly RedisServer[]
  remove(): Promise<void>
}

const deployments: [string, () => Promise<Deployment>][] = [
  ['redis log in a Cluster', startRedisCluster],
  [
    'redis log under Sentinels',
    async () => {
      const sentinels = await startRedisSentinels()
      return { ...sentinels, masters: [sentinels.master] }
    },
  ],
]

describe.each(deployments)('with its servers', (name, start) => {
  let redis: Deployment
  beforeAll(async () => {
    redis = await start()
  })
  afterAll(() => redis.remove())

  const openLog = (): Promise<UpdateLog> =>
    openRedisLog({
      target: parseRedisUrl(redis.url)!,
      clock: systemClock,
      instance: '00000000000000aa',
      graceMs: 5_000,
    })

  updateLogSuite({
    name,
    isShared: true,
    async open() {
      await Promise.all(redis.masters.map(({ client }) => client.flushall()))
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

  test(`${name}: documents of every name are listed, and lie where their keys do`, async () => {
    await Promise.all(redis.masters.map(({ client }) => client.flushall()))
    const log = await openLog()
    const names = Array.from({ length: 60 }, (_, i) => `${i % 2 === 0 ? '}' : '{x}'}${i}`).sort()
    await Promise.all(names.map(document => log.append(document, 0, makeEntries(2))))
    expect((await log.list(null, 100)).map(({ document }) => document)).toEqual(names)
    const sizes = await Promise.all(redis.masters.map(({ client }) => client.dbsize()))
    for (const size of sizes) expect(size).toBeGreaterThan(0)
    for (const { client } of redis.masters) await client.script('FLUSH')
    await Promise.all(names.map(document => log.append(document, 2, makeEntries(1))))
    for (const { tailEntries } of await log.list(null, 100)) expect(tailEntries).toBe(3)
    await log.close()
  })
})
