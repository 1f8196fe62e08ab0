/**
 * Every rule about who is here, one by one. What clients make of it, with their own Awareness, is in `presence-clients.test.ts`.
 */
import { Presence, type PresenceLimits } from '@syncline/server/internal/room/presence'
import type { AwarenessEntry } from '@syncline/shared/presence'
import { beforeEach, describe, expect, test } from 'vitest'
import { TestClock } from '../../support/room-clock.ts'

const limits: PresenceLimits = {
  messageBytesMax: 1_000,
  entriesPerRoomMax: 10,
  entriesPerConnectionMax: 3,
  ofReaders: true,
  graceMs: 2_000,
  outdatedMs: 30_000,
}

let clock: TestClock
let presence: Presence
let announced: AwarenessEntry[]
let announcedElsewhere: AwarenessEntry[]
beforeEach(() => {
  clock = new TestClock()
  announced = []
  announcedElsewhere = []
  presence = new Presence(limits, clock, (news, said) => {
    announced.push(...news)
    announcedElsewhere.push(...said)
  })
})

const here = (client: number, at: number, json = '{}'): AwarenessEntry => ({ client, clock: at, json })
const gone = (client: number, at: number) => here(client, at, 'null')
const says = (connection: string, ...entries: AwarenessEntry[]) =>
  presence.hear({ id: connection, access: 'write', identity: null }, entries)
const news = (connection: string, ...entries: AwarenessEntry[]) => says(connection, ...entries).news

describe('an entry', () => {
  test('is taken and told if its clock is higher than the known one, and unknown counts as 0', () => {
    expect(news('a', here(1, 0))).toEqual([])
    expect(news('a', here(1, 1))).toEqual([here(1, 1)])
    expect(news('a', here(1, 1, '{"x":1}'))).toEqual([])
    expect(news('a', here(1, 5))).toEqual([here(1, 5)])
    expect(news('a', here(1, 4))).toEqual([])
  })

  test('that changes nothing is a renewal, and is told as well', () => {
    news('a', here(1, 1))
    expect(news('a', here(1, 2))).toEqual([here(1, 2)])
  })

  test('that removes is taken at the known clock, once', () => {
    news('a', here(1, 3))
    expect(news('a', gone(1, 2))).toEqual([])
    expect(news('a', gone(1, 3))).toEqual([gone(1, 3)])
    expect(news('a', gone(1, 3))).toEqual([])
    expect(presence.current()).toEqual([])
  })

  test('that removes somebody who is not here says nothing', () => {
    expect(news('a', gone(1, 3))).toEqual([])
    expect(presence.size).toBe(0)
  })

  test('of somebody who is gone comes back with a higher clock only', () => {
    news('a', here(1, 3))
    news('a', gone(1, 3))
    expect(news('b', here(1, 3))).toEqual([])
    expect(news('b', here(1, 4))).toEqual([here(1, 4)])
  })
})

describe('an owner', () => {
  test('is who brings an id first, and who repeats it becomes none', () => {
    news('a', here(1, 1))
    news('b', here(2, 1))
    expect(news('b', here(1, 1))).toEqual([])
    presence.leave('b', 'closed')
    expect(announced).toEqual([gone(2, 1)])
    presence.leave('a', 'closed')
    expect(announced).toEqual([gone(2, 1), gone(1, 1)])
  })

  test('stays so when another tab brings a newer state of it, which is told', () => {
    news('a', here(1, 1))
    news('b', here(2, 1))
    expect(news('b', here(1, 2))).toEqual([here(1, 2)])
    presence.leave('b', 'lost')
    clock.advance(2_000)
    expect(announced).toEqual([gone(2, 1)])
    expect(presence.current()).toEqual([here(1, 2)])
  })

  test('is the connection whose first frame names the id alone, whoever had it before', () => {
    // A tab brings its neighbour's state first, since both are in its first frame.
    news('tab', here(1, 1), here(2, 1))
    news('neighbour', here(2, 1))
    presence.leave('tab', 'closed')
    expect(announced).toEqual([gone(1, 1)])
    expect(presence.current()).toEqual([here(2, 1)])
  })

  test('is not changed by a later frame that names an id alone, nor by a frame about nobody', () => {
    news('a', here(1, 1))
    says('b')
    news('b', here(2, 1))
    news('b', here(1, 1))
    presence.leave('b', 'closed')
    expect(announced).toEqual([gone(2, 1)])
  })

  test('alone can remove: a tab that thinks a hidden neighbour outdated does not', () => {
    news('a', here(1, 3))
    news('b', here(2, 1))
    expect(news('b', gone(1, 3))).toEqual([])
    expect(news('b', gone(1, 4))).toEqual([])
    expect(presence.current()).toContainEqual(here(1, 3))
  })
})

describe('a connection that says goodbye', () => {
  test('and has removed itself leaves nothing to tell', () => {
    news('a', here(1, 3))
    news('a', gone(1, 3))
    presence.leave('a', 'closed')
    clock.advance(10_000)
    expect(announced).toEqual([])
  })

  test('takes along at once whatever else it has brought, at the known clocks', () => {
    news('a', here(1, 3), here(2, 5))
    presence.leave('a', 'closed')
    expect(announced).toEqual([gone(1, 3), gone(2, 5)])
    expect(presence.current()).toEqual([])
  })
})

describe('a connection that breaks off', () => {
  test('is announced as gone after 2 s, at the known clock', () => {
    news('a', here(1, 3))
    presence.leave('a', 'lost')
    clock.advance(1_999)
    expect(announced).toEqual([])
    expect(presence.current()).toEqual([here(1, 3)])
    clock.advance(1)
    expect(announced).toEqual([gone(1, 3)])
  })

  test('and comes back within these with the clock that it had is not announced', () => {
    news('a', here(1, 3))
    presence.leave('a', 'lost')
    clock.advance(1_000)
    expect(says('a again', here(1, 3))).toEqual({ news: [], said: [], correction: [], leftOut: 0, forged: 0 })
    clock.advance(10_000)
    expect(announced).toEqual([])
    presence.leave('a again', 'closed')
    expect(announced).toEqual([gone(1, 3)])
  })

  test('twice has its 2 s each time', () => {
    news('a', here(1, 3))
    presence.leave('a', 'lost')
    clock.advance(1_000)
    news('a again', here(1, 3))
    presence.leave('a again', 'lost')
    clock.advance(1_999)
    expect(announced).toEqual([])
    clock.advance(1)
    expect(announced).toEqual([gone(1, 3)])
  })

  test('is told that it is gone for the others when it comes back later, and is back with its next clock', () => {
    news('a', here(1, 3))
    presence.leave('a', 'lost')
    clock.advance(2_000)
    expect(says('a again', here(1, 3))).toMatchObject({ news: [], correction: [gone(1, 3)] })
    expect(news('a again', here(1, 4))).toEqual([here(1, 4)])
  })

  test('is told so at the known clock, which a neighbour may have made a higher one', () => {
    news('a', here(1, 3))
    presence.leave('a', 'lost')
    news('b', here(2, 1))
    news('b', gone(1, 7))
    // Less, and its answer would be refused again, clock by clock.
    expect(says('a again', here(1, 3)).correction).toEqual([gone(1, 7)])
    expect(news('a again', here(1, 8))).toEqual([here(1, 8)])
  })

  test('is taken over by a neighbour that still hears of it, until it is back itself', () => {
    news('a', here(1, 3))
    news('b', here(2, 1))
    presence.leave('a', 'lost')
    expect(news('b', here(1, 4))).toEqual([here(1, 4)])
    clock.advance(10_000)
    expect(announced).toEqual([])
    news('a again', here(1, 5))
    presence.leave('b', 'closed')
    expect(announced).toEqual([gone(2, 1)])
  })

  test('and was hidden for long is announced too, when the room is swept meanwhile', () => {
    news('a', here(1, 3))
    clock.advance(50_000)
    presence.leave('a', 'lost')
    presence.sweep()
    clock.advance(2_000)
    expect(announced).toEqual([gone(1, 3)])
  })
})

describe('a newcomer', () => {
  test('is told everybody who is here, and nobody who is gone or has not said anything yet', () => {
    news('a', here(1, 1, '{"name":"Ada"}'))
    news('b', here(2, 0))
    news('c', here(3, 1))
    news('c', gone(3, 1))
    expect(presence.current()).toEqual([here(1, 1, '{"name":"Ada"}')])
  })

  test('is not told who has not renewed for 30 s, and nobody is told that they are gone', () => {
    news('a', here(1, 1))
    clock.advance(30_000)
    expect(presence.current()).toEqual([here(1, 1)])
    clock.advance(1)
    expect(presence.current()).toEqual([])
    presence.sweep()
    expect(announced).toEqual([])
    // Hidden tabs renew once a minute.
    clock.advance(30_000)
    expect(news('a', here(1, 2))).toEqual([here(1, 2)])
    expect(presence.current()).toEqual([here(1, 2)])
  })
})

describe('what is kept', () => {
  test('of those who are gone is forgotten after 30 s', () => {
    news('a', here(1, 3))
    news('a', gone(1, 3))
    clock.advance(30_000)
    presence.sweep()
    expect(presence.size).toBe(1)
    clock.advance(1)
    presence.sweep()
    expect(presence.size).toBe(0)
  })

  test('[LIM-1 presence-entries-per-connection] is at most so many ids of one connection', () => {
    const { news: told, leftOut } = says('a', ...[1, 2, 3, 4, 5].map(client => here(client, 1)))
    expect(told.map(({ client }) => client)).toEqual([1, 2, 3])
    expect(leftOut).toBe(2)
    expect(news('b', here(6, 1))).toEqual([here(6, 1)])
  })

  test('[LIM-1 presence-entries-per-room] is at most so many ids of one room, and evicts none', () => {
    for (let i = 0; i < 12; i++) news(`connection ${i}`, here(i + 1, 1))
    expect(presence.size).toBe(10)
    expect(says('late', here(99, 1))).toEqual({ news: [], said: [], correction: [], leftOut: 1, forged: 0 })
    expect(presence.current()).toHaveLength(10)
    expect(news('connection 0', here(1, 2))).toEqual([here(1, 2)])
  })

  test('makes room for others when somebody is forgotten', () => {
    says('a', here(1, 1), here(2, 1), here(3, 1))
    news('a', gone(1, 1))
    clock.advance(31_000)
    presence.sweep()
    expect(says('a', here(4, 1)).leftOut).toBe(0)
  })
})
