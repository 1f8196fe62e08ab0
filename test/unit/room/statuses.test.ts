/**
 * What members are told that count what is not saved: one status for each update and each SyncStep2, not before it is true, and
 * in the end never a count that stays where everything is saved.
 */
import { HistoryRewritten } from '@syncline/server/internal/store/update-log'
import { emptyUpdate } from '@syncline/shared/update/cut'
import { closeCodes } from '@syncline/shared/wire/close-codes'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { author, typed } from '../../support/room-author.ts'
import { turn, turnsUntil } from '../../support/room-clock.ts'
import { TestMember } from '../../support/room-member.ts'
import { openStage, type RoomStage, type StageOptions, say } from '../../support/room-stage.ts'

const [hello, world, again] = typed(7, 'hello', 'world', 'again')
const nothingYet = Uint8Array.of(0)

function enterCounting({ room }: RoomStage, id: string, access: TestMember['access'] = 'write'): TestMember {
  const member = new TestMember(id)
  member.access = access
  member.wantsStatus = true
  member.onClose = () => room.leave(member, 'lost')
  room.enter(member)
  return member
}

/** A room with a member that wants statuses, and has had everything and been told so. */
async function openCounting(options: StageOptions = {}, access: TestMember['access'] = 'write') {
  const stage = await openStage(options)
  const counting = enterCounting(stage, 'counting', access)
  stage.room.receive(counting, { kind: 'sync-step-1', vector: nothingYet })
  stage.room.receive(counting, say.syncStep2())
  await turn()
  expect(counting.news().map(({ kind }) => kind)).toEqual(['status', 'sync-step-2', 'sync-step-1'])
  return { ...stage, counting }
}

describe('a member that wants statuses', () => {
  test('[SYNC-3] gets one for each update and each SyncStep2, whatever is in them, and none for a SyncStep1', async () => {
    const { room, counting } = await openCounting()
    const { doc, updates } = author(9)
    doc.getText('text').insert(0, 'mine')
    const both = Y.mergeUpdates([hello!, world!])
    const updatesSaid = [hello!, hello!, emptyUpdate, again!, both, updates[0]!]
    for (const update of updatesSaid) room.receive(counting, say.update(update))
    const answers = [emptyUpdate, both, Y.encodeStateAsUpdate(doc)]
    for (const answer of answers) room.receive(counting, say.syncStep2(answer))
    room.receive(counting, { kind: 'sync-step-1', vector: nothingYet })
    await turnsUntil('everything to be told', () => !room.isBusy)
    // What came from behind a gap has had the room ask, and what answers that is not counted by the client.
    expect(counting.statuses()).toEqual(Array(updatesSaid.length + answers.length - 1).fill(true))
  })

  test('[SYNC-3] gets one for its answer where it asked and was brought up to date besides, which it does not count', async () => {
    const { room, log, join, counting, eventsNamed } = await openCounting()
    const writer = await join('writer')
    const { doc } = author(9)
    doc.on('update', update => room.receive(writer, say.update(update)))
    // A chunk is full, so that its member is waited for.
    for (let i = 0; i < 70; i++) {
      doc.getText('text').insert(0, 'x')
      await turn()
    }
    counting.news()
    counting.waitingBytes = 300 * 1024
    room.receive(counting, { kind: 'sync-step-1', vector: nothingYet })
    await turn()
    log.refuse(new HistoryRewritten('it is another one'))
    doc.getText('text').insert(0, 'y')
    await turnsUntil('the log to be read anew', () => eventsNamed('mended').length === 1 && !room.isBusy)
    counting.take()
    await turnsUntil('the answer', () => counting.kinds().includes('sync-step-2'))
    await turn()
    const asked = counting.kinds().filter(kind => kind === 'sync-step-1')
    expect(asked.length).toBeGreaterThan(1)
    for (const _ of asked) room.receive(counting, say.syncStep2())
    await turn()
    expect(counting.statuses()).toEqual([true])
  })

  test('[LOG-1] is not told of what it kept while it was away, which it does not count, and is told of what it types meanwhile', async () => {
    const stage = await openStage()
    const { room } = stage
    const { doc, updates } = author(9)
    for (const word of ['one', 'two', 'three']) doc.getText('text').insert(0, word)
    const counting = enterCounting(stage, 'counting')
    room.receive(counting, { kind: 'sync-step-1', vector: Y.encodeStateVector(doc) })
    for (const kept of updates.splice(0)) room.receive(counting, say.update(kept))
    await turnsUntil('all to be saved', () => !room.isBusy)
    expect(counting.statuses()).toEqual([])
    doc.getText('text').insert(0, 'now')
    room.receive(counting, say.update(updates[0]!))
    room.receive(counting, say.syncStep2(Y.encodeStateAsUpdate(doc)))
    await turnsUntil('both to be told', () => counting.statuses().length === 2)
    // From its answer on each is counted, also one that it had before.
    room.receive(counting, say.update(updates[0]!))
    await turnsUntil('the third to be told', () => counting.statuses().length === 3)
    expect(counting.statuses()).toEqual([true, true, true])
  })

  test('[LOG-1] [LOG-2] is told after everything that had arrived is saved, and before anybody is shown it', async () => {
    const { room, log, join, counting } = await openCounting()
    const writer = await join('writer')
    log.hold()
    writer.news()
    counting.news()
    room.receive(writer, say.update(hello!))
    // Nothing new, nothing at all, and something new: none is told before what came before it.
    room.receive(counting, say.update(hello!))
    room.receive(counting, say.syncStep2())
    room.receive(counting, say.update(world!))
    await turn()
    expect(counting.sent).toEqual([])
    log.letOne()
    await turn()
    expect(counting.kinds()).toEqual(['status', 'status', 'update'])
    log.letOne()
    await turn()
    expect(counting.kinds().slice(3)).toEqual(['status', 'update'])
    expect(counting.statuses()).toEqual([true, true, true])
  })

  test('[LOG-1] does not wait for what comes later', async () => {
    const { room, log, join, counting } = await openCounting()
    const writer = await join('writer')
    log.hold()
    room.receive(counting, say.update(hello!))
    room.receive(writer, say.update(world!))
    log.letOne()
    await turn()
    expect(counting.statuses()).toEqual([true])
  })

  test('[LOG-1] of a large update is told when that is saved', async () => {
    const { room, log, counting } = await openCounting()
    const [large] = typed(9, 'x'.repeat(300_000))
    log.hold()
    await room.receive(counting, say.update(large!))
    await room.receive(counting, say.syncStep2(large!))
    expect(counting.statuses()).toEqual([])
    log.release()
    await turn()
    expect(counting.statuses()).toEqual([true, true])
  })

  test('gets no status for what closes it', async () => {
    const { room, counting } = await openCounting()
    room.receive(counting, say.update(hello!.slice(0, -2)))
    await turn()
    expect(counting.closed?.code).toBe(closeCodes.malformed)
    expect(counting.sent).toEqual([])
  })

  test('is not sent its own updates back besides', async () => {
    const { room, counting } = await openCounting()
    room.receive(counting, say.update(hello!))
    await turn()
    counting.news()
    room.receive(counting, say.update(hello!))
    room.receive(counting, say.update(Y.mergeUpdates([hello!, world!])))
    await turn()
    expect(counting.kinds()).toEqual(['status', 'status', 'update'])
  })

  test('[SYNC-3] is asked in return for each SyncStep1, also while it may only read', async () => {
    for (const access of ['read', 'write'] as const) {
      const { room, counting } = await openCounting({}, access)
      for (let times = 0; times < 3; times++) {
        room.receive(counting, { kind: 'sync-step-1', vector: nothingYet })
        await turn()
        expect(counting.news().map(({ kind }) => kind)).toEqual(['sync-step-2', 'sync-step-1'])
      }
    }
  })

  test('[LOG-1] that sends 20,000 edits at once to a slow disk is told of each, in windows', async () => {
    const { room, log, counting } = await openCounting()
    const { doc, updates } = author(9)
    for (let i = 0; i < 20_000; i++) doc.getMap('map').set('key', i)
    log.hold()
    for (const update of updates) room.receive(counting, say.update(update))
    expect(counting.closed).toBe(null)
    log.letOne()
    await turn()
    expect(counting.statuses()).toHaveLength(1)
    log.release()
    await turnsUntil('everything to be saved', () => !room.isBusy)
    expect(counting.statuses()).toEqual(Array(20_000).fill(true))
  })

  test('of which nothing is kept when it leaves is told nothing more', async () => {
    const { room, log, counting } = await openCounting()
    log.hold()
    room.receive(counting, say.update(hello!))
    room.leave(counting, 'closed')
    log.release()
    await turn()
    expect(counting.sent).toEqual([])
  })

  test('that has what is known and what is refused kept in turns, without an end, is told to come back', async () => {
    const { room, log, join, counting } = await openCounting({}, 'read')
    log.hold()
    room.receive(await join('writer'), say.update(hello!))
    for (let i = 0; i <= 50_000; i++) {
      room.receive(counting, say.update(hello!))
      room.receive(counting, say.update(world!))
    }
    expect(counting.closed?.code).toBe(closeCodes.overload)
  })

  test('may repeat itself as often as it likes: that is one record', async () => {
    const { room, log, counting } = await openCounting()
    log.hold()
    for (let i = 0; i < 150_000; i++) room.receive(counting, say.update(hello!))
    expect(counting.closed).toBe(null)
    log.release()
    await turn()
    expect(counting.statuses()).toHaveLength(150_000)
  })
})

describe('while the store is away', () => {
  test('[LOG-1] what is shown unsaved is told as saved when the store is back', async () => {
    const { room, log, clock, join, counting } = await openCounting({ limits: { showUnsavedAfterMs: 2_000 } })
    const reader = await join('reader')
    log.hold()
    reader.news()
    room.receive(counting, say.update(hello!))
    clock.advance(2_000)
    room.receive(counting, say.update(world!))
    room.receive(counting, say.update(world!))
    clock.advance(2_000)
    await turn()
    expect(reader.documentFrames()).toEqual([hello, world])
    expect(counting.statuses()).toEqual([])
    log.release()
    await turnsUntil('everything to be saved', () => !room.isBusy)
    expect(counting.statuses()).toEqual([true, true, true])
  })
})

describe('a reader that wants statuses', () => {
  test('[AUTH-2] [SYNC-3] is told false for an update, and for a SyncStep2 that brings a struct or a delete', async () => {
    const { room, join, counting } = await openCounting({}, 'read')
    const { doc, updates } = author(9, [hello!])
    doc.getText('text').delete(0, 2)
    room.receive(await join('writer'), say.update(hello!))
    await turn()
    counting.news()
    room.receive(counting, say.update(world!))
    room.receive(counting, say.syncStep2(world!))
    room.receive(counting, say.syncStep2(updates[0]!))
    expect(counting.statuses()).toEqual([false, false, false])
    counting.news()
    room.receive(counting, say.syncStep2(hello!))
    room.receive(counting, say.syncStep2(emptyUpdate))
    room.receive(counting, say.update(hello!))
    expect(counting.statuses()).toEqual([true, true, true])
  })

  test('[AUTH-2] [LOG-1] is told both in their order, and not before what had arrived is saved', async () => {
    const { room, log, join, counting } = await openCounting({}, 'read')
    log.hold()
    room.receive(await join('writer'), say.update(hello!))
    for (const update of [hello!, world!, hello!]) room.receive(counting, say.update(update))
    await turn()
    expect(counting.statuses()).toEqual([])
    log.release()
    await turn()
    expect(counting.statuses()).toEqual([true, false, true])
  })

  test('[AUTH-2] is told by a worker of a large SyncStep2 whether all in it is known', async () => {
    const { room, join, counting } = await openCounting({}, 'read')
    const [large] = typed(9, 'x'.repeat(300_000))
    await room.receive(counting, say.syncStep2(large!))
    await room.receive(await join('writer'), say.update(large!))
    await turn()
    await room.receive(counting, say.syncStep2(large!))
    expect(counting.statuses()).toEqual([false, true])
  })
})

describe('the count of a client', () => {
  test('[SYNC-3] is not brought down by an answer that it has not counted', async () => {
    const { room, counting } = await openCounting()
    room.receive(counting, say.update(world!))
    await turn()
    expect(counting.kinds()).toEqual(['sync-step-1', 'status', 'update'])
    counting.news()
    room.receive(counting, say.syncStep2(hello!))
    await turn()
    expect(counting.statuses()).toEqual([])
    // Only that answer: the next one it has asked for itself.
    room.receive(counting, say.syncStep2())
    expect(counting.statuses()).toEqual([true])
  })

  test('[SYNC-3] [AUTH-2] comes to nothing when what was refused is saved after all', async () => {
    const { room, counting } = await openCounting({}, 'read')
    room.receive(counting, say.update(hello!))
    room.receive(counting, say.update(world!))
    room.receive(counting, say.syncStep2(hello!))
    expect(counting.news()).toEqual(Array(3).fill({ kind: 'status', saved: false }))
    counting.access = 'write'
    room.accessChanged(counting)
    expect(counting.news()).toEqual([{ kind: 'sync-step-1', vector: nothingYet }])
    room.receive(counting, say.syncStep2(Y.mergeUpdates([hello!, world!])))
    await turn()
    expect(counting.statuses()).toEqual([true, true, true])
    counting.news()
    room.receive(counting, say.syncStep2())
    expect(counting.statuses()).toEqual([true])
  })
})
