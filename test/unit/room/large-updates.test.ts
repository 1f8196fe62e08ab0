/**
 * Updates too large for the event loop: judged in the worker, while nobody but their author waits.
 */
import { Workers } from '@syncline/server/internal/compaction/workers'
import { closeCodes } from '@syncline/shared/wire/close-codes'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { author, load, textOf, typed } from '../../support/room-author.ts'
import { turn, turnsUntil } from '../../support/room-clock.ts'
import { contentOf } from '../../support/room-content.ts'
import { openStage, say, workersInProcess } from '../../support/room-stage.ts'
import { waitUntil } from '../../support/wait-until.ts'

const largeText = 'x'.repeat(300_000)

test('others write and are answered while the worker has a large update', async () => {
  let inspected = () => {}
  const { room, log, join } = await openStage({
    workers: {
      async inspect(...task) {
        await new Promise<void>(resolve => {
          inspected = resolve
        })
        return workersInProcess.inspect(...task)
      },
    },
  })
  const [writer, other] = [await join('writer'), await join('other')]
  const judged = room.receive(writer, say.update(typed(7, largeText)[0]!))
  expect(judged).toBeInstanceOf(Promise)
  room.receive(other, say.update(typed(8, 'quick')[0]!))
  room.receive(other, say.saved(1))
  await turn()
  expect(log.appended).toHaveLength(1)
  expect(other.kinds()).toContain('saved')
  inspected()
  await judged
  await turn()
  expect(log.appended).toHaveLength(2)
})

test('[LOG-1] of a large update that is known its author is told after what was in flight', async () => {
  const { room, log, join } = await openStage()
  const [writer, second] = [await join('writer'), await join('second')]
  const [update] = typed(7, largeText)
  log.hold()
  await room.receive(writer, say.update(update!))
  second.news()
  await room.receive(second, say.update(update!))
  await turn()
  expect(second.sent).toEqual([])
  log.release()
  await turn()
  expect(second.documentFrames().filter(frame => frame.byteLength === update!.byteLength)).toHaveLength(2)
})

test('a large update with a part that is known is cut for the others and sent back whole', async () => {
  const { room, log, join } = await openStage()
  const writer = await join('writer')
  const { doc, updates } = author(7)
  doc.getText('text').insert(0, 'known')
  doc.getText('text').insert(0, largeText)
  room.receive(writer, say.update(updates[0]!))
  await turn()
  const whole = Y.encodeStateAsUpdate(doc)
  await room.receive(writer, say.update(whole))
  await turn()
  expect(contentOf(log.appended[1]!.entry.update).structs).toEqual(new Map([[7, [5, 300_005]]]))
  expect(writer.documentFrames()).toContainEqual(whole)
})

test('[ROOM-3] a large update that is damaged closes its author alone', async () => {
  const { room, log, join } = await openStage()
  const [writer, other] = [await join('writer'), await join('other')]
  await room.receive(writer, say.update(typed(7, largeText)[0]!.slice(0, -2)))
  expect(writer.closed?.code).toBe(closeCodes.malformed)
  expect(other.closed).toBe(null)
  expect(log.appended).toEqual([])
})

test('[LOG-1] a large update that no worker could look at is not taken: its author comes back with it', async () => {
  const { room, log, join } = await openStage({
    workers: {
      inspect: async () => {
        throw new Error('the worker died')
      },
    },
  })
  const writer = await join('writer')
  const [update] = typed(7, largeText)
  await room.receive(writer, say.update(update!))
  expect(writer.closed?.code).toBe(closeCodes.overload)
  expect(log.appended).toEqual([])
  const back = await join('back')
  expect(back.sent.at(-1)).toEqual({ kind: 'sync-step-1', vector: Uint8Array.of(0) })
})

test('a worker thread judges, cuts, compacts and makes differences as the same functions do here', async () => {
  const workers = new Workers({ onWorkerLost: (task, error) => expect.fail(`${task}: ${String(error)}`) })
  try {
    const { inspect, cut, difference, split, buildBase } = workers
    const stage = await openStage({ workers: { inspect, cut, difference, split, buildBase } })
    const { room, log, join, eventsNamed } = stage
    const writer = await join('writer')
    const { doc, updates } = author(7)
    doc.getText('text').insert(0, 'known')
    doc.getText('text').insert(0, largeText)
    doc.getText('text').delete(0, 10)
    room.receive(writer, say.update(updates[0]!))
    await room.receive(writer, say.update(Y.encodeStateAsUpdate(doc)))
    await waitUntil('the compaction', () => eventsNamed('compacted').length > 0)
    expect(eventsNamed('compacted')).toMatchObject([{ outcome: 'replaced' }])
    expect(log.bases).toHaveLength(1)
    const part = Y.encodeStateVectorFromUpdate(updates[0]!)
    const joiner = stage.enter('joiner')
    room.receive(joiner, { kind: 'sync-step-1', vector: part })
    await waitUntil('the join', () => joiner.kinds().includes('sync-step-1'))
    expect(textOf(load([updates[0]!, ...joiner.documentFrames()]))).toBe(textOf(doc))
    await turnsUntil('the room to be at rest', () => !room.isBusy)
  } finally {
    await workers.close()
  }
})
