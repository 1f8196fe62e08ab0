/**
 * From the log to a room: what it knows, what it sends, and that it refuses to open what it cannot read whole.
 */
import { openRoom } from '@syncline/server/internal/room/open-room'
import { deleteSetUpdate } from '@syncline/shared/update/cut'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { author, load, textOf, typed } from '../../support/room-author.ts'
import { turn, turnsUntil } from '../../support/room-clock.ts'
import { contentOf } from '../../support/room-content.ts'
import type { TestLog } from '../../support/room-log.ts'
import { createStage, documentName, openStage, say } from '../../support/room-stage.ts'

const longText = 'a line of text\n'.repeat(5_000)

/** A document with a base, deletes that Yjs made in it, something behind a gap, and a tail. */
async function writtenLog(): Promise<{ log: TestLog; has: Y.Doc }> {
  const { room, log, join, eventsNamed } = await openStage()
  const writer = await join('writer')
  const [one, other] = [author(7), author(9)]
  one.doc.getMap('map').set('key', 'one')
  other.doc.getMap('map').set('key', 'other')
  const lost = typed(11, 'lost', 'held')
  one.doc.getText('text').insert(0, longText)
  const updates = [...other.updates, lost[1]!, ...one.updates]
  for (const update of updates) room.receive(writer, say.update(update))
  await turnsUntil('the compaction', () => eventsNamed('compacted').length === 1)
  one.updates.length = 0
  one.doc.getText('text').insert(0, 'after the base ')
  for (const update of one.updates) room.receive(writer, say.update(update))
  await turn()
  return { log, has: load([...updates, ...one.updates]) }
}

describe('a room that is opened again', () => {
  test('[LOG-4] goes on at the end of its log', async () => {
    const { log } = await writtenLog()
    const { room } = await openRoom(documentName, createStage({ log }).services, () => {})
    expect(room.end).toEqual((await log.load(documentName)).end)
    expect(room.end.seq).toBe(3)
  })

  test('[SYNC-2] knows all that is in base and tail: structs, gaps, and the deletes that Yjs made', async () => {
    const { log, has } = await writtenLog()
    const { room, join, eventsNamed } = await openStage({ log })
    const member = await join('member')
    const entries = log.appended.length
    room.receive(member, say.syncStep2(Y.encodeStateAsUpdate(has)))
    await turn()
    expect(eventsNamed('updatePassed')).toMatchObject([{ verdict: 'known' }])
    expect(log.appended).toHaveLength(entries)
    room.receive(member, say.syncStep2(typed(11, 'lost')[0]!))
    expect(eventsNamed('updatePassed')[1]).toMatchObject({ verdict: 'new' })
  })

  test('asks for what it lacks, and never claims what lies behind a gap', async () => {
    const { log } = await writtenLog()
    const { join } = await openStage({ log })
    const ask = (await join('member')).sent.find(message => message.kind === 'sync-step-1')
    if (ask?.kind !== 'sync-step-1') throw new Error('it asks for nothing')
    const vector = Y.decodeStateVector(ask.vector)
    expect(vector.has(11)).toBe(false)
    expect(vector.get(9)).toBe(1)
  })

  test('[SYNC-1] sends a newcomer all of it', async () => {
    const { log, has } = await writtenLog()
    const { join } = await openStage({ log })
    const joined = load((await join('member')).documentFrames())
    expect(textOf(joined)).toBe(textOf(has))
    expect(contentOf(Y.encodeStateAsUpdate(joined))).toEqual(contentOf(Y.encodeStateAsUpdate(has)))
  })
})

test('a long tail is put together in slices, between which others are served', async () => {
  const { log } = await writtenLog()
  const { room, join } = await openStage({ log })
  const writer = await join('writer')
  const { doc } = author(13)
  doc.on('update', update => room.receive(writer, say.update(update)))
  for (let i = 0; i < 200; i++) {
    doc.getText('text').insert(0, 'x')
    await turn()
  }
  const { services } = createStage({ log })
  let turns = 0
  const opening = openRoom(documentName, services, () => {})
  let isOpen = false
  void opening.then(() => {
    isOpen = true
  })
  while (!isOpen) {
    await turn()
    turns++
  }
  expect(turns).toBeGreaterThan(200 / 64)
  expect((await opening).entries).toBeGreaterThanOrEqual(200)
})

describe('[SYNC-1] a document that cannot be read whole is not opened', () => {
  const refusal = async (damage: (log: TestLog) => void) => {
    const { log } = await writtenLog()
    damage(log)
    await openRoom(documentName, createStage({ log }).services, () => {})
  }

  test('[SYNC-1] one whose log ends too early', async () => {
    const end = { seq: 9, link: 'ffffffffffffffff' }
    const short = refusal(log => {
      const { load: readHead } = log
      log.load = async document => ({ ...(await readHead(document)), end })
    })
    await expect(short).rejects.toThrow('ends at 3, expected 9')
  })

  test('[SYNC-1] one with a damaged entry, which is named', async () => {
    const damaged = refusal(log => {
      const { readEntries } = log
      log.readEntries = async (...page) =>
        (await readEntries(...page)).map(entry => ({ ...entry, update: entry.update.slice(0, -2) }))
    })
    await expect(damaged).rejects.toThrow('entry 3 of this document is damaged')
  })

  test('[SYNC-1] one with a damaged catch-up frame or vector', async () => {
    for (const part of ['catchUp', 'byteVector'] as const) {
      const damaged = refusal(log => {
        const { load: readHead } = log
        log.load = async document => {
          const head = await readHead(document)
          return { ...head, base: { ...head.base!, [part]: Uint8Array.of(5) } }
        }
      })
      await expect(damaged).rejects.toThrow(/damaged|unreadable/)
    }
  })
})

test('a delete set larger than one update may bring is read back from a base', async () => {
  const { room, log, join, clock, eventsNamed } = await openStage()
  const writer = await join('writer')
  const { doc, updates } = author(7)
  doc.getText('text').insert(0, 'x'.repeat(30_000))
  room.receive(writer, say.update(updates[0]!))
  // Each of them brings as many ranges as one update may.
  for (const from of [0, 20_000]) {
    const ranges = Array.from({ length: 5_000 }, (_, i) => [from + 2 * i, from + 2 * i + 1]).flat()
    room.receive(writer, say.update(deleteSetUpdate(new Map([[7, ranges]]))))
  }
  await turn()
  for (let i = 0; i < 65; i++) {
    room.receive(writer, say.update(typed(100 + i, 'x')[0]!))
    await turn()
  }
  clock.advance(30_000)
  room.tick()
  await turnsUntil('the compaction', () => eventsNamed('compacted').length === 1)
  expect(eventsNamed('compacted')).toMatchObject([{ outcome: 'replaced' }])
  const limits = { deleteRangesPerUpdateMax: 5_000 }
  const again = await openStage({ log, limits })
  expect(load((await again.join('member')).documentFrames()).getText('text').length).toBe(20_065)
})
