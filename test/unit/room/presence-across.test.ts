/** Who is in a document, through whole rooms on several instances. */
import { decodeAwareness, encodeAwareness } from '@syncline/shared/presence'
import { expect, test } from 'vitest'
import { gone, here } from '../../support/presence-instances.ts'
import { HearingListener } from '../../support/relay-end.ts'
import { turnsUntil } from '../../support/room-clock.ts'
import { shareInstances } from '../../support/room-instances.ts'
import type { TestMember } from '../../support/room-member.ts'
import { documentName, type RoomStage } from '../../support/room-stage.ts'

/** Adds what a member was sent of presence. */
function hears(member: TestMember, seen: unknown[] = []): () => unknown[] {
  return () => {
    for (const message of member.news()) {
      if (message.kind !== 'awareness') continue
      const decoded = decodeAwareness(message.awareness, 100)
      if (decoded.ok) seen.push(...decoded.entries)
    }
    return seen
  }
}

const says = ({ room }: RoomStage, member: TestMember, ...entries: Parameters<typeof encodeAwareness>[0]) =>
  room.receive(member, { kind: 'awareness', awareness: encodeAwareness(entries) })

test('[REL-1] presence is told to the members of other instances, to newcomers too, and taken away when somebody leaves', async () => {
  const { open, clock } = shareInstances()
  const [left, right] = [await open(), await open()]
  const [ada, ben] = [await left.join('ada'), await right.join('ben')]
  const benSees = hears(ben)
  says(left, ada, here(1, 1, '{"name":"Ada"}'))
  await turnsUntil('ben to see ada', () => benSees().length === 1)
  const newcomer = await right.join('newcomer')
  expect(hears(newcomer)()).toEqual([here(1, 1, '{"name":"Ada"}')])
  left.room.leave(ada, 'lost')
  clock.advance(2_000)
  await turnsUntil('ben to be told', () => benSees().length === 2)
  expect(benSees()[1]).toEqual(gone(1, 1))
})

test('a room that is opened asks who is there, and is told by the next turns and 100 ms', async () => {
  const { open, clock } = shareInstances()
  const left = await open()
  const ada = await left.join('ada')
  says(left, ada, here(1, 1))
  const right = await open()
  const ben = await right.join('ben')
  const benSees = hears(ben)
  await turnsUntil('the answer', () => {
    clock.advance(10)
    return benSees().length > 0
  })
  expect(clock.monotonic()).toBeLessThan(1_500)
  expect(benSees()).toEqual([here(1, 1)])
})

test('what another instance cannot say is told to the observer, not to members', async () => {
  const { open, shared } = shareInstances()
  const right = await open()
  const ben = await right.join('ben')
  const stranger = shared.instance().relay.join(documentName, new HearingListener())
  stranger.sayPresence(Uint8Array.of(9), true)
  await turnsUntil('the event', () => right.eventsNamed('remotePresencePassedOver').length === 1)
  expect(hears(ben)()).toEqual([])
  stranger.leave()
})
