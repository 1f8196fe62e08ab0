/** Who is here, through a whole room: what its members have tokens for, and what they may cost. */
import type { Identity } from '@syncline/server/internal/room/member'
import { type AwarenessEntry, decodeAwareness, encodeAwareness } from '@syncline/shared/presence'
import { closeCodes } from '@syncline/shared/wire/close-codes'
import { describe, expect, test } from 'vitest'
import { gone, here } from '../../support/presence-instances.ts'
import { typed } from '../../support/room-author.ts'
import type { TestMember } from '../../support/room-member.ts'
import { openStage, type RoomStage, say } from '../../support/room-stage.ts'

async function join(stage: RoomStage, id: string, identity: Identity | null): Promise<TestMember> {
  const member = await stage.join(id)
  member.identity = identity
  return member
}

const named = (id: string, name: string): Identity => ({ user: { id, name, color: null } })

const says = ({ room }: RoomStage, member: TestMember, ...entries: AwarenessEntry[]) =>
  room.receive(member, { kind: 'awareness', awareness: encodeAwareness(entries) })

/** What a member was told of presence since the last time. */
function told(member: TestMember): AwarenessEntry[] {
  return member.news().flatMap(message => {
    if (message.kind !== 'awareness') return []
    const decoded = decodeAwareness(message.awareness, 1_000)
    return decoded.ok ? decoded.entries : []
  })
}

describe('[AUTH-3] of two forged presences', () => {
  test("another's name reaches nobody, and its author is shown as who it is", async () => {
    const stage = await openStage()
    const ada = await join(stage, 'ada', named('u1', 'Ada'))
    const mallory = await join(stage, 'mallory', named('u3', 'Mallory'))
    says(stage, mallory, here(3, 1, '{"user":{"id":"u1","name":"Ada"}}'))
    const shown = [here(3, 1, '{"user":{"id":"u3","name":"Mallory"}}')]
    expect([told(ada), told(mallory)]).toEqual([shown, shown])
    expect(told(await join(stage, 'newcomer', null))).toEqual(shown)
  })

  test("another's client id reaches nobody, and is counted", async () => {
    const stage = await openStage()
    const ada = await join(stage, 'ada', named('u1', 'Ada'))
    const mallory = await join(stage, 'mallory', named('u3', 'Mallory'))
    says(stage, ada, here(1, 1))
    const shown = [here(1, 1, '{"user":{"id":"u1","name":"Ada"}}')]
    expect([told(ada), told(mallory)]).toEqual([shown, shown])
    says(stage, mallory, here(1, 2))
    says(stage, mallory, gone(1, 3))
    says(stage, mallory, ...shown)
    expect([told(ada), told(mallory)]).toEqual([[], []])
    expect(mallory.closed).toBe(null)
    const event = { name: 'presenceForged', document: stage.room.document, member: 'mallory', entries: 1 }
    expect(stage.eventsNamed('presenceForged')).toEqual([
      { ...event, isFirst: true },
      { ...event, isFirst: false },
    ])
  })
})

describe('[AUTH-3] an edit under a client id that is in presence', () => {
  test('of another user who is connected is refused, and is not once they have gone', async () => {
    const stage = await openStage()
    const ada = await join(stage, 'ada', named('u1', 'Ada'))
    const mallory = await join(stage, 'mallory', named('u3', 'Mallory'))
    const bob = await join(stage, 'bob', named('u2', 'Bob'))
    says(stage, ada, here(1, 1))
    const [edit] = typed(1, 'forged')
    stage.room.receive(mallory, say.update(edit!))
    expect(mallory.closed).toMatchObject({ code: closeCodes.notAllowed })
    stage.room.leave(ada, 'closed')
    stage.room.receive(bob, say.update(edit!))
    expect(bob.closed).toBe(null)
  })

  test('is taken from the user whose it is, also where their token names nobody', async () => {
    const stage = await openStage()
    for (const [index, identity] of [named('u1', 'Ada'), { user: null }, null].entries()) {
      const author = await join(stage, `author ${index}`, identity)
      const client = index + 1
      says(stage, author, here(client, 1))
      stage.room.receive(author, say.update(typed(client, 'own')[0]!))
      expect(author.closed).toBe(null)
    }
  })

  test('of another connection is refused where the tokens of both name nobody', async () => {
    const stage = await openStage()
    says(stage, await join(stage, 'guest', { user: null }), here(1, 1))
    const other = await join(stage, 'other', { user: null })
    stage.room.receive(other, say.update(typed(1, 'forged')[0]!))
    expect(other.closed).toMatchObject({ code: closeCodes.notAllowed })
  })
})

test('[LIM-1 presence-message-bytes] a larger presence message is refused by name, and disturbs nobody', async () => {
  const stage = await openStage()
  const [ada, mallory] = [await stage.join('ada'), await stage.join('mallory')]
  const around = encodeAwareness([here(3, 1, '""')]).byteLength + 2
  const message = (bytes: number) => here(3, 1, `"${'x'.repeat(bytes - around)}"`)
  says(stage, mallory, message(64 * 1024))
  expect(told(ada)).toHaveLength(1)
  expect(mallory.closed).toBe(null)
  says(stage, mallory, { ...message(64 * 1024 + 1), clock: 2 })
  expect(mallory.closed).toEqual({
    code: closeCodes.tooLarge,
    detail: 'presence of 65537 bytes came, at most 65536 are allowed (limitPresenceMessageBytes)',
  })
  expect(stage.eventsNamed('limitReached')).toMatchObject([{ limit: 'limitPresenceMessageBytes' }])
  expect(told(ada)).toEqual([])
  says(stage, ada, here(1, 1))
  expect(told(ada)).toEqual([here(1, 1)])
})

test('[LIM-1 presence-entries-per-connection] 200 invented users a frame cost their inventor alone', async () => {
  const stage = await openStage()
  const [ada, mallory] = [await stage.join('ada'), await stage.join('mallory')]
  for (let frame = 0; frame < 50; frame++) {
    const invented = Array.from({ length: 200 }, (_, i) => here(1_000 + frame * 200 + i, 1))
    says(stage, mallory, ...invented)
  }
  expect(stage.room.held.presenceEntries).toBe(100)
  expect(told(ada)).toHaveLength(100)
  const events = stage.eventsNamed('presenceLeftOut')
  expect(events.reduce((sum, { entries }) => sum + entries, 0)).toBe(50 * 200 - 100)
  expect(events.filter(({ isFirst }) => isFirst)).toHaveLength(1)
  says(stage, ada, here(1, 1))
  expect(told(ada)).toEqual([here(1, 1)])
  stage.room.leave(mallory, 'closed')
  expect(told(ada).filter(({ json }) => json === 'null')).toHaveLength(100)
})

test('a thousand questions who is there in one second cost one answer, and one in the next second another', async () => {
  const stage = await openStage()
  const [ada, mallory] = [await stage.join('ada'), await stage.join('mallory')]
  says(stage, ada, here(1, 1))
  told(mallory)
  const ask = () => stage.room.receive(mallory, { kind: 'query-awareness' })
  for (let i = 0; i < 1_000; i++) ask()
  expect(told(mallory)).toEqual([here(1, 1)])
  stage.clock.advance(1_000)
  ask()
  expect(told(mallory)).toEqual([here(1, 1)])
})
