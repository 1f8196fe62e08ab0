import { ConnectionCounts } from '@syncline/server/internal/connection/connection-counts'
import type { Holder } from '@syncline/server/internal/connection/giving-way'
import type { Taken } from '@syncline/server/internal/connection/over-limit'
import { settingsWith } from '@syncline/server/internal/foundation/settings'
import { beforeEach, describe, expect, test } from 'vitest'
import { TestClock, turn } from '../../support/room-clock.ts'

const settings = settingsWith()
const limits = {
  perAddressMax: settings.limitConnectionsPerAddress,
  perUserMax: settings.limitConnectionsPerUser,
  perUserAndDocumentMax: settings.limitConnectionsPerUserAndDocument,
}
const silentAfterMs = 2_000
const office = { address: '192.0.2.1', counted: '192.0.2.1', isLocal: false }
const thisMachine = { address: '127.0.0.1', counted: '127.0.0.1', isLocal: true }

/** A connection as it is seen from here; the test says whether it answers. */
class Socket implements Holder {
  pings = 0
  isEvicted = false
  taken: Taken | undefined
  readonly #hangs: boolean

  constructor({ hangs }: { hangs: boolean }) {
    this.#hangs = hangs
  }

  ping(): Promise<void> {
    this.pings++
    return this.#hangs ? new Promise(() => {}) : Promise.resolve()
  }

  evict(): void {
    this.isEvicted = true
    this.release()
  }

  release(): void {
    if (this.taken?.ok) this.taken.release()
  }
}

let clock: TestClock
let counts: ConnectionCounts
beforeEach(() => {
  clock = new TestClock()
  counts = new ConnectionCounts(limits, clock)
})

type Take = (socket: Socket) => Taken | Promise<Taken>
const toDocument: Take = socket => counts.toDocument('ada', 'doc', socket)
const ofUser: Take = socket => counts.ofUser('ada', socket)

/** Takes a place; a place that has to be given away first is there when this test has let time pass. */
function come(take: Take, { hangs = false } = {}): Socket {
  const socket = new Socket({ hangs })
  const taken = take(socket)
  if (taken instanceof Promise) {
    void taken.then(known => {
      socket.taken = known
    })
  } else socket.taken = taken
  return socket
}

const fill = (take: Take, count: number, hangs: (index: number) => boolean) =>
  Array.from({ length: count }, (_, index) => come(take, { hangs: hangs(index) }))

async function pass(ms: number): Promise<void> {
  await turn()
  clock.advance(ms)
  await turn()
}

const all = () => true
const none = () => false

describe.each([
  ['connections-per-user-and-document', toDocument, limits.perUserAndDocumentMax, 'TO_DOCUMENT'],
  ['connections-per-user', ofUser, limits.perUserMax, 'OF_USER'],
] as const)('%s', (name, take, max, error) => {
  test(`[LIM-1 ${name}] as many as the limit get in at once, and nobody is pinged`, () => {
    const sockets = fill(take, max, none)
    expect(sockets.every(({ taken, pings }) => taken?.ok && pings === 0)).toBe(true)
  })

  test(`[LIM-1 ${name}] where the oldest are alive, one more is refused with the limit and its error`, async () => {
    const sockets = fill(take, max, none)
    const newcomer = come(take)
    await pass(0)
    expect(newcomer.taken).toMatchObject({
      ok: false,
      refusal: { code: `TOO_MANY_CONNECTIONS_${error}`, entry: { status: 429, close: { code: 4529 } } },
    })
    expect(sockets[0]?.pings).toBe(1)
    expect(sockets.some(({ isEvicted }) => isEvicted)).toBe(false)
    expect(clock.timers).toBe(0)
  })

  test(`[LIM-1 ${name}] where the oldest is silent, it is evicted and one more gets in`, async () => {
    const sockets = fill(take, max, all)
    const newcomer = come(take)
    await pass(silentAfterMs - 1)
    expect(newcomer.taken).toBeUndefined()
    await pass(1)
    expect(newcomer.taken?.ok).toBe(true)
    expect(sockets.map(({ isEvicted }) => isEvicted)).toEqual(sockets.map((_, index) => index === 0))
  })
})

describe('a person whose connections hang', () => {
  const max = limits.perUserAndDocumentMax

  test('[LIM-1 connections-per-user-and-document] gets in with as many quick reconnects, each in place of another', async () => {
    const old = fill(toDocument, max, all)
    const reconnects = fill(toDocument, max, none)
    expect(old.map(({ pings }) => pings)).toEqual([1, 1, 1, 1, 1])
    await pass(silentAfterMs)
    expect(reconnects.map(({ taken }) => taken?.ok)).toEqual([true, true, true, true, true])
    expect(old.every(({ isEvicted }) => isEvicted)).toBe(true)
    const another = come(toDocument)
    await pass(silentAfterMs)
    expect(another.taken?.ok).toBe(false)
  })

  test('[LIM-1 connections-per-user-and-document] gets in although the oldest of them is alive', async () => {
    const old = fill(toDocument, max, index => index > 1)
    const newcomer = come(toDocument)
    await pass(silentAfterMs)
    expect(newcomer.taken?.ok).toBe(true)
    expect(old.map(({ isEvicted }) => isEvicted)).toEqual([false, false, true, false, false])
  })

  test('gets in at once where one goes by itself, the one that is asked or another', async () => {
    for (const gone of [0, 3]) {
      counts = new ConnectionCounts(limits, clock)
      const old = fill(toDocument, max, all)
      const newcomer = come(toDocument)
      old[gone]?.release()
      await pass(gone === 0 ? 0 : silentAfterMs)
      expect(newcomer.taken?.ok).toBe(true)
      expect(old.some(({ isEvicted }) => isEvicted)).toBe(false)
    }
  })

  test('is refused at once where every one of them is being asked for somebody else', async () => {
    fill(toDocument, max, all)
    fill(toDocument, max, none)
    const oneTooMany = come(toDocument)
    await pass(0)
    expect(oneTooMany.taken?.ok).toBe(false)
  })

  test('never has more places than there are, whoever goes and comes meanwhile', async () => {
    const old = fill(toDocument, max, index => index % 2 === 0)
    const waiting = fill(toDocument, 3, none)
    old[0]?.release()
    const quick = come(toDocument)
    await pass(silentAfterMs)
    await pass(silentAfterMs)
    const everybody = [...old, ...waiting, quick]
    const inside = everybody.filter(
      ({ taken, isEvicted }) => taken?.ok && !isEvicted && taken !== old[0]?.taken,
    )
    expect(inside).toHaveLength(max)
  })

  test('finds one whose ping fails to be silent', async () => {
    const broken: Holder = { ping: () => Promise.reject(new Error('closed')), evict: () => {} }
    for (let taken = 0; taken < max; taken++) counts.toDocument('ada', 'doc', broken)
    const newcomer = come(toDocument)
    await pass(0)
    expect(newcomer.taken?.ok).toBe(true)
  })
})

test('[LIM-1 connections-per-user] a retry asks others than those that have just answered', async () => {
  const sockets = fill(ofUser, limits.perUserMax, index => index === 7)
  expect(come(ofUser).taken).toBeUndefined()
  await pass(0)
  expect(sockets.map(({ pings }) => pings).slice(0, 8)).toEqual([1, 1, 1, 1, 1, 0, 0, 0])
  const retry = come(ofUser)
  await pass(silentAfterMs)
  expect(retry.taken?.ok).toBe(true)
  expect(sockets[7]?.isEvicted).toBe(true)
})

test.each([' ', ',', '/', '","', '\0'])(
  '[LIM-1 connections-per-user-and-document] users and documents with %j in their names are counted apart',
  between => {
    const come = (user: string, document: string) =>
      counts.toDocument(user, document, new Socket({ hangs: false }))
    for (let taken = 0; taken < limits.perUserAndDocumentMax; taken++) come('ada', `b${between}c`)
    expect(come(`ada${between}b`, 'c')).toMatchObject({ ok: true })
    expect(come('ada', 'c')).toMatchObject({ ok: true })
    expect(come('eve', `b${between}c`)).toMatchObject({ ok: true })
  },
)

describe('[LIM-1 connections-per-address] connections from an address', () => {
  test('[LIM-1 connections-per-address] are refused beyond the limit, and taken again when one has gone', () => {
    const taken = Array.from({ length: limits.perAddressMax }, () => counts.fromAddress(office))
    expect(taken.every(({ ok }) => ok)).toBe(true)
    const refused = counts.fromAddress(office)
    expect(refused).toMatchObject({
      ok: false,
      limit: 'limitConnectionsPerAddress',
      refusal: { code: 'TOO_MANY_CONNECTIONS_FROM_ADDRESS', entry: { status: 429 } },
    })
    expect(counts.fromAddress({ ...office, counted: '192.0.2.2' }).ok).toBe(true)
    const [first] = taken
    if (first?.ok) first.release()
    expect(counts.fromAddress(office).ok).toBe(true)
    if (first?.ok) first.release()
    expect(counts.fromAddress(office).ok).toBe(false)
  })

  test('[LIM-1 connections-per-address] a thousand people behind one address have five documents each', () => {
    for (let come = 0; come < 5_000; come++) expect(counts.fromAddress(office).ok).toBe(true)
  })

  test('[LIM-1 connections-per-address] those of this machine are not counted', () => {
    for (let come = 0; come <= limits.perAddressMax; come++)
      expect(counts.fromAddress(thisMachine).ok).toBe(true)
    expect(counts.keys).toBe(0)
  })
})

test('nothing is remembered of whom has gone', async () => {
  const sockets = [...fill(toDocument, 5, all), ...fill(ofUser, 50, all)]
  sockets.push(
    come(toDocument),
    come(ofUser),
    come(() => counts.fromAddress(office)),
  )
  await pass(silentAfterMs)
  expect(counts.keys).toBe(3)
  for (const socket of sockets) {
    socket.release()
    socket.release()
  }
  expect([counts.keys, clock.timers]).toEqual([0, 0])
})
