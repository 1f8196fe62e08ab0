/** Whose a client id is where members have tokens and are on several instances. */
import type { PresenceLimits } from '@syncline/server/internal/room/presence'
import type { Speaker } from '@syncline/server/internal/room/presence-bringers'
import { encodeAwareness } from '@syncline/shared/presence'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { gone, here, PresenceInstance } from '../../support/presence-instances.ts'
import { TestClock } from '../../support/room-clock.ts'

const limits: PresenceLimits = {
  messageBytesMax: 1_000,
  entriesPerRoomMax: 10,
  entriesPerConnectionMax: 5,
  ofReaders: true,
  graceMs: 2_000,
  outdatedMs: 30_000,
}

const speaker = (id: string, user: string): Speaker => ({
  id,
  access: 'write',
  identity: { user: { id: user, name: null, color: null } },
})
const guest = (id: string): Speaker => ({ id, access: 'write', identity: { user: null } })
const as = (id: string, client: number, clock: number) =>
  here(client, clock, `{"user":{"id":"${id}","name":"${id}"}}`)

let clock: TestClock
let instances: PresenceInstance[]
let left: PresenceInstance
let right: PresenceInstance
let third: PresenceInstance
beforeEach(() => {
  clock = new TestClock()
  const others = () => instances
  instances = ['left', 'right', 'third'].map(name => new PresenceInstance(name, limits, clock, others))
  ;[left, right, third] = instances as [PresenceInstance, PresenceInstance, PresenceInstance]
})
afterEach(() => {
  for (const instance of instances) instance.die()
})

const told = () => instances.map(instance => instance.told.flat())

describe('[AUTH-3] a client of another instance', () => {
  test('is shown with the user that its instance vouches for, whoever is here', () => {
    third.hear(speaker('c', 'carol'), here(3, 1))
    left.hear(speaker('a', 'ada'), here(1, 1, '{"user":{"name":"Bob"}}'))
    const adas = here(1, 1, '{"user":{"name":"ada","id":"ada"}}')
    expect(told()).toEqual([
      [as('carol', 3, 1), adas],
      [as('carol', 3, 1), adas],
      [as('carol', 3, 1), adas],
    ])
  })

  test('is not forged here by another user, neither by a first frame that names it alone nor by a goodbye', () => {
    left.hear(speaker('a', 'ada'), here(1, 5))
    right.hear(speaker('b', 'bob'), here(1, 6))
    right.hear(speaker('b', 'bob'), gone(1, 7))
    right.hear(guest('g'), here(1, 8))
    for (const instance of instances) expect(instance.presence.current()).toEqual([as('ada', 1, 5)])
    expect(right.said).toEqual([])
    expect(right.presence.isOfAnother(1, speaker('b', 'bob'))).toBe(true)
    expect(right.presence.isOfAnother(1, speaker('x', 'ada'))).toBe(false)
  })

  test('whose token names nobody is nobody here', () => {
    left.hear(guest('g'), here(1, 5))
    right.hear(guest('h'), here(1, 6))
    expect(right.presence.isOfAnother(1, guest('h'))).toBe(true)
    expect(right.presence.current()).toEqual([here(1, 5)])
    left.presence.leave('g', 'closed')
    right.hear(guest('h'), here(1, 6))
    expect(left.presence.current()).toEqual([here(1, 6)])
  })

  test('is its own also where it came with a lower clock than the members here would take', () => {
    right.hear(speaker('b', 'bob'), here(1, 1), gone(1, 60))
    left.hear(speaker('a', 'ada'), here(1, 5))
    right.presence.leave('b', 'closed')
    left.hear(speaker('a', 'ada'), here(1, 6))
    const forger = speaker('b2', 'bob')
    right.hear(forger, here(1, 61))
    expect([left.shown, right.shown, third.shown]).toEqual([[1], [], [1]])
    expect(right.presence.isOfAnother(1, forger)).toBe(true)
    // The members here have forgotten the higher clock by then.
    clock.advance(45_000)
    right.hear(forger, here(1, 62))
    left.hear(speaker('a', 'ada'), here(1, 7))
    expect(right.presence.current()).toEqual([as('ada', 1, 7)])
  })

  test('is at home here and there, however far its clocks are apart', () => {
    left.hear(speaker('a', 'ada'), here(1, 5))
    right.hear(speaker('a2', 'ada'), here(1, 1_000))
    expect(left.presence.current()).toEqual([as('ada', 1, 5)])
    left.presence.leave('a', 'closed')
    left.hear(speaker('b', 'bob'), here(1, 6))
    expect(left.presence.current()).toEqual([as('ada', 1, 5)])
    right.hear(speaker('a2', 'ada'), here(1, 1_001))
    expect(left.presence.current()).toEqual([as('ada', 1, 1_001)])
  })

  test('moves to another instance as its user', () => {
    left.hear(speaker('a', 'ada'), here(1, 5))
    right.hear(speaker('a2', 'ada'), here(1, 5))
    left.presence.leave('a', 'lost')
    clock.advance(10_000)
    for (const instance of instances) expect(instance.shown).toEqual([1])
    right.presence.leave('a2', 'closed')
    for (const instance of instances) expect(instance.shown).toEqual([])
  })

  test('whose token names nobody is shown again after the grace when it has moved', () => {
    left.hear(guest('g'), here(1, 5))
    left.presence.leave('g', 'lost')
    right.hear(guest('g2'), here(1, 5))
    clock.advance(2_000)
    expect(third.shown).toEqual([])
    // As a stock client answers when it is told that it is gone.
    right.hear(guest('g2'), here(1, 6))
    for (const instance of instances) expect(instance.shown).toEqual([1])
  })
})

describe('[AUTH-3] two users whom a relay that loses things has let have one id', () => {
  const both = () => {
    third.hear(speaker('c', 'carol'), here(3, 1))
    right.isDeaf = true
    left.hear(speaker('a', 'ada'), here(1, 5))
    right.hear(speaker('b', 'bob'), here(1, 6))
    right.isDeaf = false
    right.remote.subscribed()
    clock.advance(20_000)
  }

  test('are shown each at home, and elsewhere whoever was heard of first', () => {
    both()
    expect(left.presence.current()).toContainEqual(as('ada', 1, 5))
    expect(right.presence.current()).toContainEqual(as('bob', 1, 6))
    expect(third.presence.current()).toContainEqual(as('ada', 1, 5))
    left.hear(speaker('a', 'ada'), here(1, 7))
    right.hear(speaker('b', 'bob'), here(1, 900))
    expect(third.presence.current()).toContainEqual(as('ada', 1, 7))
  })

  test('are only the other one when one has left', () => {
    both()
    left.presence.leave('a', 'closed')
    right.hear(speaker('b', 'bob'), here(1, 7))
    for (const instance of instances) expect(instance.presence.current()).toContainEqual(as('bob', 1, 7))
  })
})

test('an instance that names another user than before is believed: there the former has left', () => {
  third.hear(speaker('c', 'carol'), here(3, 1))
  third.remote.hear('lossy', encodeAwareness([as('ada', 1, 5)]), true)
  third.remote.hear('lossy', encodeAwareness([as('bob', 1, 6)]), true)
  expect(third.presence.current()).toContainEqual(as('bob', 1, 6))
  expect(third.presence.isOfAnother(1, speaker('x', 'ada'))).toBe(true)
})

test('what a client says of its user is its own affair where nobody has to say who they are', () => {
  left.hear('a', as('ada', 1, 1))
  right.hear('b', as('bob', 1, 2))
  left.hear('a', here(1, 3))
  for (const instance of instances) expect(instance.presence.current()).toEqual([here(1, 3)])
})
