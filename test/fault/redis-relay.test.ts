/**
 * The relay between instances over a real Redis, and what happens to it: subscriptions that are cut, a Redis that dies, bytes of
 * strangers, rooms that open and close faster than Redis answers.
 */
import { type Entry, encodeEntry } from '@syncline/server/internal/store/entry'
import { encodePresence, publicationHead } from '@syncline/server/internal/store/publication'
import { channelOf } from '@syncline/server/internal/store/redis-keys'
import type { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { makeEntry } from '../contract/log-content.ts'
import { Random, testSeed } from '../support/counts.ts'
import {
  type RedisServer,
  startRedisCluster,
  startRedisSentinels,
  startRedisServer,
} from '../support/redis-server.ts'
import { HearingListener, openRelayEnd, type RelayEnd } from '../support/relay-end.ts'
import { waitUntil } from '../support/wait-until.ts'

let server: RedisServer
let ends: RelayEnd[] = []
beforeAll(async () => {
  server = await startRedisServer()
})
afterAll(() => server.remove())
afterEach(async () => {
  await Promise.all(ends.map(end => end.close()))
  ends = []
})

function openEnd(url = server.url): RelayEnd {
  const end = openRelayEnd(url)
  ends.push(end)
  return end
}

/** A listener that hears from now on. */
async function joined(end: RelayEnd, document: string) {
  const listener = new HearingListener()
  const channel = end.relay.join(document, listener)
  await waitUntil('the subscription', () => listener.subscriptions === 1)
  return { listener, channel }
}

const stranger = '00112233445566ff'
const link = (byte: number) => Buffer.alloc(8, byte)

function seqBytes(seq: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(seq))
  return bytes
}

function entriesBytes(seq: number, entry: Entry): Buffer {
  const body = encodeEntry(entry)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  return Buffer.concat([publicationHead('entries', stranger), seqBytes(seq), link(1), link(2), length, body])
}

const appendedBytes = (seq: number) =>
  Buffer.concat([publicationHead('appended', stranger), seqBytes(seq), link(3)])

/** Channels that somebody is subscribed to, as Redis sees it. */
async function subscribedChannels(client: Redis): Promise<string[]> {
  return ((await client.call('PUBSUB', 'SHARDCHANNELS')) as string[]).sort()
}

test('two instances hear each other and not themselves, each document apart', async () => {
  const [left, right] = [openEnd(), openEnd()]
  const atLeft = await joined(left, 'a')
  const atRight = await joined(right, 'a')
  const elsewhere = await joined(right, 'b')
  atLeft.channel.sayPresence(Buffer.from('l'), false)
  atLeft.channel.askPresence()
  atRight.channel.sayPresence(Buffer.from('r'), true)
  await waitUntil('both to hear', () => atLeft.listener.calls === 1 && atRight.listener.calls === 2)
  expect(atRight.listener.presences).toEqual([{ instance: left.instance, awareness: 'l', whole: false }])
  expect(atRight.listener.asked).toBe(1)
  expect(atLeft.listener.presences).toEqual([{ instance: right.instance, awareness: 'r', whole: true }])
  expect(elsewhere.listener.calls).toBe(0)
})

test('what is appended arrives as entries, or as their end where it is large', async () => {
  const { listener } = await joined(openEnd(), 'names with } and 😀')
  const channel = channelOf('names with } and 😀')
  const entry = makeEntry()
  await server.client.spublish(channel, entriesBytes(7, entry))
  await server.client.spublish(channel, appendedBytes(9))
  await server.client.spublish(channel, publicationHead('base-replaced', stranger))
  await server.client.spublish(channel, publicationHead('epoch-ended', stranger))
  await waitUntil('everything', () => listener.epochs === 1)
  const places = { seq: 7, previousLink: '01'.repeat(8), link: '02'.repeat(8) }
  expect(listener.heard).toEqual([{ ...entry, ...places }])
  expect(listener.ends).toEqual([{ seq: 9, link: '03'.repeat(8) }])
  expect(listener.bases).toBe(1)
})

test('a second room of a document is told that it hears, and the first goes on when it leaves', async () => {
  const end = openEnd()
  const first = await joined(end, 'twice')
  const second = await joined(end, 'twice')
  second.channel.leave()
  second.channel.leave()
  await server.client.spublish(channelOf('twice'), appendedBytes(1))
  await waitUntil('the first to hear', () => first.listener.ends.length === 1)
  expect(second.listener.calls).toBe(0)
  expect(first.listener.subscriptions).toBe(1)
})

test('however rooms come and go while Redis answers, in the end those that stay are heard and no others', async () => {
  const random = new Random(testSeed())
  const end = openEnd()
  const kept = new Map<string, ReturnType<typeof end.relay.join>>()
  const listener = new HearingListener()
  for (let step = 0; step < 3_000; step++) {
    const document = `moving ${random.below(8)}`
    const channel = kept.get(document)
    if (channel === undefined) kept.set(document, end.relay.join(document, listener))
    else {
      kept.delete(document)
      channel.leave()
    }
    if (random.fraction() < 0.05) await end.commands.ping()
    if (random.fraction() < 0.005) await server.killClients('pubsub')
  }
  kept.set('one that stays', end.relay.join('one that stays', listener))
  const wanted = [...kept.keys()].map(channelOf).sort()
  const found = () => subscribedChannels(server.client)
  await waitUntil('the channels of those that stay', async () => String(await found()) === String(wanted))
  for (const channel of kept.values()) channel.leave()
  await waitUntil('no channel', async () => (await found()).length === 0)
})

test('[REL-1] with the subscribing connection killed every 400 ms whoever reads after each subscription misses nothing', async () => {
  const [documentCount, killsMax, appendsPerTurn] = [50, 8, 10]
  const end = openEnd()
  const documents = Array.from({ length: documentCount }, (_, i) => `killed ${i}`)
  const listKey = (document: string) => `${channelOf(document)}:list`
  const got = new Map<string, number>(documents.map(document => [document, 0]))
  const read = async (document: string) => {
    got.set(document, Math.max(got.get(document)!, await end.commands.llen(listKey(document))))
  }
  const listeners = documents.map(document => {
    const listener = new HearingListener()
    listener.appended = () => void read(document)
    const subscribed = listener.subscribed.bind(listener)
    listener.subscribed = () => {
      subscribed()
      void read(document)
    }
    end.relay.join(document, listener)
    return listener
  })
  await waitUntil('the first subscriptions', () =>
    listeners.every(({ subscriptions }) => subscriptions === 1),
  )
  let appended = 0
  let kills = 0
  let heardKills = 0
  let killAtMs = performance.now() + 400
  while (kills < killsMax) {
    for (let i = 0; i < appendsPerTurn; i++, appended++) {
      const document = documents[appended % documentCount]!
      await server.client
        .multi()
        .rpush(listKey(document), 'x')
        .spublish(channelOf(document), appendedBytes(1))
        .exec()
    }
    if (performance.now() < killAtMs) continue
    heardKills += Number(await server.client.call('CLIENT', 'KILL', 'TYPE', 'pubsub'))
    kills++
    killAtMs += 400
  }
  // Nobody appends any more: what was lost is found because the subscription is told.
  const arrived = () => [...got.values()].reduce((sum, count) => sum + count, 0)
  await waitUntil('all that was appended', () => arrived() === appended, {
    found: () => `${arrived()} of ${appended}`,
  })
  expect(heardKills).toBeGreaterThan(killsMax / 2)
  await waitUntil('each document to be told', () =>
    listeners.every(({ subscriptions }) => subscriptions >= heardKills / 2),
  )
})

test('[REL-2] after Redis was killed and started again everything is subscribed to again', async () => {
  const end = openEnd()
  const rooms = await Promise.all(
    Array.from({ length: 300 }, (_, i) => `restarted ${i}`).map(document => joined(end, document)),
  )
  await server.kill()
  await waitUntil('the loss to be told', () => end.events.some(({ kind }) => kind === 'away'))
  rooms[0]!.channel.leave()
  const opened = new HearingListener()
  end.relay.join('opened meanwhile', opened)
  await server.restart()
  await waitUntil('all subscriptions', () =>
    [opened, ...rooms.slice(1).map(({ listener }) => listener)].every(
      (listener, i) => listener.subscriptions === (i === 0 ? 1 : 2),
    ),
  )
  expect(await subscribedChannels(server.client)).toHaveLength(300)
  expect(rooms[0]!.listener.subscriptions).toBe(1)
  await server.client.spublish(channelOf('restarted 7'), appendedBytes(1))
  await waitUntil('an append after it', () => rooms[7]!.listener.ends.length === 1)
  expect(end.events.map(({ kind }) => kind)).toEqual(['away', 'here'])
})

test('presence that is said while Redis is away is dropped, not kept', async () => {
  const [left, right] = [openEnd(), openEnd()]
  const { channel } = await joined(left, 'away')
  const { listener } = await joined(right, 'away')
  await server.kill()
  const dropped = () => left.events.filter(({ kind }) => kind === 'presence-dropped').length
  // What is said before the loss is noticed is on its way, and may still arrive.
  await waitUntil('the loss', () => {
    channel.sayPresence(Buffer.from('on its way'), false)
    return dropped() > 0
  })
  for (let i = 0; i < 999; i++) channel.sayPresence(Buffer.from('lost'), false)
  expect(dropped()).toBe(1_000)
  await server.restart()
  await waitUntil('the subscription', () => listener.subscriptions === 2)
  await waitUntil('presence', () => {
    channel.sayPresence(Buffer.from('told'), false)
    return listener.presences.length > 0
  })
  expect(listener.presences.filter(({ awareness }) => awareness === 'lost')).toEqual([])
})

test('presence does not pile up before a Redis that stands still', async () => {
  const end = openEnd()
  const { channel } = await joined(end, 'still')
  server.pause()
  const awareness = Buffer.alloc(64 * 1024)
  for (let i = 0; i < 200; i++) channel.sayPresence(awareness, true)
  server.resume()
  const dropped = () => end.events.filter(({ kind }) => kind === 'presence-dropped').length
  expect(dropped()).toBeGreaterThan(50)
  const isTaken = () => {
    const before = dropped()
    channel.sayPresence(awareness, true)
    return dropped() === before
  }
  await waitUntil('room for more, since what was said is answered', isTaken)
})

test('bytes that are no publication harm nobody, and are told once for each document', async () => {
  const end = openEnd()
  const { listener } = await joined(end, 'strange')
  const other = await joined(end, 'orderly')
  const whole = entriesBytes(1, makeEntry())
  const newer = Buffer.from(appendedBytes(1))
  newer[0] = 2
  const unknownKind = Buffer.from(appendedBytes(1))
  unknownKind[1] = 200
  const strange = [Buffer.alloc(0), Buffer.from('hello'), newer, unknownKind, whole.subarray(0, -1)]
  for (let length = 0; length < 26; length++) strange.push(whole.subarray(0, length))
  for (const bytes of strange) await server.client.spublish(channelOf('strange'), bytes)
  await server.client.spublish(channelOf('strange'), appendedBytes(5))
  await server.client.spublish(channelOf('orderly'), appendedBytes(6))
  await waitUntil('what follows', () => listener.ends.length === 1 && other.listener.ends.length === 1)
  const told = end.events.filter(event => event.kind === 'passed-over')
  expect(told).toHaveLength(strange.length)
  expect(told.filter(({ isFirst, document }) => isFirst && document === 'strange')).toHaveLength(1)
  expect(listener.calls).toBe(1)
})

test('entries whose bodies another version wrote are told as something to be read', async () => {
  const { listener } = await joined(openEnd(), 'newer entries')
  const bytes = entriesBytes(4, makeEntry())
  bytes[publicationHead('entries', stranger).length + 28] = 99
  await server.client.spublish(channelOf('newer entries'), bytes)
  await waitUntil('the end', () => listener.ends.length === 1)
  expect(listener.ends).toEqual([{ seq: 4, link: '02'.repeat(8) }])
})

test('what nobody may subscribe to is asked for again, and heard once it may be', async () => {
  const end = openEnd()
  await joined(end, 'before')
  await server.client.call('ACL', 'SETUSER', 'default', 'resetchannels')
  const listener = new HearingListener()
  end.relay.join('forbidden', listener)
  await waitUntil('the refusal', () => end.events.some(({ kind }) => kind === 'refused'))
  await server.client.call('ACL', 'SETUSER', 'default', 'allchannels')
  await waitUntil('the subscription', () => listener.subscriptions === 1)
})

test('a relay that is closed lets its connection go and says nothing any more', async () => {
  const end = openRelayEnd(server.url)
  const { listener, channel } = await joined(end, 'closed')
  const joining = new HearingListener()
  end.relay.join('closed while it joins', joining)
  await end.relay.close()
  await waitUntil('no subscription', async () => (await subscribedChannels(server.client)).length === 0)
  await server.client.spublish(channelOf('closed'), encodePresence(stranger, Buffer.from('x'), true))
  channel.sayPresence(Buffer.from('x'), true)
  channel.leave()
  await end.close()
  expect([listener.calls, joining.subscriptions]).toEqual([0, 0])
})

test('over a Cluster every node is heard, and again after a subscribing connection is lost', async () => {
  const cluster = await startRedisCluster()
  try {
    const [left, right] = [openEnd(cluster.url), openEnd(cluster.url)]
    const documents = Array.from({ length: 30 }, (_, i) => `}spread ${i}`)
    const atLeft = await Promise.all(documents.map(document => joined(left, document)))
    const atRight = await Promise.all(documents.map(document => joined(right, document)))
    const sayAll = () => {
      for (const { channel } of atLeft) channel.sayPresence(Buffer.from('here'), true)
    }
    sayAll()
    const heard = (times: number) => atRight.every(({ listener }) => listener.presences.length === times)
    await waitUntil('presence on every node', () => heard(1))
    for (let round = 2; round <= 4; round++) {
      const counts = atRight.map(({ listener }) => listener.subscriptions)
      for (const master of cluster.masters) await master.killClients('pubsub')
      await waitUntil('all subscriptions again', () =>
        atRight.every(({ listener }, i) => listener.subscriptions > counts[i]!),
      )
      sayAll()
      await waitUntil('presence after it', () => heard(round))
    }
    for (const { channel } of [...atLeft, ...atRight]) channel.leave()
    for (const { client } of cluster.masters) {
      await waitUntil('no channel', async () => (await subscribedChannels(client)).length === 0)
    }
  } finally {
    await cluster.remove()
  }
})

test('over a Cluster a document whose slot is moved to another node is heard there', async () => {
  const cluster = await startRedisCluster()
  try {
    const [left, right] = [openEnd(cluster.url), openEnd(cluster.url)]
    const [atLeft, atRight] = [await joined(left, 'moved'), await joined(right, 'moved')]
    const channel = channelOf('moved')
    const slot = Number(await cluster.masters[0]!.client.call('CLUSTER', 'KEYSLOT', channel))
    const owner = Math.floor((slot * 3) / 16_384)
    const [from, to] = [cluster.masters[owner]!, cluster.masters[(owner + 1) % 3]!]
    const target = String(await to.client.call('CLUSTER', 'MYID'))
    for (const { client } of [to, from]) await client.call('CLUSTER', 'SETSLOT', slot, 'NODE', target)
    await waitUntil('subscriptions on the other node', async () => {
      const [, count] = (await to.client.call('PUBSUB', 'SHARDNUMSUB', channel)) as [string, number]
      return count === 2
    })
    await waitUntil('that to be told', () =>
      [atLeft, atRight].every(({ listener }) => listener.subscriptions > 1),
    )
    await waitUntil('presence to cross', () => {
      atLeft.channel.sayPresence(Buffer.from('here'), false)
      return atRight.listener.presences.length > 0
    })
  } finally {
    await cluster.remove()
  }
})

test('under Sentinels the replica that takes over is heard', async () => {
  const sentinels = await startRedisSentinels()
  try {
    const [left, right] = [openEnd(sentinels.url), openEnd(sentinels.url)]
    const [atLeft, atRight] = [await joined(left, 'failover'), await joined(right, 'failover')]
    await sentinels.master.kill()
    await waitUntil(
      'the subscriptions at the replica',
      () => [atLeft, atRight].every(({ listener }) => listener.subscriptions > 1),
      { timeoutMs: 60_000 },
    )
    expect(await subscribedChannels(sentinels.replica.client)).toEqual([channelOf('failover')])
    await waitUntil('presence to cross', () => {
      atLeft.channel.sayPresence(Buffer.from('here'), false)
      return atRight.listener.presences.length > 0
    })
  } finally {
    await sentinels.remove()
  }
})
