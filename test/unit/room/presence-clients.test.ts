/**
 * What people see of each other, with clients that do what `y-websocket` does, around one room.
 */
import { afterEach, describe, expect, test } from 'vitest'
import { removeAwarenessStates } from 'y-protocols/awareness'
import { forgetClients, gather, PresenceClient, share } from '../../support/presence-client.ts'
import { typed } from '../../support/room-author.ts'
import { turn } from '../../support/room-clock.ts'
import { say } from '../../support/room-stage.ts'

afterEach(forgetClients)

describe('people in one room', () => {
  test('see each other, what changes, and who takes the name off', async () => {
    const { clients, settle } = await gather('Ada', 'Ben')
    const [ada, ben] = clients as [PresenceClient, PresenceClient]
    expect(ada.sees).toEqual({ 2: 'Ben' })
    expect(ben.sees).toEqual({ 1: 'Ada' })
    ada.awareness.setLocalStateField('name', 'Ada L.')
    await settle()
    expect(ben.sees).toEqual({ 1: 'Ada L.' })
    ada.awareness.setLocalState(null)
    await settle()
    expect(ben.sees).toEqual({})
  })

  test('are told to a newcomer at once', async () => {
    const { room, clients } = await gather('Ada', 'Ben')
    const cleo = new PresenceClient(9, room)
    await cleo.connect()
    cleo.read()
    expect(cleo.sees).toEqual({ 1: 'Ada', 2: 'Ben' })
    expect(clients).toHaveLength(2)
  })

  test('are told to who asks for them', async () => {
    const { room, clients } = await gather('Ada', 'Ben')
    const { member } = clients[0]!
    member!.news()
    room.receive(member!, { kind: 'query-awareness' })
    expect(member!.kinds()).toEqual(['awareness'])
  })

  test('hear each renewal that changes nothing, and its sender does too', async () => {
    const { clients } = await gather('Ada', 'Ben')
    const [ada, ben] = clients as [PresenceClient, PresenceClient]
    ada.renew()
    await turn()
    // The frame that keeps a lonely client connected.
    expect(ada.member!.kinds()).toEqual(['awareness'])
    expect(ben.member!.kinds()).toEqual(['awareness'])
  })

  test('do not make each other repeat what they hear', async () => {
    const { clients, settle } = await gather('Ada', 'Ben', 'Cleo', 'Dan')
    const before = clients.map(client => client.framesSent)
    clients[0]!.renew()
    await settle()
    // One from its sender, and one from each of the others, who send on every change.
    expect(clients.map((client, i) => client.framesSent - before[i]!)).toEqual([1, 1, 1, 1])
  })
})

describe('somebody who leaves', () => {
  test('with a goodbye is gone at once, and stays gone', async () => {
    const { clients, settle, clock } = await gather('Ada', 'Ben', 'Cleo')
    clients[0]!.close()
    await settle()
    expect(clients[1]!.sees).toEqual({ 3: 'Cleo' })
    clock.advance(5_000)
    await settle()
    expect(clients[2]!.sees).toEqual({ 2: 'Ben' })
  })

  test('without one is gone after 2 s', async () => {
    const { clients, settle, clock } = await gather('Ada', 'Ben')
    clients[0]!.lose()
    clock.advance(1_999)
    await settle()
    expect(clients[1]!.sees).toEqual({ 1: 'Ada' })
    clock.advance(1)
    await settle()
    expect(clients[1]!.sees).toEqual({})
  })

  test('without one and is back within 2 s, at the clock it had, was never gone', async () => {
    const { clients, settle, clock } = await gather('Ada', 'Ben')
    const [ada, ben] = clients as [PresenceClient, PresenceClient]
    const removals: number[] = []
    ben.awareness.on('change', ({ removed }: { removed: number[] }) => removals.push(...removed))
    const knownClock = ada.awareness.meta.get(1)!.clock
    ada.lose()
    clock.advance(1_000)
    await ada.connect()
    await settle()
    clock.advance(10_000)
    await settle()
    expect(removals).toEqual([])
    expect(ben.sees).toEqual({ 1: 'Ada' })
    expect(ada.awareness.meta.get(1)!.clock).toBe(knownClock)
    // Stock clients forget the others when the line breaks, but not their clocks, and take no entry at a clock they know.
    ben.renew()
    await settle()
    expect(ada.sees).toEqual({ 2: 'Ben' })
  })

  test('without one and is back later is seen at once, not only at the next renewal', async () => {
    const { clients, settle, clock } = await gather('Ada', 'Ben')
    const [ada, ben] = clients as [PresenceClient, PresenceClient]
    ada.lose()
    clock.advance(2_000)
    await settle()
    expect(ben.sees).toEqual({})
    await ada.connect()
    await settle()
    expect(ben.sees).toEqual({ 1: 'Ada' })
    expect(ada.awareness.getLocalState()).toEqual({ name: 'Ada' })
  })
})

describe('tabs of one browser', () => {
  test('may close one by one: the others stay', async () => {
    const { clients, settle, clock } = await gather('tab 1', 'tab 2', 'Cleo')
    const [one, two, cleo] = clients as [PresenceClient, PresenceClient, PresenceClient]
    share(one, two)
    one.renew()
    two.renew()
    await settle()
    one.close()
    await settle()
    clock.advance(10_000)
    await settle()
    expect(cleo.sees).toEqual({ 2: 'tab 2' })
  })

  test('may think a hidden neighbour outdated, and nobody else does', async () => {
    const { clients, settle } = await gather('tab 1', 'tab 2', 'Cleo')
    const [one, , cleo] = clients as [PresenceClient, PresenceClient, PresenceClient]
    removeAwarenessStates(one.awareness, [2], 'timeout')
    await settle()
    expect(one.sees).toEqual({ 3: 'Cleo' })
    expect(cleo.sees).toEqual({ 1: 'tab 1', 2: 'tab 2' })
  })
})

describe('a frame of presence', () => {
  test('comes after the document frames that preceded it', async () => {
    const { clients, room, log } = await gather('Ada', 'Ben')
    const [ada, ben] = clients as [PresenceClient, PresenceClient]
    log.hold()
    ben.member!.news()
    room.receive(ada.member!, say.update(typed(1, 'hello')[0]!))
    ada.awareness.setLocalStateField('caret', 5)
    await turn()
    expect(ben.member!.sent).toEqual([])
    log.release()
    await turn()
    expect(ben.member!.kinds()).toEqual(['update', 'awareness'])
  })

  test('that is larger than allowed closes its sender, and one that is none closes it as malformed', async () => {
    const { clients, room } = await gather('Ada', 'Ben')
    room.receive(clients[0]!.member!, { kind: 'awareness', awareness: new Uint8Array(64 * 1024 + 1) })
    expect(clients[0]!.member!.closed?.code.code).toBe(4413)
    room.receive(clients[1]!.member!, { kind: 'awareness', awareness: Uint8Array.of(1, 1) })
    expect(clients[1]!.member!.closed?.code.code).toBe(4400)
  })
})
