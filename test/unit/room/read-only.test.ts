/**
 * Members that may only read: what they send is nobody's, they are not asked for it, and they stay.
 */

import { createMetrics } from '@syncline/server/internal/observe/metrics'
import { watchRooms } from '@syncline/server/internal/room/watch-rooms'
import { HistoryRewritten } from '@syncline/server/internal/store/update-log'
import { emptyUpdate } from '@syncline/shared/update/cut'
import { closeCodes } from '@syncline/shared/wire/close-codes'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { author, load, textOf, typed } from '../../support/room-author.ts'
import { turn, turnsUntil } from '../../support/room-clock.ts'
import { TestMember } from '../../support/room-member.ts'
import { openStage, type StageOptions, say } from '../../support/room-stage.ts'

const [hello, world] = typed(7, 'hello', 'world')
const nothingYet = Uint8Array.of(0)
const largeText = 'x'.repeat(300_000)

/** A room in which one member reads, and has been sent everything. */
async function openWithReader(options: StageOptions & { wantsStatus?: boolean } = {}) {
  const stage = await openStage(options)
  const { room } = stage
  const reader = new TestMember('reader')
  reader.access = 'read'
  reader.wantsStatus = options.wantsStatus ?? false
  reader.onClose = () => room.leave(reader, 'lost')
  room.enter(reader)
  room.receive(reader, { kind: 'sync-step-1', vector: nothingYet })
  await turn()
  return { ...stage, reader }
}

const asksIn = (member: TestMember) => member.news().filter(({ kind }) => kind === 'sync-step-1')

describe('a member that may only read', () => {
  test('[AUTH-2] writes nothing by update or SyncStep2, and stays', async () => {
    const { room, log, reader, join, eventsNamed } = await openWithReader()
    const writer = await join('writer')
    writer.news()
    reader.news()
    room.receive(reader, say.update(hello!))
    room.receive(reader, say.syncStep2(Y.mergeUpdates([hello!, world!])))
    await turn()
    expect(log.appended).toEqual([])
    expect([...writer.sent, ...reader.sent]).toEqual([])
    expect(reader.closed).toBe(null)
    expect(eventsNamed('updateRefused')).toMatchObject([
      { member: 'reader', rule: 'read-only', isRepeated: false },
      { member: 'reader', rule: 'read-only', isRepeated: true },
    ])
    // The room does not know it either: who may write brings it as new.
    room.receive(writer, say.update(hello!))
    await turn()
    expect(log.appended).toHaveLength(1)
    expect(reader.documentFrames()).toEqual([hello])
  })

  test('[AUTH-2] deletes nothing', async () => {
    const { room, log, reader, join } = await openWithReader()
    room.receive(await join('writer'), say.update(hello!))
    const { doc, updates } = author(9, [hello!])
    doc.getText('text').delete(0, 5)
    await turn()
    room.receive(reader, say.update(updates[0]!))
    room.receive(reader, say.syncStep2(Y.encodeStateAsUpdate(doc)))
    await turn()
    expect(log.appended).toHaveLength(1)
    expect(textOf(load((await join('late')).documentFrames()))).toBe('hello')
  })

  test('[AUTH-2] reads everything, and live', async () => {
    const { room, reader, join } = await openWithReader()
    const writer = await join('writer')
    room.receive(writer, say.update(hello!))
    await turn()
    room.receive(writer, say.update(world!))
    await turn()
    expect(textOf(load(reader.documentFrames()))).toBe('worldhello')
  })

  test('[AUTH-2] is never asked for what may not be written: not by a join, not behind a gap, not after each of its own', async () => {
    const { room, reader, clock } = await openWithReader()
    expect(reader.kinds()).toEqual(['sync-step-2'])
    reader.news()
    room.receive(reader, { kind: 'sync-step-1', vector: nothingYet })
    room.receive(reader, say.update(world!))
    clock.advance(60_000)
    room.receive(reader, say.syncStep2(world!))
    room.accessChanged(reader)
    await turn()
    expect(reader.kinds()).toEqual(['sync-step-2'])
  })

  test('[AUTH-2] [REL-2] is not asked either when the room has read its log anew, and is brought up to date like all', async () => {
    for (const wantsStatus of [false, true]) {
      const { room, log, reader, join, eventsNamed } = await openWithReader({ wantsStatus })
      const writer = await join('writer')
      for (const member of [reader, writer]) member.news()
      log.refuse(new HistoryRewritten('it is another one'))
      room.receive(writer, say.update(hello!))
      await turnsUntil('it to be saved after all', () => !room.isBusy)
      expect(eventsNamed('mended')).toHaveLength(1)
      expect(asksIn(writer)).toHaveLength(1)
      expect(reader.kinds()).not.toContain('sync-step-1')
      expect(textOf(load(reader.documentFrames()))).toBe('hello')
    }
  })

  test('[AUTH-2] can damage nothing: what cannot be read goes to nobody, and it stays', async () => {
    const { room, reader, join, eventsNamed } = await openWithReader()
    const other = await join('other')
    other.news()
    room.receive(reader, say.update(hello!.slice(0, -2)))
    await turn()
    expect(other.sent).toEqual([])
    expect(reader.closed).toBe(null)
    expect(eventsNamed('updateRefused')).toMatchObject([{ rule: 'read-only' }])
  })

  test('what it sends that is known already is acknowledged as everybody is', async () => {
    const { room, reader, join, eventsNamed } = await openWithReader()
    room.receive(await join('writer'), say.update(hello!))
    await turn()
    reader.news()
    room.receive(reader, say.update(hello!))
    room.receive(reader, say.syncStep2(emptyUpdate))
    expect(reader.news()).toEqual([say.update(hello!)])
    expect(eventsNamed('updateRefused')).toEqual([])
    expect(eventsNamed('updatePassed').slice(1)).toMatchObject([{ verdict: 'known' }, { verdict: 'known' }])
  })

  test('costs no worker by what is large, unless whether it was saved has to be answered', async () => {
    const inspected: string[] = []
    const workers = {
      async inspect() {
        inspected.push('inspected')
        return { ok: false, reason: 'not looked at' } as const
      },
    }
    const [large] = typed(7, largeText)
    const plain = await openWithReader({ workers })
    expect(plain.room.receive(plain.reader, say.update(large!))).toBe(undefined)
    expect(plain.room.receive(plain.reader, say.syncStep2(large!))).toBe(undefined)
    expect(plain.eventsNamed('updateRefused')).toHaveLength(2)
    const counting = await openWithReader({ workers, wantsStatus: true })
    expect(counting.room.receive(counting.reader, say.update(large!))).toBe(undefined)
    expect(inspected).toEqual([])
    await counting.room.receive(counting.reader, say.syncStep2(large!))
    expect(inspected).toHaveLength(1)
    expect(counting.eventsNamed('updateRefused')).toHaveLength(2)
  })

  test('[AUTH-2] that types for an hour is a line a minute in the log, and counted every time', async () => {
    const { room, clock, reader, eventsNamed } = await openWithReader()
    for (let second = 0; second < 3_600; second++) {
      room.receive(reader, say.update(hello!))
      clock.advance(1_000)
    }
    const lines: string[] = []
    const metrics = createMetrics()
    const observer = watchRooms({ event: name => lines.push(name), flush: () => {} }, metrics)
    for (const { name: _, ...event } of eventsNamed('updateRefused')) observer.updateRefused(event)
    expect(lines).toHaveLength(60)
    expect((await metrics.updatesRefused.get()).values).toMatchObject([
      { labels: { rule: 'read-only' }, value: 3_600 },
    ])
  })
})

describe('an access that changes', () => {
  test('[AUTH-2] counts from the next message on when it becomes less', async () => {
    const { room, log, join } = await openStage()
    const member = await join('member')
    room.receive(member, say.update(hello!))
    member.access = 'read'
    room.receive(member, say.update(world!))
    room.accessChanged(member)
    room.receive(member, say.update(world!))
    await turn()
    expect(log.appended.map(({ entry }) => entry.update)).toEqual([hello])
    expect(member.closed).toBe(null)
  })

  test('[AUTH-2] has its member asked once for what was refused when it becomes more', async () => {
    const { room, log, reader, join } = await openWithReader()
    room.receive(reader, say.update(hello!))
    reader.news()
    reader.access = 'write'
    room.accessChanged(reader)
    reader.access = 'admin'
    room.accessChanged(reader)
    expect(asksIn(reader)).toEqual([{ kind: 'sync-step-1', vector: nothingYet }])
    room.receive(reader, say.syncStep2(hello!))
    await turn()
    expect(log.appended).toHaveLength(1)
    expect(textOf(load((await join('other')).documentFrames()))).toBe('hello')
  })

  test('is asked for by the join where that has not ended', async () => {
    const { room, enter } = await openStage()
    const member = enter('member')
    member.access = 'read'
    room.accessChanged(member)
    member.access = 'write'
    room.accessChanged(member)
    expect(member.sent).toEqual([])
    room.receive(member, { kind: 'sync-step-1', vector: nothingYet })
    await turn()
    expect(asksIn(member)).toHaveLength(1)
  })
})

test('of a member that has left no change is followed', async () => {
  const { room, reader } = await openWithReader()
  reader.close(closeCodes.goingAway)
  reader.access = 'write'
  room.accessChanged(reader)
  expect(reader.kinds()).toEqual(['sync-step-2'])
})
