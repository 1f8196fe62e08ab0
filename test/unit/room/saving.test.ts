/**
 * The order of an edit through a room: the log, the acknowledgement, everybody. And what becomes of it when the log does not
 * answer, or never can.
 */
import { closeCodes } from '@syncline/shared/wire/close-codes'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { author, load, textOf, typed } from '../../support/room-author.ts'
import { turn } from '../../support/room-clock.ts'
import { contentOf } from '../../support/room-content.ts'
import type { TestMember } from '../../support/room-member.ts'
import { openStage, say } from '../../support/room-stage.ts'

const [hello, world] = typed(7, 'hello', 'world')
const updatesSentTo = (member: TestMember) =>
  member.news().flatMap(message => (message.kind === 'update' ? [message.update] : []))

describe('an edit', () => {
  test('[LOG-2] is in the log before its author and anybody else is sent it', async () => {
    const { room, log, join } = await openStage()
    const [writer, reader] = [await join('writer'), await join('reader')]
    log.hold()
    writer.news()
    reader.news()
    for (const member of [writer, reader]) {
      member.onSend = () => expect(log.appended).toHaveLength(1)
    }
    room.receive(writer, say.update(hello!))
    await turn()
    expect([...writer.sent, ...reader.sent]).toEqual([])
    log.letOne()
    await turn()
    expect(updatesSentTo(writer)).toEqual([hello])
    expect(updatesSentTo(reader)).toEqual([hello])
  })

  test('[ROOM-2] goes alone when it is the first, and what comes meanwhile is the next window and one frame', async () => {
    const { room, log, join } = await openStage()
    const [writer, reader] = [await join('writer'), await join('reader')]
    reader.news()
    log.hold()
    const updates = typed(7, ...'abcdef')
    for (const update of updates) room.receive(writer, say.update(update))
    expect(log.held).toBe(1)
    log.release()
    await turn()
    expect(log.appended.map(({ entry }) => entry.update)).toEqual([
      updates[0],
      Y.mergeUpdates(updates.slice(1)),
    ])
    expect(updatesSentTo(reader)).toHaveLength(2)
  })

  test('is named after its author, clock by clock, also in one window with others', async () => {
    const { room, log, join } = await openStage()
    const [one, other] = [await join('one'), await join('other')]
    const { doc, updates } = author(9)
    doc.getText('text').insert(0, 'mine')
    doc.getText('text').delete(1, 2)
    log.hold()
    room.receive(one, say.update(typed(8, 'first')[0]!))
    room.receive(one, say.update(hello!))
    for (const update of updates) room.receive(other, say.update(update))
    room.receive(one, say.update(world!))
    log.release()
    await turn()
    expect(log.appended[1]!.entry.authors).toEqual([
      { name: 'author one', structs: new Map([[7, [0, 10]]]), deletes: new Map() },
      { name: 'author other', structs: new Map([[9, [0, 4]]]), deletes: new Map([[9, [1, 3]]]) },
    ])
  })

  test('[LOG-1] that is known already is sent back whole once what was in flight is saved', async () => {
    const { room, log, join } = await openStage()
    const [first, second] = [await join('first'), await join('second')]
    log.hold()
    second.news()
    room.receive(first, say.update(hello!))
    room.receive(second, say.update(hello!))
    await turn()
    expect(second.sent).toEqual([])
    log.release()
    await turn()
    // Once as everybody is sent it, and once as the acknowledgement of its own.
    expect(updatesSentTo(second)).toEqual([hello, hello])
  })

  test('of which a part is known is cut for everybody, and sent back whole to its author', async () => {
    const { room, log, join } = await openStage()
    const [writer, reader] = [await join('writer'), await join('reader')]
    room.receive(writer, say.update(hello!))
    await turn()
    const both = Y.mergeUpdates([hello!, world!])
    log.hold()
    writer.news()
    reader.news()
    room.receive(writer, say.update(both))
    await turn()
    expect(writer.sent).toEqual([])
    log.release()
    await turn()
    const [cut, ...none] = updatesSentTo(reader)
    expect(none).toEqual([])
    expect(contentOf(cut!).structs).toEqual(new Map([[7, [5, 10]]]))
    const sentBack = updatesSentTo(writer)
    expect(sentBack).toContainEqual(both)
    expect(sentBack).toContainEqual(cut)
  })

  test('that comes in a SyncStep2 is not sent back by itself', async () => {
    const { room, join } = await openStage()
    const member = await join('member')
    room.receive(member, say.update(hello!))
    await turn()
    member.news()
    room.receive(member, say.syncStep2(hello!))
    room.receive(member, say.syncStep2(Y.mergeUpdates([hello!, world!])))
    await turn()
    // The window, as everybody gets it, and nothing else.
    expect(updatesSentTo(member).map(update => contentOf(update).structs)).toEqual([new Map([[7, [5, 10]]])])
  })

  test('[ROOM-3] that is refused closes its author with the rule, and nobody else', async () => {
    const { room, log, join, eventsNamed } = await openStage()
    const [writer, reader] = [await join('writer'), await join('reader')]
    room.receive(writer, say.update(hello!.slice(0, -2)))
    await turn()
    expect(writer.closed).toEqual({
      code: closeCodes.malformed,
      detail: expect.stringContaining('malformed'),
    })
    expect(reader.closed).toBe(null)
    expect(log.appended).toEqual([])
    expect(eventsNamed('updateRefused')).toMatchObject([{ member: 'writer', rule: 'structure' }])
  })
})

describe('being told that it is saved', () => {
  test('[LOG-1] comes at once when nothing waits', async () => {
    const { room, join } = await openStage()
    const member = await join('member')
    member.news()
    room.receive(member, say.saved(5))
    expect(member.news()).toEqual([{ kind: 'saved', token: Uint8Array.of(5) }])
  })

  test('[LOG-1] waits for every window that was open or in flight, also of others', async () => {
    const { room, log, join } = await openStage()
    const [writer, asking] = [await join('writer'), await join('asking')]
    asking.news()
    log.hold()
    room.receive(writer, say.update(hello!))
    room.receive(writer, say.update(world!))
    room.receive(asking, say.saved(1))
    // Nothing new, and nothing at all: neither is told earlier.
    room.receive(asking, say.syncStep2(hello!))
    room.receive(asking, say.saved(2))
    log.letOne()
    await turn()
    expect(asking.kinds()).not.toContain('saved')
    log.letOne()
    await turn()
    const kinds = asking.news().map(message => message.kind)
    expect(kinds.filter(kind => kind === 'saved')).toHaveLength(2)
    expect(log.appended).toHaveLength(2)
  })

  test('[LOG-1] does not wait for what came later', async () => {
    const { room, log, join } = await openStage()
    const [writer, asking] = [await join('writer'), await join('asking')]
    log.hold()
    room.receive(writer, say.update(hello!))
    room.receive(asking, say.saved(1))
    room.receive(writer, say.update(world!))
    log.letOne()
    await turn()
    expect(asking.kinds()).toContain('saved')
  })

  test('a client that asks more often than is kept in mind is told to come back', async () => {
    const { room, log, join } = await openStage()
    const [writer, asking] = [await join('writer'), await join('asking')]
    log.hold()
    room.receive(writer, say.update(hello!))
    for (let i = 0; i <= 10_000; i++) room.receive(asking, say.saved(1))
    expect(asking.closed?.code).toBe(closeCodes.overload)
    expect(writer.closed).toBe(null)
  })
})

describe('a store that does not answer', () => {
  test('[LOG-1] [LOG-2] nobody is told or shown anything, and after the limit all are told to come back', async () => {
    const { room, log, clock, join, enter, eventsNamed } = await openStage()
    const [writer, reader] = [await join('writer'), await join('reader')]
    log.hold()
    writer.news()
    reader.news()
    room.receive(writer, say.update(hello!))
    room.receive(reader, say.saved(1))
    clock.advance(9_999)
    await turn()
    expect([...writer.sent, ...reader.sent]).toEqual([])
    expect([writer.closed, reader.closed]).toEqual([null, null])
    clock.advance(1)
    expect([writer, reader].map(member => member.closed?.code)).toEqual([
      closeCodes.overload,
      closeCodes.overload,
    ])
    expect(eventsNamed('commitStalled')).toMatchObject([{ ms: 10_000, members: 2 }])
    // Who comes while it lasts is told so at once.
    expect(enter('late').closed?.code).toBe(closeCodes.overload)
    expect(room.isBusy).toBe(true)
  })

  test('[LOG-1] when it answers after all, those who come are told', async () => {
    const { room, log, clock, join } = await openStage()
    const writer = await join('writer')
    log.hold()
    room.receive(writer, say.update(hello!))
    clock.advance(20_000)
    log.release()
    await turn()
    const back = await join('back')
    expect(back.closed).toBe(null)
    expect(textOf(load(back.documentFrames()))).toBe('hello')
    room.receive(back, say.syncStep2(hello!))
    room.receive(back, say.saved(1))
    expect(back.kinds()).toContain('saved')
  })

  test('presence flows on until the limit', async () => {
    const { room, log, clock, join } = await openStage()
    const [writer, reader] = [await join('writer'), await join('reader')]
    log.hold()
    room.receive(writer, say.update(hello!))
    reader.news()
    const awareness = Uint8Array.of(1, 7, 1, 2, ...Buffer.from('{}'))
    room.receive(writer, { kind: 'awareness', awareness })
    clock.advance(249)
    expect(reader.sent).toEqual([])
    clock.advance(1)
    expect(reader.kinds()).toEqual(['awareness'])
  })

  test('a log that can never take an entry ends the room: all come back and are asked again', async () => {
    const { room, log, join, failed, eventsNamed } = await openStage()
    const [writer, reader] = [await join('writer'), await join('reader')]
    writer.news()
    log.refuse(new Error('an entry of this size fits in no store'))
    room.receive(writer, say.update(hello!))
    room.receive(writer, say.saved(1))
    await turn()
    expect(failed()).toBe(true)
    expect([writer, reader].map(member => member.closed?.code)).toEqual([
      closeCodes.overload,
      closeCodes.overload,
    ])
    expect(writer.sent).toEqual([])
    expect(eventsNamed('roomFailed')).toMatchObject([{ during: 'append' }])
  })

  test('who enters a room that has failed is told to come back', async () => {
    const { room, log, join, enter } = await openStage()
    const writer = await join('writer')
    log.refuse(new Error('an entry of this size fits in no store'))
    room.receive(writer, say.update(hello!))
    await turn()
    expect(enter('late').closed?.code).toBe(closeCodes.overload)
  })
})

describe('back pressure', () => {
  test('[LIM-1 room-waiting-bytes] the sockets of authors are not read while too much waits, and are again when half is saved', async () => {
    const stage = await openStage({ limits: { waitingBytesMax: 1_000 } })
    const { room, log, join } = stage
    const [writer, reader] = [await join('writer'), await join('reader')]
    log.hold()
    const updates = typed(7, 'a'.repeat(600), 'b'.repeat(600), 'c'.repeat(600))
    room.receive(writer, say.update(updates[0]!))
    expect(writer.reading).toBe(true)
    room.receive(writer, say.update(updates[1]!))
    expect(writer.reading).toBe(false)
    room.receive(writer, say.update(updates[2]!))
    log.letOne()
    await turn()
    expect(writer.reading).toBe(false)
    log.letOne()
    await turn()
    expect(writer.reading).toBe(true)
    expect(reader.reading).toBe(true)
    expect(stage.eventsNamed('limitReached')).toMatchObject([{ limit: 'limitRoomWaitingBytes' }])
  })
})
