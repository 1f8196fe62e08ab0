/**
 * Who is here, over real sockets, two server processes and one Redis.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { frame } from '../support/raw-client.ts'
import { type RedisServer, startRedisServer } from '../support/redis-server.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { joinToWatch, told, waitToBeTold } from '../support/told-presence.ts'

const [ada, bob] = [11, 22]
let redis: RedisServer
let left: ServerProcess
let right: ServerProcess
beforeAll(async () => {
  redis = await startRedisServer()
  const start = () => startServer({ env: { SYNCLINE_REDIS_URL: redis.url } })
  ;[left, right] = await Promise.all([start(), start()])
})
afterAll(async () => {
  await Promise.all([left, right].map(server => server[Symbol.asyncDispose]()))
  await redis.remove()
})

test('[REL-1] presence crosses both ways, newcomers are told, and who goes is taken away', async () => {
  using atLeft = await joinToWatch(left, 'crossing')
  using atRight = await joinToWatch(right, 'crossing')
  atLeft.send(frame.presence(ada, 1, { name: 'Ada' }))
  atRight.send(frame.presence(bob, 1, { name: 'Bob' }))
  await waitToBeTold(atRight, ada, '1:{"name":"Ada"}')
  await waitToBeTold(atLeft, bob, '1:{"name":"Bob"}')
  using newcomer = await joinToWatch(right, 'crossing')
  await waitToBeTold(newcomer, ada, '1:{"name":"Ada"}')
  atLeft.send(frame.presence(ada, 2, null))
  await waitToBeTold(newcomer, ada, '2:null')
})

test('who breaks off on one instance and comes to the other with the clock it had never vanishes', async () => {
  using watcher = await joinToWatch(left, 'moving')
  const before = await joinToWatch(left, 'moving')
  before.send(frame.presence(ada, 3, { name: 'Ada' }))
  await waitToBeTold(watcher, ada, '3:{"name":"Ada"}')
  before.terminate()
  using after = await joinToWatch(right, 'moving')
  after.send(frame.presence(ada, 3, { name: 'Ada' }))
  // The grace of another who broke off at the same moment is over.
  const other = await joinToWatch(left, 'moving')
  other.send(frame.presence(bob, 1, { name: 'Bob' }))
  await waitToBeTold(watcher, bob, '1:{"name":"Bob"}')
  other.terminate()
  await waitToBeTold(watcher, bob, '1:null')
  expect(told(watcher, ada).filter(what => what.endsWith('null'))).toEqual([])
  after.send(frame.presence(ada, 4, { name: 'Ada' }))
  await waitToBeTold(watcher, ada, '4:{"name":"Ada"}')
})

test('people of an instance that was killed are gone within 30 s', async () => {
  await using doomed = await startServer({ env: { SYNCLINE_REDIS_URL: redis.url } })
  using watcher = await joinToWatch(right, 'killed')
  const client = await joinToWatch(doomed, 'killed')
  client.send(frame.presence(ada, 1, { name: 'Ada' }))
  await waitToBeTold(watcher, ada, '1:{"name":"Ada"}')
  await doomed.kill()
  await waitToBeTold(watcher, ada, '1:null', 40_000)
})
