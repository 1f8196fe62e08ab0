/**
 * What a room does with those who still hold what its document was before it was replaced.
 */
import { tasks } from '@syncline/server/internal/compaction/compaction-worker'
import { type HeavySteps, pass, passLarge, walkLimits } from '@syncline/server/internal/room/gate'
import { Known } from '@syncline/server/internal/room/known'
import { clientsOf } from '@syncline/server/internal/room/other-epoch'
import { closeCodes } from '@syncline/shared/wire/close-codes'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { author, load, textOf, typed } from '../../support/room-author.ts'
import { TestClock, turnsUntil } from '../../support/room-clock.ts'
import { createTestLog, type TestLog } from '../../support/room-log.ts'
import { documentName, openStage, say } from '../../support/room-stage.ts'

const limits = { deleteRangesPerUpdateMax: 100, heldRangesMax: 10 }
const heavy: HeavySteps = {
  inspect: async update => tasks.inspect({ update, limits: walkLimits(limits) }),
  cut: async (update, structs, deletes) => tasks.cut({ update, structs, deletes }),
}

/** Client 5 wrote the former epoch, client 7 the new one; 9 is somebody else. */
const former = new Set([5])
const [formerText] = typed(5, 'former')
const [newText] = typed(7, 'new')
const refused = { kind: 'refused', code: closeCodes.otherEpoch, rule: 'other-epoch' }

/** What somebody writes who has heard these updates. */
function written(heard: readonly Uint8Array[], write: (doc: Y.Doc) => void): Uint8Array {
  const { doc, updates } = author(9, heard)
  write(doc)
  return updates.at(-1)!
}

const ofFormerEpoch: [string, Uint8Array][] = [
  ['holds what a client of a former epoch wrote', formerText!],
  ['holds what such a client wrote after the replacement', typed(5, 'former', 'later').at(-1)!],
  ['leans on it', written([formerText!], doc => doc.getText('text').insert(3, 'x'))],
  ['stands before it', written([formerText!], doc => doc.getText('text').insert(0, 'x'))],
  ['deletes it', written([formerText!], doc => doc.getText('text').delete(0, 2))],
  [
    'holds it among other things',
    Y.mergeUpdates([newText!, formerText!, written([newText!], doc => doc.getText('text').insert(0, 'x'))]),
  ],
]

describe('the gate of a replaced document', () => {
  test.each(ofFormerEpoch)('[LOG-3] refuses an update that %s, large or small', async (_, update) => {
    expect(pass(update, new Known(former), limits)).toMatchObject(refused)
    expect(await passLarge(update, new Known(former), limits, heavy)).toMatchObject(refused)
    expect(pass(update, new Known(), limits)).toMatchObject({ kind: 'new' })
  })

  test('[LOG-3] takes what is of the new epoch, deletions included', () => {
    const known = new Known(former)
    for (const update of [
      newText!,
      written([newText!], doc => doc.getText('text').insert(0, 'x')),
      written([newText!], doc => doc.getText('text').delete(0, 3)),
    ])
      expect(pass(update, known, limits)).toMatchObject({ kind: 'new' })
  })

  test('knows the clients of every former epoch, also those who only deleted', () => {
    const epochs = [
      { epoch: 'a', structs: new Map([[1, [0, 2]]]), deletes: new Map([[2, [0, 1]]]) },
      { epoch: 'b', structs: new Map([[3, [0, 2]]]), deletes: new Map() },
    ]
    expect(clientsOf(epochs)).toEqual(new Set([1, 2, 3]))
  })
})

/** A room of a document that client 5 wrote, replaced by what client 7 wrote. */
async function openReplaced() {
  const log: TestLog = createTestLog(new TestClock())
  const before = await openStage({ log })
  const writer = await before.join('before')
  before.room.receive(writer, say.update(formerText!))
  await turnsUntil('the edit to be saved', () => log.appended.length === 1)
  const renewed = await log.replaceDocument(documentName, null, {
    pieces: [newText!],
    byteVector: Y.encodeStateVectorFromUpdate(newText!),
    documentVector: Y.encodeStateVectorFromUpdate(newText!),
    catchUp: Uint8Array.of(0, 0),
    lacks: { structs: new Map([[5, [0, 6]]]), deletes: new Map() },
  })
  expect(renewed).toMatchObject({ ok: true })
  return openStage({ log })
}

describe('a room of a replaced document', () => {
  test('[LOG-3] closes somebody who holds a former epoch before it sends a byte of the new one', async () => {
    const { enter, room, eventsNamed, log } = await openReplaced()
    const member = enter('tab')
    room.receive(member, { kind: 'sync-step-1', vector: Y.encodeStateVectorFromUpdate(formerText!) })
    expect(member.closed).toMatchObject({ code: closeCodes.otherEpoch })
    expect(member.closed?.detail).toContain('replaced since, reload it (client 5')
    expect(member.sent).toEqual([])
    expect(eventsNamed('updateRefused')).toMatchObject([{ member: 'tab', rule: 'other-epoch' }])
    expect(log.appended).toHaveLength(1)
  })

  test('[LOG-3] closes somebody who brings it later, and keeps and sends nothing of that', async () => {
    const { join, room, log } = await openReplaced()
    const [tab, other] = [await join('tab'), await join('other')]
    other.news()
    // A page's own store (y-indexeddb) may be read only after the connection is open.
    room.receive(tab, say.update(formerText!))
    expect(tab.closed).toMatchObject({ code: closeCodes.otherEpoch })
    room.receive(other, say.update(written([newText!], doc => doc.getText('text').insert(3, '!'))))
    await turnsUntil('the edit of the other to be saved', () => log.appended.length === 2)
    await turnsUntil('it to be sent', () => other.sent.length > 0)
    expect(textOf(load([newText!, ...other.documentFrames()]))).toBe('new!')
    const fresh = await join('fresh')
    expect(textOf(load(fresh.documentFrames()))).toBe('new!')
  })
})
