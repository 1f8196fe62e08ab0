/**
 * What one document may hold: who would write more is told so, and what is there can still be read, repeated and deleted.
 */
import { deleteSetUpdate } from '@syncline/shared/update/cut'
import { closeCodes } from '@syncline/shared/wire/close-codes'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { author, load, textOf, typed } from '../../support/room-author.ts'
import { turn, turnsUntil } from '../../support/room-clock.ts'
import { openStage, say } from '../../support/room-stage.ts'

const [text] = typed(7, 'x'.repeat(1_000))
const documentBytesMax = text!.byteLength

/** Every second clock of 7, from `from` on. */
const everySecond = (from: number, count: number) =>
  deleteSetUpdate(
    new Map([[7, Array.from({ length: count }, (_, i) => [from + 2 * i, from + 2 * i + 1]).flat()]]),
  )

describe('a document at the limit of its bytes', () => {
  const open = () => openStage({ limits: { documentBytesMax } })

  test('[LIM-1 document-bytes] refuses new content by name, and nobody but its author is closed', async () => {
    const { room, log, join, eventsNamed } = await open()
    const [writer, greedy] = [await join('writer'), await join('greedy')]
    room.receive(writer, say.update(text!))
    await turn()
    room.receive(greedy, say.update(typed(8, 'y')[0]!))
    await turn()
    expect(greedy.closed?.code).toBe(closeCodes.tooLarge)
    expect(greedy.closed?.detail).toContain(`limitDocumentBytes allows ${documentBytesMax}`)
    expect(eventsNamed('updateRefused')).toMatchObject([{ member: 'greedy', rule: 'document-size' }])
    expect(writer.closed).toBe(null)
    expect(log.appended).toHaveLength(1)
    // What was refused is not known either.
    expect(textOf(load((await join('late')).documentFrames()))).toBe('x'.repeat(1_000))
  })

  test('[LIM-1 document-bytes] takes what exactly fits, what is known, and what only deletes', async () => {
    const { room, join } = await open()
    const writer = await join('writer')
    const { doc, updates } = author(8, [text!])
    doc.getText('text').delete(5, 995)
    for (const update of [text!, ...updates, text!]) room.receive(writer, say.update(update))
    room.receive(writer, say.syncStep2(Y.encodeStateAsUpdate(doc)))
    await turn()
    expect(writer.closed).toBe(null)
    expect(textOf(load((await join('late')).documentFrames()))).toBe('xxxxx')
  })

  test('[LIM-1 document-bytes] counts what is not saved yet', async () => {
    const { room, log, join } = await open()
    const writer = await join('writer')
    log.hold()
    room.receive(writer, say.update(text!))
    room.receive(writer, say.update(typed(8, 'y')[0]!))
    expect(writer.closed?.code).toBe(closeCodes.tooLarge)
  })

  test('[LIM-1 document-bytes] counts what its base holds, and what compaction has freed no more', async () => {
    const { room, join, eventsNamed } = await openStage({ limits: { documentBytesMax: 100_000 } })
    const writer = await join('writer')
    const { doc, updates } = author(7)
    doc.getText('text').insert(0, 'x'.repeat(90_000))
    doc.getText('text').delete(0, 60_000)
    room.receive(writer, say.update(Y.mergeUpdates(updates)))
    // The base holds 30,000; with either of these there is room, with both there is not.
    const others = [35_000, 40_000].map((length, i) => typed(8 + i, 'y'.repeat(length))[0]!)
    await turnsUntil('the compaction', () => eventsNamed('compacted').length === 1)
    room.receive(writer, say.update(others[0]!))
    await turn()
    expect(writer.closed).toBe(null)
    room.receive(writer, say.update(others[1]!))
    expect(writer.closed?.code).toBe(closeCodes.tooLarge)
  })

  test('[LIM-1 document-bytes] holds for a large update, too', async () => {
    const { room, log, join } = await open()
    const writer = await join('writer')
    await room.receive(writer, say.update(typed(8, 'y'.repeat(300_000))[0]!))
    expect(writer.closed?.code).toBe(closeCodes.tooLarge)
    expect(log.appended).toEqual([])
  })
})

describe('a document with as many deleted ranges as it may have', () => {
  const open = () => openStage({ limits: { deleteRangesMax: 10 } })

  test('[LIM-1 delete-ranges] refuses more of them by name, and nobody but its author is closed', async () => {
    const { room, log, join, eventsNamed } = await open()
    const [writer, greedy] = [await join('writer'), await join('greedy')]
    for (const update of [text!, everySecond(0, 6), everySecond(100, 4)])
      room.receive(writer, say.update(update))
    room.receive(greedy, say.update(everySecond(200, 1)))
    await turnsUntil('everything to be saved', () => !room.isBusy)
    expect(greedy.closed?.code).toBe(closeCodes.tooLarge)
    expect(greedy.closed?.detail).toContain('limitDeleteRanges allows 10')
    expect(eventsNamed('updateRefused')).toMatchObject([{ member: 'greedy', rule: 'delete-ranges' }])
    expect(writer.closed).toBe(null)
    expect(load(log.appended.map(({ entry }) => entry.update)).getText('text').length).toBe(990)
  })

  test('[LIM-1 delete-ranges] takes content, and deletes that are known', async () => {
    const { room, join } = await open()
    const writer = await join('writer')
    const deletes = everySecond(0, 10)
    for (const update of [text!, deletes, typed(8, 'more')[0]!, deletes])
      room.receive(writer, say.update(update))
    room.receive(writer, say.syncStep2(Y.mergeUpdates([text!, deletes, typed(9, 'and more')[0]!])))
    await turn()
    expect(writer.closed).toBe(null)
    expect(textOf(load((await join('late')).documentFrames()))).toContain('and more')
  })

  test('[LIM-1 delete-ranges] takes content also where it has more already, as after the limit was lowered', async () => {
    const { room, log, join } = await open()
    const writer = await join('writer')
    for (const update of [text!, everySecond(0, 10)]) room.receive(writer, say.update(update))
    await turnsUntil('everything to be saved', () => !room.isBusy)
    const lowered = await openStage({ log, limits: { deleteRangesMax: 5 } })
    const again = await lowered.join('again')
    lowered.room.receive(again, say.update(typed(8, 'more')[0]!))
    expect(again.closed).toBe(null)
    lowered.room.receive(again, say.update(everySecond(500, 1)))
    expect(again.closed?.code).toBe(closeCodes.tooLarge)
  })
})
