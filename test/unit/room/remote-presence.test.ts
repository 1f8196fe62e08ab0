/**
 * Who is shown where when people are on several instances, rule by rule. Random walks are in `remote-presence.property.test.ts`.
 */
import type { PresenceLimits } from '@syncline/server/internal/room/presence'
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

const shown = () => instances.map(instance => instance.shown)

describe('what members say', () => {
  test('is shown on all instances, once, and renewals and goodbyes too', () => {
    left.hear('a', here(1, 1))
    right.hear('b', here(2, 1))
    expect(shown()).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ])
    left.hear('a', here(1, 2))
    expect(third.told.at(-1)).toEqual([here(1, 2)])
    left.hear('a', gone(1, 3))
    left.presence.leave('a', 'closed')
    expect(shown()).toEqual([[2], [2], [2]])
    expect(third.told).toEqual([[here(1, 1)], [here(2, 1)], [here(1, 2)], [gone(1, 3)]])
  })

  test('is not said again by those who have heard it', () => {
    left.hear('a', here(1, 1))
    left.hear('a', here(1, 2))
    expect(left.said.map(({ entries }) => entries)).toEqual([[here(1, 1)], [here(1, 2)]])
    expect([...right.said, ...third.said]).toEqual([])
  })

  test('of a client of another instance, as tabs do, is shown here and left to that instance to say', () => {
    left.hear('a', here(1, 1))
    right.hear('b', here(2, 1))
    right.hear('b', here(1, 2))
    expect(right.told.at(-1)).toEqual([here(1, 2)])
    expect(right.said.map(({ entries }) => entries)).toEqual([[here(2, 1)]])
    right.hear('b', gone(1, 2))
    right.presence.leave('b', 'closed')
    expect(shown()).toEqual([[1], [1], [1]])
  })

  test('is told in one frame and said in one publication', () => {
    left.hear('a', here(1, 1), here(2, 1))
    expect(left.said).toHaveLength(1)
    expect(left.told).toHaveLength(1)
  })
})

describe('a client that breaks off', () => {
  test('is gone on all instances after the grace', () => {
    left.hear('a', here(1, 1))
    left.presence.leave('a', 'lost')
    clock.advance(1_999)
    expect(shown()).toEqual([[1], [1], [1]])
    clock.advance(1)
    expect(shown()).toEqual([[], [], []])
  })

  test('and comes to another instance within the grace, with the clock that it had, never vanishes', () => {
    left.hear('a', here(1, 1))
    left.presence.leave('a', 'lost')
    clock.advance(1_000)
    right.hear('a again', here(1, 1))
    clock.advance(60_000)
    for (const { told } of instances) expect(told.flat()).toEqual([here(1, 1)])
    right.presence.leave('a again', 'closed')
    expect(shown()).toEqual([[], [], []])
  })

  test('and comes to another instance before its loss is noticed never vanishes either', () => {
    left.hear('a', here(1, 1))
    right.hear('a again', here(1, 1))
    clock.advance(45_000)
    right.hear('a again', here(1, 2))
    left.presence.leave('a', 'lost')
    clock.advance(45_000)
    for (const { told } of instances) expect(told.flat()).toEqual([here(1, 1), here(1, 2)])
    right.hear('a again', gone(1, 3))
    expect(shown()).toEqual([[], [], []])
  })

  test('and comes to another instance after the grace is told that it is gone, and is back with its next clock', () => {
    left.hear('a', here(1, 1))
    left.presence.leave('a', 'lost')
    clock.advance(2_000)
    expect(right.hear('a again', here(1, 1))).toEqual([gone(1, 1)])
    right.hear('a again', here(1, 2))
    expect(shown()).toEqual([[1], [1], [1]])
  })

  test('and says goodbye elsewhere is gone, though the broken connection is still there', () => {
    left.hear('a', here(1, 1))
    right.hear('a again', here(1, 1))
    right.hear('a again', gone(1, 2))
    expect(shown()).toEqual([[], [], []])
    left.presence.leave('a', 'lost')
    clock.advance(60_000)
    expect(left.told).toEqual([[here(1, 1)], [gone(1, 2)]])
  })
})

describe('of a client that is here, another instance', () => {
  beforeEach(() => left.hear('a', here(1, 3)))

  const hear = (...entries: Parameters<typeof encodeAwareness>[0]) =>
    left.remote.hear('stranger', encodeAwareness(entries), false)

  test('cannot remove it with the clock that it has, nor without having it', () => {
    hear(gone(1, 3))
    hear(gone(1, 9))
    hear(here(1, 3))
    hear(gone(1, 3))
    expect(left.shown).toEqual([1])
    expect(left.told).toHaveLength(1)
  })

  test('cannot raise the clock so far that it could say nothing any more', () => {
    hear(here(1, 3 + 101))
    expect(left.told).toHaveLength(1)
    hear(here(1, 3 + 100))
    expect(left.told.at(-1)).toEqual([here(1, 103)])
  })

  test('cannot bring back what is gone with the clock that it had', () => {
    left.hear('a', gone(1, 4))
    hear(here(1, 4))
    expect(left.shown).toEqual([])
    hear(here(1, 5))
    expect(left.shown).toEqual([1])
  })
})

describe('what the relay loses', () => {
  test('is made up for by the whole of each instance within 10 s', () => {
    left.hear('a', here(1, 1))
    right.isDeaf = true
    left.hear('b', here(2, 1))
    left.hear('a', gone(1, 2))
    right.isDeaf = false
    expect(right.shown).toEqual([1])
    clock.advance(12_000)
    expect(right.shown).toEqual([2])
  })

  test('is asked for when the relay is back, and all who ask in the same moment share one answer', () => {
    clock.advance(20_000)
    right.isDeaf = true
    third.isDeaf = true
    left.hear('a', here(1, 1))
    const before = left.said.length
    right.isDeaf = false
    third.isDeaf = false
    right.remote.subscribed()
    third.remote.subscribed()
    clock.advance(100)
    expect(left.said.slice(before)).toEqual([{ entries: [here(1, 1)], whole: true }])
    expect([right.shown, third.shown]).toEqual([[1], [1]])
  })

  test('by an instance that is cut off is said by it when the relay is back', () => {
    left.isDeaf = true
    left.hear('a', here(1, 1))
    left.isDeaf = false
    left.remote.subscribed()
    clock.advance(100)
    expect(shown()).toEqual([[1], [1], [1]])
  })

  test('holds what a broken-off client may come back to, until its grace is over', () => {
    left.hear('a', here(1, 1))
    left.presence.leave('a', 'lost')
    right.remote.subscribed()
    clock.advance(100)
    expect(left.said.at(-1)).toEqual({ entries: [here(1, 1)], whole: true })
    expect(shown()).toEqual([[1], [1], [1]])
  })
})

describe('an instance', () => {
  test('that died is gone with its people within 30 s, whom nobody else has', () => {
    left.hear('a', here(1, 1), here(2, 1))
    clock.advance(5_000)
    left.die()
    right.hear('b', here(2, 1))
    clock.advance(17_000)
    expect(right.shown).toEqual([1, 2])
    clock.advance(13_000)
    expect([right.shown, third.shown]).toEqual([[2], [2]])
  })

  test('that is heard every 10 s keeps its people, also those who say nothing', () => {
    left.hear('a', here(1, 1))
    clock.advance(120_000)
    expect(shown()).toEqual([[1], [1], [1]])
    expect(left.told).toHaveLength(1)
  })

  test('without members says nothing from time to time', () => {
    left.members = 0
    clock.advance(60_000)
    expect(left.said).toEqual([])
    expect(right.said.length).toBeGreaterThanOrEqual(5)
    expect(right.said.every(({ entries, whole }) => whole && entries.length === 0)).toBe(true)
  })

  test('that says what cannot be read changes nothing, and that is told once in a way that fits a log', () => {
    left.hear('a', here(1, 1))
    for (let i = 0; i < 3; i++) right.remote.hear('strange', Uint8Array.of(1, 2, 3), true)
    expect(right.shown).toEqual([1])
    const reason = 'an awareness update is cut short'
    expect(right.events).toEqual(
      [true, false, false].map(isFirst => ({ document: 'document', instance: 'strange', reason, isFirst })),
    )
  })

  test('brings no more than the room holds, and what is left out is told', () => {
    const many = Array.from({ length: 12 }, (_, i) => here(i + 1, 1))
    right.remote.hear('crowded', encodeAwareness(many), true)
    expect(right.shown).toHaveLength(10)
    expect(right.events).toEqual([
      { document: 'document', member: 'instance crowded', entries: 2, isFirst: true },
    ])
    right.remote.hear('crowded', encodeAwareness([]), true)
    expect(right.shown).toEqual([])
  })

  test('that nobody has heard of is not heard where a thousand are', () => {
    for (let i = 0; i < 1_024; i++) right.remote.hear(`instance ${i}`, encodeAwareness([]), true)
    right.remote.hear('one more', encodeAwareness([here(1, 1)]), true)
    expect(right.shown).toEqual([])
  })
})
