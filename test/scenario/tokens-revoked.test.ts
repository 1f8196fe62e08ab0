/**
 * What is revoked at one of two real instances on one Redis: it counts at both, and while Redis is away what was known last counts,
 * or nobody is let in, as the setting says.
 */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { arrive, somePage } from '../support/arrival.ts'
import { type Instances, startInstances } from '../support/instances.ts'
import { liveToken, secretEnv, withToken } from '../support/live-tokens.ts'
import { type RedisServer, startRedisServer } from '../support/redis-server.ts'
import { type Order, revoke, revokedWithinMs } from '../support/revoke.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { connectStock, type StockClient } from '../support/stock-client.ts'
import { waitUntil } from '../support/wait-until.ts'

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedisServer()
})
afterAll(() => redis?.remove())

async function join(server: ServerProcess, document: string, token: string): Promise<StockClient> {
  const client = connectStock(server.wsUrl, document, { params: { token } })
  await client.synced()
  return client
}

const textOf = ({ doc }: StockClient) => doc.getText('text')

describe('at two instances', () => {
  let instances: Instances
  let left: ServerProcess
  let right: ServerProcess
  beforeAll(async () => {
    instances = await startInstances([redis.url, redis.url], { env: secretEnv })
    ;[left, right] = instances.servers as [ServerProcess, ServerProcess]
  })
  afterAll(() => instances?.[Symbol.asyncDispose]())

  const tokenId = randomUUID()
  test.each<readonly [string, string, Order, boolean]>([
    ['a user', 'by user', { user: 'ada' }, true],
    ['a token', 'by token', { token: tokenId }, true],
    ['a document', 'by document', { document: 'by document' }, false],
  ])(
    '[AUTH-2] %s that is revoked at one is sent away from both within five seconds, and not let in again',
    async (_, document, order, othersStay) => {
      const token = await liveToken({ sub: 'ada', jti: tokenId })
      const others = await liveToken({ sub: 'ben' })
      const gone = [await join(left, document, token), await join(right, document, token)]
      const bystanders = [await join(left, document, others), await join(right, document, others)]
      await revoke(left, order)
      await waitUntil('both to be sent away', () => gone.every(({ ends }) => ends.length > 0), {
        timeoutMs: revokedWithinMs,
        found: () => gone.map(({ ends }) => ends),
      })
      for (const { ends } of gone) {
        expect(ends).toMatchObject([{ code: 4401 }])
        expect(ends[0]!.reason).toContain('has been revoked')
      }
      const path = withToken(document, token)
      const again = [left, right].flatMap(({ wsUrl }) => [
        arrive(wsUrl, path),
        arrive(wsUrl, path, { origin: somePage }),
      ])
      const program = { told: 'http', status: 401, code: 'GRANT_REVOKED' }
      const page = { told: 'close', code: 4401, frames: 0 }
      expect(await Promise.all(again)).toMatchObject([program, page, program, page])
      if (othersStay) {
        const [one, other] = bystanders as [StockClient, StockClient]
        textOf(one).insert(0, 'going on')
        await waitUntil('the others to go on', () => textOf(other).toString() === 'going on')
      }
      expect(bystanders.map(({ ends }) => ends.length > 0)).toEqual([!othersStay, !othersStay])
      for (const client of [...gone, ...bystanders]) client.destroy()
    },
  )

  test('[AUTH-2] a downgrade at one takes effect at the other on the same socket', async () => {
    const token = await liveToken({ sub: 'cleo' })
    using cleo = await join(right, 'less', token)
    using ben = await join(left, 'less', await liveToken({ sub: 'ben' }))
    const { ws } = cleo.provider
    await revoke(left, { user: 'cleo', access: 'read' })
    const whoami = async () => {
      const response = await fetch(`${right.url}/api/whoami?document=less`, {
        headers: { Authorization: `Bearer ${token}` },
      })
      return JSON.stringify(await response.json())
    }
    await waitUntil('the other to know', async () => (await whoami()).includes('"read"'), {
      timeoutMs: revokedWithinMs,
      found: whoami,
    })
    textOf(cleo).insert(0, 'forbidden')
    textOf(ben).insert(0, 'read')
    await waitUntil('her to go on reading', () => textOf(cleo).toString().includes('read'))
    textOf(ben).insert(4, ' on')
    await waitUntil('her to read on', () => textOf(cleo).toString().includes('read on'))
    expect([textOf(ben).toString(), cleo.ends]).toEqual(['read on', []])
    expect(cleo.provider.ws).toBe(ws)
  })
})

describe('while Redis is away', () => {
  test('[AUTH-2] the list last known counts, or nobody is let in and everybody is sent away, by setting', async () => {
    const own = await startRedisServer()
    await using _own = { [Symbol.asyncDispose]: () => own.remove() }
    const start = (revocationsAway: string) =>
      startServer({
        env: { ...secretEnv, SYNCLINE_REDIS_URL: own.url, SYNCLINE_REVOCATIONS_AWAY: revocationsAway },
      })
    const [keeping, refusing] = await Promise.all([start('keep'), start('refuse')])
    await using _keeping = keeping
    await using _refusing = refusing
    const token = await liveToken({ sub: 'ada' })
    await revoke(keeping, { user: 'ada' })
    const good = await liveToken({ sub: 'ben' })
    using one = await join(keeping, 'shared', good)
    using other = await join(keeping, 'shared', good)
    using elsewhere = await join(refusing, 'shared', good)
    await own.kill()
    await waitUntil('those there to be sent away', () => elsewhere.ends.length > 0, {
      found: () => refusing.logs.slice(-5),
    })
    // 1013: a stock client comes back, and is let in when Redis is there.
    expect(elsewhere.ends[0]).toMatchObject({ code: 1013 })
    expect(elsewhere.ends[0]!.reason).toContain('not known what has been revoked')
    expect(await arrive(refusing.wsUrl, withToken('shared', good))).toMatchObject({
      status: 503,
      code: 'REVOCATIONS_UNAVAILABLE',
    })
    await keeping.waitForLog('it to notice as well', ({ msg }) => msg === 'auth away')
    expect(await arrive(keeping.wsUrl, withToken('shared', token))).toMatchObject({ code: 'GRANT_REVOKED' })
    textOf(one).insert(0, 'on')
    await waitUntil('people to go on', () => textOf(other).toString() === 'on')
    expect([one.ends, other.ends]).toEqual([[], []])
    await own.restart()
    await waitUntil(
      'the other to be back with everything',
      () => elsewhere.provider.synced && textOf(elsewhere).toString() === 'on',
      { found: () => elsewhere.ends },
    )
    expect(await arrive(refusing.wsUrl, withToken('shared', token))).toMatchObject({ code: 'GRANT_REVOKED' })
  })
})
