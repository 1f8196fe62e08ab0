/**
 * One WebSocket from its upgrade to its end, over real sockets, with a room that only notes what it is told.
 */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, createConnection } from 'node:net'
import { connectionLimits } from '@syncline/server/internal/connection/connection-limits'
import { startHeartbeat } from '@syncline/server/internal/connection/heartbeat'
import type { ConnectionObserver } from '@syncline/server/internal/connection/observer'
import type { Place } from '@syncline/server/internal/connection/session'
import { Upgrades } from '@syncline/server/internal/connection/upgrade'
import { settingsWith } from '@syncline/server/internal/foundation/settings'
import { admission } from '@syncline/server/internal/http/admission'
import { clientAddressReader } from '@syncline/server/internal/http/client-address'
import type { Member } from '@syncline/server/internal/room/member'
import { closeCodes } from '@syncline/shared/wire/close-codes'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { NotingPlace } from '../../support/noting-place.ts'
import { connectRaw, frame, type RawClient } from '../../support/raw-client.ts'
import { hex } from '../../support/room-author.ts'
import { TestClock, turn } from '../../support/room-clock.ts'
import { waitUntil } from '../../support/wait-until.ts'

const waitingBytesMax = 1024 * 1024
const settings = settingsWith({
  limitMessageBytes: 100_000,
  limitPresenceMessageBytes: 64 * 1024,
  limitWaitingBytes: waitingBytesMax,
  limitOpeningBytes: 1024 * 1024,
  limitConnections: 5,
  // The clock of these tests does not move by itself.
  limitMessagesPerSecond: 1_000_000,
})
const timing = { pingIntervalMs: 30_000, deadAfterMs: 90_000, keepAliveIntervalMs: 25_000 }

type Told = { readonly name: keyof ConnectionObserver } & Record<string, unknown>

let clock: TestClock
let place: NotingPlace
let opening: Promise<Place> | 'full'
let told: Told[]
let http: Server
let startUpgrades: (connectionsMax: number) => Upgrades
let upgrades: Upgrades
let stopHeartbeat: () => void
let url: string
const clients: RawClient[] = []

beforeEach(async () => {
  clock = new TestClock()
  place = new NotingPlace()
  opening = Promise.resolve(place)
  told = []
  const note = (name: keyof ConnectionObserver) => (event: object | number | string) => {
    if (typeof event === 'object') told.push({ name, ...event })
    else if (typeof event === 'string') told.push({ name, limit: event })
  }
  const observer = new Proxy({} as ConnectionObserver, {
    get: (_, name) => note(name as keyof ConnectionObserver),
  })
  startUpgrades = connectionsMax =>
    new Upgrades({
      admit: admission(settings),
      clientAddress: clientAddressReader(''),
      basePath: '',
      openRoom: () => opening,
      authentication: null,
      authRefusal: 'auto',
      authInBand: true,
      clock,
      limits: { ...connectionLimits(settings), connectionsMax },
      observer,
    })
  upgrades = startUpgrades(settings.limitConnections)
  http = createServer()
  http.on('upgrade', upgrades.handle)
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
  stopHeartbeat = startHeartbeat(upgrades.connections, timing, clock)
  url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}`
})

afterEach(async () => {
  stopHeartbeat()
  for (const client of clients.splice(0)) client.terminate()
  await waitUntil('all connections to end', () => upgrades.connections.size === 0)
  await new Promise(resolve => http.close(resolve))
})

async function connect(): Promise<RawClient> {
  const client = await connectRaw(url, 'document')
  clients.push(client)
  return client
}

/** The first frame, from which the framing is known. */
async function connectAndSpeak(): Promise<RawClient> {
  const client = await connect()
  client.send(frame.syncStep1())
  return client
}

async function joined(): Promise<{ client: RawClient; member: Member }> {
  const before = place.members.length
  const client = await connectAndSpeak()
  const member = await waitUntil('the member', () => place.members[before])
  await waitUntil('its first message', () => place.kinds().includes('sync-step-1'))
  return { client, member }
}

const events = (name: keyof ConnectionObserver) => told.filter(event => event.name === name)

describe('a connection', () => {
  test('delivers its messages to its room in order, and what the room sends arrives', async () => {
    const { client, member } = await joined()
    client.send(frame.update(hex('00 00')))
    client.send(frame.saved(hex('05')))
    await waitUntil('the messages', () => place.received.length === 3)
    expect(place.kinds()).toEqual(['sync-step-1', 'update', 'saved'])
    const long = new Uint8Array(70_000).fill(7)
    for (const update of [hex('00 00'), long.subarray(0, 200), long]) {
      member.send(member.encode({ kind: 'update', update }))
    }
    await waitUntil('the frames', () => client.frames.length === 3)
    expect(client.frames.map(({ body }) => body.byteLength)).toEqual([2, 200, 70_000])
    expect(client.frames[2]!.body).toEqual(long)
  })

  test('keeps what comes before its room is loaded, and delivers it then', async () => {
    let load = (_: Place) => {}
    opening = new Promise(resolve => {
      load = resolve
    })
    const client = await connectAndSpeak()
    client.send(frame.presence(7, 1, {}))
    await waitUntil('the server to have it', () => client.socket.bufferedAmount === 0)
    expect(place.received).toEqual([])
    load(place)
    await waitUntil('both messages', () => place.received.length === 2)
    expect(place.kinds()).toEqual(['sync-step-1', 'awareness'])
  })

  test('tells its beginning and its end in one event each', async () => {
    const { client, member } = await joined()
    client.close()
    await waitUntil('its end', () => events('disconnected').length === 1)
    expect(events('connected')).toMatchObject([{ connection: member.id, address: '127.0.0.1' }])
    expect(events('sessionOpened')).toMatchObject([{ connection: member.id, document: 'document' }])
    expect(events('disconnected')).toMatchObject([{ connection: member.id, code: 1000, by: 'client' }])
    expect(upgrades.connections.size).toBe(0)
  })

  test('that says goodbye leaves its room as closed, and one that breaks off as lost, once', async () => {
    const { client } = await joined()
    client.close()
    await waitUntil('its leave', () => place.left.length === 1)
    place.received.length = 0
    const other = await joined()
    other.client.terminate()
    await waitUntil('the other leave', () => place.left.length === 2)
    expect(place.left).toEqual(['closed', 'lost'])
  })

  test('that is told to come back leaves as lost, so that its presence does not flicker, and one that is stopped as closed', async () => {
    const { member } = await joined()
    member.close(closeCodes.restart)
    place.received.length = 0
    const other = await joined()
    other.member.close(closeCodes.malformed)
    expect(place.left).toEqual(['lost', 'closed'])
    expect((await other.client.waitForClose()).code).toBe(4400)
  })

  test('is sent and delivers nothing more once it is closing', async () => {
    const { client, member } = await joined()
    member.close(closeCodes.overload)
    member.send(member.encode({ kind: 'update', update: hex('00 00') }))
    client.send(frame.update(hex('00 00')))
    expect(await client.waitForClose()).toEqual({ code: 1013, reason: closeCodes.overload.reason })
    expect(client.frames).toEqual([])
    expect(place.kinds()).toEqual(['sync-step-1'])
  })

  test('whose peer does not answer the close frame is cut off after 5 s', async () => {
    const { client, member } = await joined()
    client.stopReading()
    member.close(closeCodes.overload)
    clock.advance(5_000)
    await waitUntil('its end', () => upgrades.connections.size === 0)
    expect(events('disconnected')).toMatchObject([{ code: 1013, by: 'server' }])
  })
})

describe('a frame that is wrong closes its connection and nothing else', () => {
  const wrong: Record<string, [frame: Uint8Array | string, code: number]> = {
    'a text frame': ['hello', 4400],
    garbage: [hex('00 ff ff ff ff ff'), 4400],
    'an empty frame': [new Uint8Array(0), 4400],
    'a truncated message': [hex('00 02 0c 01 01 01'), 4400],
    'a message with another behind it': [hex('00 00 01 00 00 00 01 00'), 4400],
    'a message type that does not exist': [hex('09'), 4400],
    'a message above the limit': [frame.update(new Uint8Array(100_000)), 4413],
    'a message above the limit of the WebSocket itself': [
      frame.update(new Uint8Array(3 * 1024 * 1024)),
      4413,
    ],
  }
  for (const [what, [bytes, code]] of Object.entries(wrong)) {
    test(`${what} with ${code}`, async () => {
      const bystander = await joined()
      const { client } = await joined()
      client.send(bytes)
      const closed = await client.waitForClose()
      expect(closed.code).toBe(code)
      expect(closed.reason.length).toBeGreaterThan(5)
      bystander.member.send(bystander.member.encode({ kind: 'query-awareness' }))
      await waitUntil('the bystander to be served', () => bystander.client.frames.length === 1)
      expect(bystander.client.closed).toBe(undefined)
    })
  }

  const wireOf = ({ socket }: RawClient) =>
    (socket as unknown as { _socket: { write(bytes: Uint8Array): void } })._socket

  test.each([
    ['a masked frame of 50 MB', hex('82 ff 00 00 00 00 03 20 00 00 00 00 00 00')],
    ['20,000 fragments', hex(`02 81 00 00 00 00 00 ${'00 81 00 00 00 00 00 '.repeat(20_000)}`)],
  ])('[LIM-1 message-bytes] %s, by the WebSocket itself, with 4413, and it is counted', async (_, bytes) => {
    wireOf((await joined()).client).write(bytes)
    await waitUntil('its end', () => events('disconnected').length === 1)
    expect(events('disconnected')).toMatchObject([{ code: 4413, by: 'server' }])
    expect(events('limitReached')).toEqual([{ name: 'limitReached', limit: 'limitMessageBytes' }])
    expect(events('clientError')).toHaveLength(1)
  })

  test('a first frame that is of no framing, with 4400', async () => {
    const client = await connect()
    client.send(hex('03 64 6f'))
    const closed = await client.waitForClose()
    expect(closed.code).toBe(4400)
    expect(closed.reason).toContain('middle of a message')
    expect(events('clientError')).toHaveLength(1)
  })

  test('[LIM-1 first-frame-timeout] nothing at all within 10 s, with 4508', async () => {
    const client = await connect()
    clock.advance(10_000)
    const closed = await client.waitForClose()
    expect(closed.code).toBe(4508)
    expect(closed.reason).toContain('nothing was said in 10000 ms')
    expect(events('limitReached')).toEqual([{ name: 'limitReached', limit: 'firstFrameTimeoutMs' }])
  })

  test('broken WebSocket framing, with a code that stops it', async () => {
    const { client } = await joined()
    // A reserved opcode, unmasked.
    wireOf(client).write(hex('83 00'))
    const closed = await client.waitForClose()
    expect([1006, 4400]).toContain(closed.code)
    expect(place.left).toHaveLength(1)
  })

  test('a fault of the room in its message, with 1013', async () => {
    const { client } = await joined()
    place.onReceive = () => {
      throw new Error('a fault of ours')
    }
    client.send(frame.update(hex('00 00')))
    expect((await client.waitForClose()).code).toBe(1013)
  })

  test('a detail as long as a client likes, with a reason of at most 123 bytes', async () => {
    const { client, member } = await joined()
    member.close(closeCodes.malformed, 'ä'.repeat(500))
    const { reason } = await client.waitForClose()
    expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123)
    expect(reason).toMatch(/^malformed: ä+$/)
  })
})

describe('a room that cannot be had', () => {
  test('full of documents: 1013', async () => {
    opening = 'full'
    expect((await (await connectAndSpeak()).waitForClose()).code).toBe(1013)
  })

  test('[SYNC-1] unreadable: 1013, and never an answer', async () => {
    opening = Promise.reject(new Error('the disk is gone'))
    opening.catch(() => {})
    const client = await connectAndSpeak()
    expect((await client.waitForClose()).code).toBe(1013)
    expect(client.frames).toEqual([])
  })

  test('not there in 10 s: 1013, and it is not entered when it comes', async () => {
    let load = (_: Place) => {}
    opening = new Promise(resolve => {
      load = resolve
    })
    const client = await connectAndSpeak()
    await waitUntil('the document to be asked for', () => events('sessionOpened').length === 1)
    clock.advance(10_000)
    expect((await client.waitForClose()).code).toBe(1013)
    load(place)
    await opening
    expect(place.members).toEqual([])
  })

  test('[LIM-1 connections] refused before the handshake when there are as many as may be', async () => {
    await Promise.all(Array.from({ length: 5 }, () => connect()))
    await expect(connect()).rejects.toThrow('503')
    expect(events('refused')).toHaveLength(1)
  })

  test('[OPS-1] all are told to come back when the server ends, and nobody is let in any more', async () => {
    const { client } = await joined()
    upgrades.close()
    expect((await client.waitForClose()).code).toBe(1012)
    await expect(connect()).rejects.toThrow('503')
  })
})

test('a refused upgrade leaves no socket behind, also when the client keeps its side open', async () => {
  const { port } = http.address() as AddressInfo
  const socket = createConnection({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.write(
    'GET /notes HTTP/1.1\r\nHost: evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  )
  const [answer] = await once(socket.setEncoding('utf8'), 'data')
  expect(answer).toMatch(/^HTTP\/1\.1 403 /)
  const sockets = () => new Promise<number>(resolve => http.getConnections((_, count) => resolve(count)))
  await waitUntil('the server to have closed it', async () => (await sockets()) === 0)
  socket.destroy()
})

describe('many who come at once', () => {
  const many = 40

  /** Hands all their upgrades over in one turn, to a server that lets in so many. */
  async function comeAtOnce(connectionsMax: number): Promise<Promise<RawClient>[]> {
    upgrades = startUpgrades(connectionsMax)
    const asking: Parameters<Upgrades['handle']>[] = []
    http.removeAllListeners('upgrade').on('upgrade', (...request) => asking.push(request))
    const coming = Array.from({ length: many }, () => connect())
    for (const one of coming) one.catch(() => {})
    await waitUntil('all to ask', () => asking.length === many)
    for (const request of asking) upgrades.handle(...request)
    return coming
  }

  test('are let in 16 in each turn of the event loop', async () => {
    const coming = await comeAtOnce(many)
    const letIn = [upgrades.connections.size]
    for (let turns = 0; turns < 3; turns++) {
      await turn()
      letIn.push(upgrades.connections.size)
    }
    expect(letIn).toEqual([16, 32, 40, 40])
    await Promise.all(coming)
  })

  test('[LIM-1 connections] are as many as may be, those who wait for their turn included', async () => {
    const coming = await Promise.allSettled(await comeAtOnce(20))
    expect(coming.filter(({ status }) => status === 'fulfilled')).toHaveLength(20)
    expect(events('refused')).toHaveLength(many - 20)
  })

  test('are refused when the server ends before their turn', async () => {
    const coming = await comeAtOnce(many)
    upgrades.close()
    const settled = await Promise.allSettled(coming)
    expect(settled.filter(({ status }) => status === 'rejected')).toHaveLength(many - 16)
    expect(upgrades.connections.size).toBeLessThanOrEqual(16)
  })
})

describe('the heartbeat', () => {
  test('sends a data frame about nobody when nothing else was sent for 25 s', async () => {
    const { client, member } = await joined()
    clock.advance(24_000)
    member.send(member.encode({ kind: 'query-awareness' }))
    clock.advance(20_000)
    await waitUntil('the frame', () => client.frames.length === 1)
    clock.advance(7_500)
    await waitUntil('the other', () => client.frames.length === 2)
    expect(client.frames[1]!.bytes).toEqual(hex('01 01 00'))
  })

  test('keeps whoever answers its pings, and ends who does not after 90 s', async () => {
    const silent = await joined()
    const { client } = await joined()
    ;(silent.client.socket as unknown as { _autoPong: boolean })._autoPong = false
    let pings = 0
    client.socket.on('ping', () => pings++)
    for (let round = 1; round <= 4; round++) {
      clock.advance(30_000)
      await waitUntil('a ping', () => pings === round)
      // The pong is on its way; a message of its own is behind it.
      client.send(frame.saved(hex('01')))
      const answered = round
      await waitUntil('the pong', () => place.kinds().filter(kind => kind === 'saved').length === answered)
    }
    await waitUntil('the silent one to be ended', () => silent.client.closed)
    expect(client.closed).toBe(undefined)
    expect(events('disconnected')).toMatchObject([{ by: 'lost', code: 1006 }])
  })
})

describe('[SLOW-1] a reader', () => {
  test('[LIM-1 waiting-bytes] [SLOW-1] that takes nothing is closed as too slow, and costs at most the bound', async () => {
    const { client, member } = await joined()
    client.stopReading()
    const update = new Uint8Array(64 * 1024)
    let most = 0
    for (let i = 0; i < 1_000 && place.left.length === 0; i++) {
      member.send(member.encode({ kind: 'update', update }))
      most = Math.max(most, member.waitingBytes)
      await new Promise(resolve => setImmediate(resolve))
    }
    expect(place.left).toEqual(['lost'])
    expect(most).toBeLessThan(waitingBytesMax + 2 * update.byteLength)
    clock.advance(5_000)
    await waitUntil('its end', () => upgrades.connections.size === 0)
    expect(events('disconnected')).toMatchObject([{ code: 4508, by: 'server' }])
    expect(events('limitReached')).toEqual([{ name: 'limitReached', limit: 'limitWaitingBytes' }])
  })

  test('is waited for until little waits, and not any more once it is gone', async () => {
    const { client, member } = await joined()
    client.stopReading()
    const update = new Uint8Array(900_000)
    for (let i = 0; i < 50 && member.waitingBytes < 500_000; i++) {
      member.send(member.encode({ kind: 'update', update }))
      await new Promise(resolve => setImmediate(resolve))
    }
    expect(await Promise.race([member.drained(1_000), Promise.resolve('waiting')])).toBe('waiting')
    const drained = member.drained(1_000)
    client.startReading()
    expect(await drained).toBe(true)
    client.stopReading()
    for (let i = 0; i < 50 && member.waitingBytes < 500_000; i++) {
      member.send(member.encode({ kind: 'update', update }))
      await new Promise(resolve => setImmediate(resolve))
    }
    const never = member.drained(1_000)
    client.terminate()
    expect(await never).toBe(false)
  })

  test('frames of one turn leave in one write', async () => {
    const { client, member } = await joined()
    for (let i = 0; i < 3; i++) member.send(member.encode({ kind: 'query-awareness' }))
    expect(member.waitingBytes).toBe(9)
    await waitUntil('the frames', () => client.frames.length === 3)
    expect(member.waitingBytes).toBe(0)
  })
})

describe('back pressure', () => {
  test('a socket that is not read delivers nothing until it is again', async () => {
    const { client, member } = await joined()
    member.setReading(false)
    client.send(frame.update(hex('00 00')))
    client.send(frame.saved(hex('05')))
    await waitUntil('all to be sent', () => client.socket.bufferedAmount === 0)
    member.send(member.encode({ kind: 'query-awareness' }))
    await waitUntil('a frame the other way', () => client.frames.length === 1)
    expect(place.kinds()).toEqual(['sync-step-1'])
    member.setReading(true)
    await waitUntil('both messages', () => place.received.length === 3)
  })

  test('what waits behind a message that is being worked on pauses its own socket alone', async () => {
    const { client } = await joined()
    const other = await joined()
    let finish = () => {}
    place.onReceive = (_, message) =>
      message.kind === 'update'
        ? new Promise<void>(resolve => {
            finish = resolve
          })
        : undefined
    client.send(frame.update(hex('00 00')))
    await waitUntil('the update', () => place.kinds().includes('update'))
    const count = 15_000
    const token = (i: number) => Uint8Array.of(i >> 8, i & 0xff)
    for (let i = 0; i < count; i++) client.send(frame.saved(token(i)))
    other.client.send(frame.syncStep2(hex('00 00')))
    await waitUntil('the other to be served', () => place.kinds().includes('sync-step-2'))
    expect(client.closed).toBe(undefined)
    expect(place.kinds()).not.toContain('saved')
    finish()
    const tokens = () => place.received.flatMap(message => (message.kind === 'saved' ? [message.token] : []))
    await waitUntil('all of them', () => tokens().length === count)
    expect(tokens()).toEqual(Array.from({ length: count }, (_, i) => token(i)))
    expect(client.closed).toBe(undefined)
  })
})
