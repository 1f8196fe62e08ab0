/** Whether members that may only read are seen, which a setting decides. */
import { type AwarenessEntry, decodeAwareness, encodeAwareness } from '@syncline/shared/presence'
import { describe, expect, test } from 'vitest'
import { gone, here } from '../../support/presence-instances.ts'
import type { TestMember } from '../../support/room-member.ts'
import { openStage, type RoomStage, testLimits } from '../../support/room-stage.ts'

const open = (ofReaders: boolean) =>
  openStage({ limits: { presence: { ...testLimits.presence, ofReaders } } })

async function joinAs(stage: RoomStage, id: string, access: TestMember['access']): Promise<TestMember> {
  const member = await stage.join(id)
  member.access = access
  return member
}

const says = ({ room }: RoomStage, member: TestMember, ...entries: AwarenessEntry[]) =>
  room.receive(member, { kind: 'awareness', awareness: encodeAwareness(entries) })

const change = ({ room }: RoomStage, member: TestMember, access: TestMember['access']) => {
  member.access = access
  room.accessChanged(member)
}

/** What a member was told of presence since the last time. */
function told(member: TestMember): AwarenessEntry[] {
  return member.news().flatMap(message => {
    if (message.kind !== 'awareness') return []
    const decoded = decodeAwareness(message.awareness, 1_000)
    return decoded.ok ? decoded.entries : []
  })
}

test('where readers are shown they are, and stay so when their access changes', async () => {
  const stage = await open(true)
  const [reader, writer] = [await joinAs(stage, 'reader', 'read'), await joinAs(stage, 'writer', 'write')]
  says(stage, reader, here(1, 1))
  change(stage, reader, 'write')
  change(stage, reader, 'read')
  says(stage, reader, here(1, 2))
  expect(told(writer)).toEqual([here(1, 1), here(1, 2)])
})

describe('where readers are not shown', () => {
  test('nothing of them is kept or told, and they see who writes', async () => {
    const stage = await open(false)
    const reader = await joinAs(stage, 'reader', 'read')
    const writer = await joinAs(stage, 'writer', 'write')
    const admin = await joinAs(stage, 'admin', 'admin')
    says(stage, reader, here(1, 1), here(9, 1))
    says(stage, reader, here(1, 2))
    says(stage, reader, gone(1, 2))
    expect(stage.room.held.presenceEntries).toBe(0)
    says(stage, writer, here(2, 1))
    says(stage, admin, here(3, 1))
    for (const member of [reader, writer, admin]) expect(told(member)).toEqual([here(2, 1), here(3, 1)])
    expect(told(await joinAs(stage, 'newcomer', 'read'))).toEqual([here(2, 1), here(3, 1)])
  })

  test('they cannot say anything about those who are, either', async () => {
    const stage = await open(false)
    const reader = await joinAs(stage, 'reader', 'read')
    const writer = await joinAs(stage, 'writer', 'write')
    says(stage, writer, here(2, 1))
    told(writer)
    says(stage, reader, here(2, 2))
    says(stage, reader, gone(2, 3))
    expect(told(writer)).toEqual([])
  })

  test('who may only read from now on is gone for the others, at the known clock, and stays so', async () => {
    const stage = await open(false)
    const [ada, ben] = [await joinAs(stage, 'ada', 'write'), await joinAs(stage, 'ben', 'write')]
    says(stage, ada, here(1, 4))
    told(ben)
    change(stage, ada, 'read')
    expect(told(ben)).toEqual([gone(1, 4)])
    // As a stock client answers when it is told that it is gone.
    says(stage, ada, here(1, 5))
    stage.room.leave(ada, 'lost')
    stage.clock.advance(10_000)
    expect(told(ben)).toEqual([])
  })

  test('who may write from now on is shown with what they say next', async () => {
    const stage = await open(false)
    const [ada, ben] = [await joinAs(stage, 'ada', 'read'), await joinAs(stage, 'ben', 'write')]
    says(stage, ada, here(1, 4))
    change(stage, ada, 'write')
    says(stage, ada, here(1, 5))
    expect(told(ben)).toEqual([here(1, 5)])
    change(stage, ada, 'read')
    change(stage, ada, 'write')
    says(stage, ada, here(1, 6))
    expect(told(ben)).toEqual([gone(1, 5), here(1, 6)])
  })
})
