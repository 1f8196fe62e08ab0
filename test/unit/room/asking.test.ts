/**
 * When a room asks a member for what is missing before what it sent: often enough that nothing stays missing, and never in
 * a way that could go on for ever.
 */
import { shouldAsk } from '@syncline/server/internal/room/asking'
import { decodeVector } from '@syncline/shared/update/vector'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { load, textOf, typed } from '../../support/room-author.ts'
import { TestClock, turn } from '../../support/room-clock.ts'
import type { TestMember } from '../../support/room-member.ts'
import { openStage, say } from '../../support/room-stage.ts'

const asksIn = (member: TestMember) => member.news().filter(message => message.kind === 'sync-step-1')

describe('a member that sends something from behind a gap', () => {
  test('[SYNC-1] is asked for what is missing, from the gap on', async () => {
    const { room, join } = await openStage()
    const member = await join('member')
    member.news()
    const [first, second] = typed(7, 'one', 'two')
    room.receive(member, say.update(second!))
    await turn()
    const [ask, ...more] = asksIn(member)
    expect(more).toEqual([])
    if (ask?.kind !== 'sync-step-1') throw new Error('nothing was asked')
    const decoded = decodeVector(ask.vector)
    expect(decoded.ok && decoded.vector.get(7)).toBeFalsy()
    const answer = Y.encodeStateAsUpdate(load([first!, second!]), ask.vector)
    room.receive(member, say.syncStep2(answer))
    await turn()
    const joiner = await join('joiner')
    expect(textOf(load(joiner.documentFrames()))).toBe('twoone')
  })

  test('what it sent is logged, shown and acknowledged like any other', async () => {
    const { room, log, join } = await openStage()
    const [member, reader] = [await join('member'), await join('reader')]
    reader.news()
    const [, second] = typed(7, 'one', 'two')
    room.receive(member, say.update(second!))
    await turn()
    expect(log.appended.map(({ entry }) => entry.update)).toEqual([second])
    expect(reader.documentFrames()).toEqual([second])
    expect(member.documentFrames()).toContainEqual(second)
    expect(load((await join('late')).documentFrames()).store.pendingStructs).not.toBe(null)
  })

  test('is asked once for each gap on one connection', async () => {
    const { room, clock, join } = await openStage()
    const member = await join('member')
    member.news()
    const [, second, third] = typed(7, 'one', 'two', 'three')
    for (const update of [second!, third!, second!]) {
      room.receive(member, say.update(update))
      await turn()
      clock.advance(11_000)
    }
    expect(asksIn(member)).toHaveLength(1)
    const again = await join('member again')
    again.news()
    room.receive(again, say.update(typed(7, 'one', 'two', 'three', 'four')[3]!))
    await turn()
    expect(asksIn(again)).toHaveLength(1)
  })

  test('is asked at most once in 10 s, over all gaps', async () => {
    const { room, clock, join } = await openStage()
    const member = await join('member')
    member.news()
    const gaps = [7, 8, 9].map(client => typed(client, 'one', 'two')[1]!)
    room.receive(member, say.update(gaps[0]!))
    room.receive(member, say.update(gaps[1]!))
    await turn()
    expect(asksIn(member)).toHaveLength(1)
    clock.advance(9_999)
    room.receive(member, say.update(gaps[2]!))
    expect(asksIn(member)).toHaveLength(0)
    clock.advance(1)
    // The gap that was not asked about is asked about at its next update.
    room.receive(member, say.update(typed(9, 'one', 'two', 'three')[2]!))
    await turn()
    expect(asksIn(member)).toHaveLength(1)
  })

  test('in a SyncStep2 is never asked: it would answer the same for ever', async () => {
    const { room, clock, join } = await openStage()
    const member = await join('member')
    member.news()
    for (const client of [7, 8, 9]) {
      room.receive(member, say.syncStep2(typed(client, 'one', 'two')[1]!))
      await turn()
      clock.advance(11_000)
    }
    expect(asksIn(member)).toHaveLength(0)
  })

  test('whose update is known already is not asked', async () => {
    const { room, clock, join } = await openStage()
    const [member, other] = [await join('member'), await join('other')]
    const [, second] = typed(7, 'one', 'two')
    room.receive(member, say.update(second!))
    await turn()
    other.news()
    clock.advance(11_000)
    room.receive(other, say.update(second!))
    await turn()
    expect(asksIn(other)).toHaveLength(0)
  })

  test('over and over from behind new gaps costs the memory of a thousand of them', () => {
    const clock = new TestClock()
    const asked = { gaps: new Set<string>(), lastMs: Number.NEGATIVE_INFINITY }
    for (let round = 0; round < 10; round++) {
      const gaps = Array.from({ length: 500 }, (_, client) => ({ client, clock: round }))
      expect(shouldAsk(asked, gaps, clock)).toBe(true)
      expect(asked.gaps.size).toBeLessThanOrEqual(1_000)
      clock.advance(10_000)
      expect(shouldAsk(asked, gaps, clock)).toBe(false)
    }
  })

  test('with pending structs of its own goes round once and no more', async () => {
    const { room, log, clock, join } = await openStage()
    const member = await join('member')
    // It lacks the first itself: to every SyncStep1 it answers the same.
    const pending = load([typed(7, 'one', 'two')[1]!])
    member.news()
    room.receive(member, say.update(Y.encodeStateAsUpdate(pending)))
    for (let round = 0; round < 5; round++) {
      await turn()
      clock.advance(11_000)
      for (const message of member.news()) {
        if (message.kind !== 'sync-step-1') continue
        room.receive(member, say.syncStep2(Y.encodeStateAsUpdate(pending, message.vector)))
      }
    }
    expect(log.appended).toHaveLength(1)
    expect(member.sent).toEqual([])
  })
})
