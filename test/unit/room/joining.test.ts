/**
 * What a client is sent when it asks for the document, in which order, and what of it when the base is replaced, the store
 * fails or people write meanwhile.
 */
import { buildBase } from '@syncline/server/internal/compaction/new-base'
import { deleteSetUpdate, emptyUpdate } from '@syncline/shared/update/cut'
import { closeCodes } from '@syncline/shared/wire/close-codes'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { author, load, textOf, typed } from '../../support/room-author.ts'
import { turn, turnsUntil } from '../../support/room-clock.ts'
import { contentOf } from '../../support/room-content.ts'
import type { TestMember } from '../../support/room-member.ts'
import { openStage, type RoomStage, say, workersInProcess } from '../../support/room-stage.ts'

const nothingYet = Uint8Array.of(0)
const longText = 'a line of text\n'.repeat(5_000)
const pieceBytes = 8_000

interface WithBase extends RoomStage {
  readonly writer: TestMember
  readonly written: ReturnType<typeof author>
}

/** A document in pieces of 8 kB, of which the last thing done was its compaction. */
async function openWithBase(): Promise<WithBase> {
  const workers = {
    ...workersInProcess,
    buildBase: async (input: Parameters<typeof buildBase>[0]) => buildBase(input, pieceBytes),
  }
  const stage = await openStage({ workers })
  const writer = await stage.join('writer')
  const written = author(7)
  written.doc.on('update', update => stage.room.receive(writer, say.update(update)))
  written.doc.getText('text').insert(0, longText)
  await turnsUntil('the compaction', () => stage.eventsNamed('compacted').length === 1)
  expect(stage.eventsNamed('compacted')).toMatchObject([{ outcome: 'replaced' }])
  return { ...stage, writer, written }
}

/** Replaces the base: a paste large enough for that. */
async function compactAgain({ written, eventsNamed }: WithBase, text = longText): Promise<void> {
  const before = eventsNamed('compacted').length
  written.doc.getText('text').insert(0, text.repeat(2))
  await turnsUntil('another compaction', () => eventsNamed('compacted').length > before)
}

const received = (member: TestMember) => load(member.documentFrames())
const bytesSentTo = (member: TestMember) =>
  member.documentFrames().reduce((sum, { byteLength }) => sum + byteLength, 0)

describe('a joiner', () => {
  test('of a document that nobody has written gets an empty SyncStep2 and our SyncStep1', async () => {
    const { join } = await openStage()
    const member = await join('member')
    expect(member.sent).toEqual([
      { kind: 'sync-step-2', update: emptyUpdate },
      { kind: 'sync-step-1', vector: nothingYet },
    ])
  })

  test('[SYNC-1] gets the base, the sealed chunks, the open one as SyncStep2, and then our SyncStep1', async () => {
    const { join, written, log } = await openWithBase()
    for (let i = 0; i < 70; i++) {
      written.doc.getText('text').insert(0, `${i} `)
      await turn()
    }
    const member = await join('member')
    const { pieces } = log.bases.at(-1)!
    expect(pieces.length).toBeGreaterThan(5)
    expect(member.kinds()).toEqual([...pieces.map(() => 'update'), 'update', 'sync-step-2', 'sync-step-1'])
    expect(member.documentFrames().slice(0, pieces.length)).toEqual(pieces)
    // 64 windows are a chunk, 6 are the open one.
    const [chunk, open] = member.documentFrames().slice(pieces.length)
    expect([chunk!, open!].map(update => Y.decodeUpdate(update).structs.length)).toEqual([64, 6])
    expect(textOf(received(member))).toBe(textOf(written.doc))
    const vector = member.sent.at(-1)!
    expect(vector).toEqual({ kind: 'sync-step-1', vector: Y.encodeStateVector(written.doc) })
  })

  test('[SYNC-1] is sent nothing of what others write until it has what was before, and then all of it', async () => {
    const { enter, room, written } = await openWithBase()
    const member = enter('member')
    member.waitingBytes = 300 * 1024
    room.receive(member, { kind: 'sync-step-1', vector: nothingYet })
    await turn()
    written.doc.getText('text').insert(0, 'written meanwhile ')
    await turn()
    expect(member.sent).toHaveLength(1)
    member.take()
    await turnsUntil('the end of the join', () => member.kinds().includes('sync-step-1'))
    expect(textOf(received(member))).toBe(textOf(written.doc))
    const frames = member.sent.length
    written.doc.getText('text').insert(0, 'and now ')
    await turn()
    expect(member.sent.slice(frames).map(message => message.kind)).toEqual(['update'])
  })

  test('[SYNC-2] that has the base gets the catch-up frame instead of it', async () => {
    const { join, written } = await openWithBase()
    written.doc.getText('text').delete(3, 4)
    await turn()
    const member = await join('member', Y.encodeStateVector(written.doc))
    expect(bytesSentTo(member)).toBeLessThan(50)
    expect(contentOf(Y.mergeUpdates(member.documentFrames())).deletes).toEqual(new Map([[7, [3, 7]]]))
  })

  test('[SYNC-2] that has a chunk gets of it the deletes alone, which no vector tells', async () => {
    const { room, join } = await openStage()
    const writer = await join('writer')
    const { doc, updates } = author(7)
    doc.getText('text').insert(0, 'hello')
    doc.getText('text').delete(1, 2)
    for (const update of updates) room.receive(writer, say.update(update))
    await turn()
    const member = await join('member', Y.encodeStateVector(doc))
    expect(member.documentFrames()).toEqual([deleteSetUpdate(new Map([[7, [1, 3]]])), emptyUpdate])
  })

  test('[SYNC-2] that has a part of the base is sent the rest of each piece', async () => {
    const stage = await openWithBase()
    const before = Y.encodeStateAsUpdate(stage.written.doc)
    await compactAgain(stage, 'another line of text\n'.repeat(2_000))
    const { written, join } = stage
    const member = await join('member', Y.encodeStateVectorFromUpdate(before))
    const exact = Y.encodeStateAsUpdate(written.doc, Y.encodeStateVectorFromUpdate(before)).byteLength
    expect(bytesSentTo(member)).toBeLessThan(1.2 * exact)
    expect(textOf(load([before, ...member.documentFrames()]))).toBe(textOf(written.doc))
  })

  test('[SYNC-2] that wrote what lies behind a gap of ours is not sent that again', async () => {
    const { room, join, written, clock, eventsNamed } = await openWithBase()
    const other = await join('other')
    const lost = typed(9, 'lost ', 'x'.repeat(50_000))
    room.receive(other, say.syncStep2(lost[1]!))
    await turn()
    clock.advance(60_000)
    room.tick()
    await turnsUntil('the compaction', () => eventsNamed('compacted').length === 2)
    const has = load([Y.encodeStateAsUpdate(written.doc), ...lost])
    const all = await join('all', Y.encodeStateVector(has))
    expect(bytesSentTo(all)).toBeLessThan(50)
    const alone = await join('alone', Y.encodeStateVector(load(lost)))
    expect(bytesSentTo(alone)).toBeLessThan(longText.length + 1_000)
    expect(textOf(load([...lost, ...alone.documentFrames()]))).toContain('lost ')
  })

  test('[SYNC-1] whose base is dropped under it starts over with the present one', async () => {
    const stage = await openWithBase()
    const { log, enter, room, written } = stage
    let reads = 0
    log.onReadPiece = async generation => {
      // Another process, which does not know our joiner, has dropped it.
      if (++reads === 3) await log.dropGeneration('a document', generation)
    }
    await compactAgain(stage)
    const held = enter('held')
    room.receive(held, { kind: 'sync-step-1', vector: nothingYet })
    await turnsUntil('the end of the join', () => held.kinds().includes('sync-step-1'))
    expect(textOf(received(held))).toBe(textOf(written.doc))
  })

  test('[SYNC-1] that is slow misses nothing while the base is replaced twice', async () => {
    const stage = await openWithBase()
    const { enter, room, clock, log, written } = stage
    const slow = enter('slow')
    slow.onSend = () => {
      slow.waitingBytes = 300 * 1024
    }
    room.receive(slow, { kind: 'sync-step-1', vector: nothingYet })
    await turn()
    const first = log.bases.length
    await compactAgain(stage)
    clock.advance(61_000)
    await turn()
    await compactAgain(stage)
    clock.advance(61_000)
    await turn()
    expect(log.bases.length).toBe(first + 2)
    // The base that it is being sent is kept; the one in between, which nobody is sent, is not.
    expect(log.droppedGenerations).toEqual([2])
    written.doc.getText('text').insert(0, 'and on ')
    await turnsUntil('the end of the join', () => {
      slow.take()
      return slow.kinds().includes('sync-step-1')
    })
    expect(textOf(received(slow))).toBe(textOf(written.doc))
    await turn()
    expect(log.droppedGenerations).toEqual([2, 1])
  })

  test('that leaves in the middle is sent nothing more, and its base is let go', async () => {
    const stage = await openWithBase()
    const { enter, room, clock, log } = stage
    const leaver = enter('leaver')
    leaver.waitingBytes = 300 * 1024
    room.receive(leaver, { kind: 'sync-step-1', vector: nothingYet })
    await turn()
    leaver.close(closeCodes.goingAway)
    await turn()
    expect(leaver.sent).toHaveLength(1)
    await compactAgain(stage)
    clock.advance(61_000)
    await turn()
    expect(log.droppedGenerations).toEqual([1])
  })

  test('that asks again while it is being answered is answered once more, for the newest of its vectors', async () => {
    const { enter, room, written } = await openWithBase()
    const member = enter('member')
    member.waitingBytes = 300 * 1024
    room.receive(member, { kind: 'sync-step-1', vector: nothingYet })
    await turn()
    room.receive(member, { kind: 'sync-step-1', vector: nothingYet })
    room.receive(member, { kind: 'sync-step-1', vector: Y.encodeStateVector(written.doc) })
    member.take()
    const answers = () => member.kinds().filter(kind => kind === 'sync-step-2').length
    await turnsUntil('two answers', () => answers() === 2)
    for (let turns = 0; turns < 50; turns++) await turn()
    expect(answers()).toBe(2)
    expect(member.sent.slice(-2)).toMatchObject([
      { kind: 'sync-step-2', update: emptyUpdate },
      { kind: 'sync-step-1' },
    ])
  })

  test('whose vector cannot be read is closed as malformed', async () => {
    const { enter, room } = await openStage()
    const member = enter('member')
    room.receive(member, { kind: 'sync-step-1', vector: Uint8Array.of(5) })
    expect(member.closed?.code).toBe(closeCodes.malformed)
  })

  test('[SYNC-1] is told to come back, and never that it is synced, when the store cannot be read', async () => {
    const { enter, room, log, eventsNamed } = await openWithBase()
    log.onReadPiece = () => {
      throw new Error('the disk is gone')
    }
    const member = enter('member')
    room.receive(member, { kind: 'sync-step-1', vector: nothingYet })
    await turnsUntil('its end', () => member.closed !== null)
    expect(member.closed?.code).toBe(closeCodes.overload)
    expect(member.kinds()).not.toContain('sync-step-2')
    expect(eventsNamed('roomFailed')).toMatchObject([{ during: 'load' }])
  })

  test('is told who is here once it has the document', async () => {
    const { room, join } = await openStage()
    const first = await join('first')
    room.receive(first, { kind: 'awareness', awareness: Uint8Array.of(1, 7, 1, 2, ...Buffer.from('{}')) })
    const second = await join('second')
    await turn()
    expect(second.kinds()).toEqual(['sync-step-2', 'sync-step-1', 'awareness'])
  })
})
