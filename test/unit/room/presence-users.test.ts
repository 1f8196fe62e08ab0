/**
 * Whose a client id is where members have tokens, rule by rule, at one instance. Several are in `remote-presence-users.test.ts`,
 * random frames in `presence-users.property.test.ts`.
 */
import type { Identity } from '@syncline/server/internal/room/member'
import { Presence, type PresenceLimits } from '@syncline/server/internal/room/presence'
import type { Speaker } from '@syncline/server/internal/room/presence-bringers'
import type { AwarenessEntry } from '@syncline/shared/presence'
import { beforeEach, describe, expect, test } from 'vitest'
import { gone, here } from '../../support/presence-instances.ts'
import { TestClock } from '../../support/room-clock.ts'

const limits: PresenceLimits = {
  messageBytesMax: 1_000,
  entriesPerRoomMax: 10,
  entriesPerConnectionMax: 3,
  ofReaders: true,
  graceMs: 2_000,
  outdatedMs: 30_000,
}

const identityOf = (id: string): Identity => ({ user: { id, name: null, color: null } })
const speaker = (id: string, identity: Identity | null): Speaker => ({ id, access: 'write', identity })
const ada = speaker('a', identityOf('ada'))
const adaElsewhere = speaker('a again', identityOf('ada'))
const bob = speaker('b', identityOf('bob'))
const guest = speaker('g', { user: null })
const otherGuest = speaker('h', { user: null })

const stateOf = (id: string) => `{"user":{"id":"${id}","name":"${id}"}}`
const as = (id: string, client: number, clock: number) => here(client, clock, stateOf(id))

let clock: TestClock
let presence: Presence
let announced: AwarenessEntry[]
beforeEach(() => {
  clock = new TestClock()
  announced = []
  presence = new Presence(limits, clock, news => void announced.push(...news))
})

const says = (speaker: Speaker, ...entries: AwarenessEntry[]) => presence.hear(speaker, entries)
const nothing = { news: [], said: [], correction: [], leftOut: 0, forged: 0 }
const forged = (entries: number) => ({ ...nothing, forged: entries })

describe('[AUTH-3] a state', () => {
  test('is told to everybody, its author included, with the user of the token and not the one it says', () => {
    const { news, said } = says(ada, here(1, 1, '{"user":{"name":"Bob"},"x":1}'))
    const told = here(1, 1, '{"user":{"name":"ada","id":"ada"},"x":1}')
    expect([news, said, presence.current(), presence.here()]).toEqual([[told], [told], [told], [told]])
  })

  test('that changes nothing is a renewal, and told as well', () => {
    says(ada, here(1, 1, '{}'))
    expect(says(ada, here(1, 2, '{}')).news).toEqual([as('ada', 1, 2)])
  })

  test('comes as it is where nobody has to say who they are', () => {
    const state = here(1, 1, '{ "user" : {"name":"Bob"} }')
    expect(says(speaker('a', null), state).news).toEqual([state])
  })

  test('that becomes too large when it says who it is, is left out and counted', () => {
    const large = here(1, 1, `{"x":"${'x'.repeat(980)}"}`)
    expect(says(ada, large)).toEqual({ ...nothing, leftOut: 1 })
    expect(says(ada, here(1, 2, '{}')).news).toEqual([as('ada', 1, 2)])
    expect(says(ada, { ...large, clock: 3 })).toEqual({ ...nothing, leftOut: 1 })
    expect(presence.current()).toEqual([as('ada', 1, 2)])
  })
})

describe("[AUTH-3] another user's client id", () => {
  test('is not taken over by who names it alone in a first frame, at whatever clock', () => {
    says(ada, here(1, 5, '{}'))
    expect(says(bob, here(1, 6, '{}'))).toEqual(forged(1))
    expect(says({ ...bob, id: 'b2' }, here(1, 2 ** 53 - 1, '{}'))).toEqual(forged(1))
    expect(says(guest, here(1, 7, '{}'))).toEqual(forged(1))
    expect(presence.current()).toEqual([as('ada', 1, 5)])
    expect(says(ada, here(1, 6, '{}')).news).toEqual([as('ada', 1, 6)])
  })

  test('is not removed, neither at a newer clock nor at its own', () => {
    says(ada, here(1, 5, '{}'))
    says(bob, here(2, 1, '{}'))
    expect(says(bob, gone(1, 6))).toEqual(forged(1))
    expect(says(bob, gone(1, 5))).toEqual(nothing)
    expect(presence.current()).toContainEqual(as('ada', 1, 5))
  })

  test('does not stop the rest of a frame', () => {
    says(ada, here(1, 5, '{}'))
    const heard = says(bob, here(1, 6, '{}'), here(2, 1, '{}'))
    expect(heard).toEqual({ ...nothing, news: [as('bob', 2, 1)], said: [as('bob', 2, 1)], forged: 1 })
  })

  test('may be echoed, as stock clients do it: that is no offence', () => {
    says(ada, here(1, 5, '{}'))
    says(bob, here(2, 1, '{}'))
    expect(says(bob, as('ada', 1, 5))).toEqual(nothing)
    expect(says(bob, as('ada', 1, 4))).toEqual(nothing)
    expect(says(guest, as('ada', 1, 5))).toEqual(nothing)
  })

  test('stays theirs also when they show nothing of themselves, for however long', () => {
    says(ada, here(1, 5, '{}'))
    says(ada, gone(1, 5))
    clock.advance(100_000)
    presence.sweep()
    expect(says(bob, here(1, 9, '{}'))).toEqual(forged(1))
    expect(says(ada, here(1, 6, '{}')).news).toEqual([as('ada', 1, 6)])
  })

  test('is theirs for the grace when they break off, and anybody else may have it afterwards', () => {
    says(ada, here(1, 5, '{}'))
    presence.leave('a', 'lost')
    clock.advance(1_999)
    expect(says(bob, here(1, 6, '{}'))).toEqual(forged(1))
    expect(says(bob, gone(1, 5))).toEqual(nothing)
    expect(announced).toEqual([])
    clock.advance(1)
    expect(announced).toEqual([gone(1, 5)])
    expect(says(bob, here(1, 6, '{}')).news).toEqual([as('bob', 1, 6)])
  })

  test('is free at once when they have said goodbye', () => {
    says(ada, here(1, 5, '{}'))
    presence.leave('a', 'closed')
    expect(says(bob, here(1, 6, '{}')).news).toEqual([as('bob', 1, 6)])
    says(ada, here(3, 1, '{}'))
    says(ada, gone(3, 1))
    presence.leave('a', 'lost')
    expect(says({ ...bob, id: 'b2' }, here(3, 2, '{}')).news).toEqual([as('bob', 3, 2)])
  })

  test('is any that another connection has whose token names nobody', () => {
    says(guest, here(1, 5, '{"user":{"name":"Ada"}}'))
    expect(presence.current()).toEqual([here(1, 5, '{"user":{}}')])
    expect(says(otherGuest, here(1, 6, '{}'))).toEqual(forged(1))
    presence.leave('g', 'lost')
    expect(says(otherGuest, here(1, 6, '{}'))).toEqual(forged(1))
    clock.advance(2_000)
    // As a stock client answers when it is told that it is gone.
    expect(says(otherGuest, here(1, 6, '{}')).news).toEqual([here(1, 6, '{}')])
  })
})

describe('tabs of one user', () => {
  test('update what each other has, and take over what is their own, as where nobody has tokens', () => {
    says(ada, here(1, 1, '{}'))
    says(adaElsewhere, here(2, 1, '{}'))
    expect(says(adaElsewhere, here(1, 2, '{}')).news).toEqual([as('ada', 1, 2)])
    expect(says({ ...ada, id: 'third' }, here(1, 3, '{}')).news).toEqual([as('ada', 1, 3)])
    presence.leave('a', 'closed')
    presence.leave('a again', 'closed')
    expect(announced).toEqual([gone(2, 1)])
  })

  test('come back within the grace with the clock that they had', () => {
    says(ada, here(1, 3, '{}'))
    presence.leave('a', 'lost')
    expect(says(adaElsewhere, here(1, 3, '{}'))).toEqual(nothing)
    clock.advance(10_000)
    expect(announced).toEqual([])
  })

  test('are told that they are gone when they come back later', () => {
    says(ada, here(1, 3, '{}'))
    presence.leave('a', 'lost')
    clock.advance(2_000)
    expect(says(adaElsewhere, here(1, 3, '{}')).correction).toEqual([gone(1, 3)])
  })
})

describe('who has an id of their own', () => {
  test('brings another one if its state names them: the server has vouched for it', () => {
    says(ada, here(1, 1, '{}'))
    expect(says(ada, as('ada', 2, 1)).news).toEqual([as('ada', 2, 1)])
  })

  test('brings no other one otherwise, so that it is there for the tab of another user whose it is', () => {
    says(ada, here(1, 1, '{}'))
    for (const state of ['{"user":{"name":"Bob"}}', stateOf('bob'), '{}', '7'])
      expect(says(ada, here(2, 1, state))).toEqual(nothing)
    expect(says(bob, here(2, 1, '{}')).news).toEqual([as('bob', 2, 1)])
    says(guest, here(3, 1, '{}'))
    expect(says(guest, here(4, 1, '{}'))).toEqual(nothing)
  })

  test('does not take one that has become free, either', () => {
    says(ada, here(1, 1, '{}'))
    presence.leave('a', 'closed')
    says(bob, here(2, 1, '{}'))
    expect(says(bob, as('ada', 1, 2))).toEqual(nothing)
  })

  test('is not who names several first: all of them are', () => {
    expect(says(bob, here(2, 1, '{}'), here(3, 1, '{}')).news).toEqual([as('bob', 2, 1), as('bob', 3, 1)])
    expect(says(ada, here(3, 2, '{}'))).toEqual(forged(1))
  })
})

describe('[AUTH-3] whether an id is of another user who is connected', () => {
  test('is known of everybody who has said anything', () => {
    says(ada, here(1, 1, '{}'))
    says(guest, here(2, 1, '{}'))
    expect(presence.isOfAnother(1, ada)).toBe(false)
    expect(presence.isOfAnother(1, adaElsewhere)).toBe(false)
    expect(presence.isOfAnother(1, bob)).toBe(true)
    expect(presence.isOfAnother(1, guest)).toBe(true)
    expect(presence.isOfAnother(2, guest)).toBe(false)
    expect(presence.isOfAnother(2, otherGuest)).toBe(true)
    expect(presence.isOfAnother(2, ada)).toBe(true)
    expect(presence.isOfAnother(3, ada)).toBe(false)
  })

  test('is false of those who have gone, and where nobody has to say who they are', () => {
    says(ada, here(1, 1, '{}'))
    presence.leave('a', 'lost')
    expect(presence.isOfAnother(1, bob)).toBe(false)
    says(speaker('x', null), here(5, 1, '{}'))
    expect(presence.isOfAnother(5, speaker('y', null))).toBe(false)
  })
})
