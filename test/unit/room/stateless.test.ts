/**
 * What an application says through a document, of which nothing is kept.
 */
import type { Relay } from '@syncline/server/internal/relay/relay'
import { createMemoryLog } from '@syncline/server/internal/store/memory-log'
import { expect, test } from 'vitest'
import { TestClock, turn, turnsUntil } from '../../support/room-clock.ts'
import { TestMember } from '../../support/room-member.ts'
import { shareLog } from '../../support/room-relay.ts'
import { openStage, type RoomStage, testLimits } from '../../support/room-stage.ts'

const forAll = { ...testLimits, stateless: { bytesMax: 100, isForAll: true } }
const hi = { kind: 'stateless', payload: 'hi' } as const

/** Somebody of the Hocuspocus framing, who has been sent everything. */
async function joinProvider({ room }: RoomStage, id: string): Promise<TestMember> {
  const member = new TestMember(id)
  member.takesStateless = true
  member.onClose = () => room.leave(member, 'lost')
  room.enter(member)
  room.receive(member, { kind: 'sync-step-1', vector: Uint8Array.of(0) })
  await turnsUntil('the document', () => member.kinds().includes('sync-step-2'))
  member.news()
  return member
}

test('whoever embeds the server is told who said it, and can answer; others hear nothing', async () => {
  const stage = await openStage()
  const [one, other] = [await joinProvider(stage, 'one'), await joinProvider(stage, 'other')]
  stage.room.receive(one, hi)
  expect(stage.texts).toMatchObject([{ document: stage.room.document, payload: 'hi', author: one.author }])
  stage.texts[0]!.reply('hello')
  expect(one.news()).toEqual([{ kind: 'stateless', payload: 'hello' }])
  expect(other.news()).toEqual([])
  expect(stage.log.appended).toEqual([])
})

test('by a setting everybody is told whose framing has such messages, and the others go on', async () => {
  const stage = await openStage({ limits: forAll })
  const [one, other] = [await joinProvider(stage, 'one'), await joinProvider(stage, 'other')]
  const stock = await stage.join('stock')
  stock.news()
  stage.room.receive(one, hi)
  expect([one.news(), other.news(), stock.news()]).toEqual([[hi], [hi], []])
  expect(stock.closed).toBe(null)
})

test('[AUTH-2] what somebody says who may only read is told to whoever embeds the server, and to nobody else', async () => {
  const stage = await openStage({ limits: forAll })
  const [reader, other] = [await joinProvider(stage, 'reader'), await joinProvider(stage, 'other')]
  reader.access = 'read'
  stage.room.receive(reader, hi)
  expect(stage.texts).toHaveLength(1)
  expect(other.news()).toEqual([])
})

test('by a setting other instances are told as well, once', async () => {
  const clock = new TestClock()
  const shared = shareLog(clock, createMemoryLog({ clock }))
  const open = (instance: { relay: Relay }) => openStage({ clock, ...instance, limits: forAll })
  const [here, there] = [await open(shared.instance()), await open(shared.instance())]
  const [one, other] = [await joinProvider(here, 'one'), await joinProvider(there, 'other')]
  here.room.receive(one, hi)
  await turn()
  expect([one.news(), other.news()]).toEqual([[hi], [hi]])
  expect(there.texts).toEqual([])
})

test('[LIM-1 stateless-bytes] a longer one ends the document for who sent it, with 4413', async () => {
  const stage = await openStage({ limits: forAll })
  const [one, other] = [await joinProvider(stage, 'one'), await joinProvider(stage, 'other')]
  stage.room.receive(one, { kind: 'stateless', payload: 'ä'.repeat(51) })
  expect(one.closed).toMatchObject({
    code: { code: 4413 },
    detail: expect.stringContaining('limitStatelessBytes'),
  })
  expect([stage.texts, other.news()]).toEqual([[], []])
})
