/**
 * When a room has its tail compacted, what it makes of the result, and that nothing waits for it.
 */
import type {
  CompactionOutcome,
  CompactionRequest,
  CompactionScope,
} from '@syncline/server/internal/compaction/compactor'
import { isDueAtRest, isDueWhileBusy } from '@syncline/server/internal/room/compaction-due'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { author, load, textOf, typed } from '../../support/room-author.ts'
import { turn, turnsUntil } from '../../support/room-clock.ts'
import { openStage, say, workersInProcess } from '../../support/room-stage.ts'

const kib = 1024
const longText = 'a line of text\n'.repeat(5_000)

describe('while people type a tail is compacted', () => {
  const due = (tailBytes: number, tailWindows: number, baseBytes: number) =>
    isDueWhileBusy({ tailBytes, tailWindows, baseBytes })

  test('above 64 KiB, or half of a base that is larger than twice that', () => {
    expect(due(64 * kib, 1, 0)).toBe(false)
    expect(due(64 * kib + 1, 1, 0)).toBe(true)
    expect(due(100 * kib, 1, 1_000 * kib)).toBe(false)
    expect(due(500 * kib + 1, 1, 1_000 * kib)).toBe(true)
  })

  test('above 2,000 windows, however small', () => {
    expect(due(2_000, 2_000, 10_000 * kib)).toBe(false)
    expect(due(2_001, 2_001, 10_000 * kib)).toBe(true)
  })
})

describe('at rest a tail is compacted', () => {
  const due = (tailBytes: number, tailWindows: number, baseBytes: number) =>
    isDueAtRest({ tailBytes, tailWindows, baseBytes })

  test('above 64 windows, or a tenth of the base', () => {
    expect(due(10, 64, 0)).toBe(false)
    expect(due(10, 65, 0)).toBe(true)
    expect(due(100, 1, 1_000)).toBe(false)
    expect(due(101, 1, 1_000)).toBe(true)
  })

  test('and not for a keystroke a minute on a document of 5 MB', () => {
    expect(due(30, 1, 5_000 * kib)).toBe(false)
  })
})

/** A compactor that answers when the test says so. */
function scripted() {
  const requests: (CompactionScope & { readonly document: string })[] = []
  const answers: ((outcome: CompactionOutcome) => void)[] = []
  const compact = ({ document, begin }: CompactionRequest) => {
    requests.push({ document, ...begin() })
    return new Promise<CompactionOutcome>(resolve => answers.push(resolve))
  }
  return {
    requests,
    compactor: { compact },
    async answer(outcome: CompactionOutcome) {
      answers.shift()!(outcome)
      await turn()
    },
  }
}

describe('a room', () => {
  test('has its tail compacted once it is large, up to the last entry, and goes on meanwhile', async () => {
    const { requests, compactor } = scripted()
    const { room, join, log } = await openStage({ compactor })
    const writer = await join('writer')
    room.receive(writer, say.update(typed(7, 'short')[0]!))
    await turn()
    expect(requests).toEqual([])
    room.receive(writer, say.update(typed(8, longText)[0]!))
    await turn()
    expect(requests).toMatchObject([{ document: 'a document', base: null, through: 2 }])
    expect(room.isBusy).toBe(true)
    room.receive(writer, say.update(typed(9, longText)[0]!))
    await turn()
    expect(log.appended).toHaveLength(3)
    expect(requests).toHaveLength(1)
    expect(textOf(load((await join('joiner')).documentFrames()))).toHaveLength(5 + 2 * longText.length)
  })

  test('has in its base also what is written while it waits for its turn', async () => {
    let begin: CompactionRequest['begin'] = () => ({ base: null, through: 0 })
    const compact = (request: CompactionRequest) => {
      begin = request.begin
      return new Promise<CompactionOutcome>(() => {})
    }
    const { room, join } = await openStage({ compactor: { compact } })
    const writer = await join('writer')
    for (const update of [...typed(7, longText), ...typed(8, 'more')]) {
      room.receive(writer, say.update(update))
      await turn()
    }
    expect(begin()).toEqual({ base: null, through: 2 })
  })

  test('at rest looks after 30 s without a commit', async () => {
    const { requests, compactor } = scripted()
    const { room, join, clock } = await openStage({ compactor })
    const writer = await join('writer')
    for (const update of typed(7, ...'x'.repeat(65))) {
      room.receive(writer, say.update(update))
      await turn()
    }
    clock.advance(29_999)
    room.tick()
    expect(requests).toEqual([])
    clock.advance(1)
    room.tick()
    await turn()
    expect(requests).toMatchObject([{ through: 65 }])
    room.tick()
    await turn()
    expect(requests).toHaveLength(1)
  })

  test('at rest does not look while something waits for the store', async () => {
    const { requests, compactor } = scripted()
    const { room, join, clock, log } = await openStage({ compactor })
    const writer = await join('writer')
    for (const update of typed(7, ...'x'.repeat(65))) {
      room.receive(writer, say.update(update))
      await turn()
    }
    log.hold()
    room.receive(writer, say.update(typed(8, 'more')[0]!))
    clock.advance(60_000)
    room.tick()
    expect(requests).toEqual([])
  })

  test('goes on with base and tail when it fails, says so, and tries again only with half as much more', async () => {
    const { requests, compactor, answer } = scripted()
    const { room, join, log, eventsNamed } = await openStage({ compactor })
    const writer = await join('writer')
    const paste = async (client: number) => {
      room.receive(writer, say.update(typed(client, longText)[0]!))
      await turn()
    }
    await paste(1)
    await paste(2)
    const failure = { outcome: 'failed', reason: 'Yjs threw', seq: 1, authors: ['author writer'] } as const
    await answer(failure)
    expect(eventsNamed('compacted')).toMatchObject([{ document: 'a document', ...failure }])
    expect(room.isBusy).toBe(false)
    expect(textOf(load((await join('joiner')).documentFrames()))).toHaveLength(2 * longText.length)
    // The same input would fail the same way: it is tried again with half as much more.
    await paste(3)
    expect(requests).toHaveLength(2)
    await answer(failure)
    await paste(4)
    expect(requests).toHaveLength(2)
    await paste(5)
    expect(requests).toHaveLength(3)
    expect(log.appended).toHaveLength(5)
  })

  test('at rest does not try again what has failed, until something is added', async () => {
    const { requests, compactor, answer } = scripted()
    const { room, join, clock } = await openStage({ compactor })
    const writer = await join('writer')
    const write = async (update: Uint8Array) => {
      room.receive(writer, say.update(update))
      await turn()
    }
    for (const update of typed(7, ...'x'.repeat(65))) await write(update)
    clock.advance(30_000)
    room.tick()
    await turn()
    await answer({ outcome: 'failed', reason: 'Yjs threw' })
    clock.advance(30_000)
    room.tick()
    await turn()
    expect(requests).toHaveLength(1)
    await write(typed(8, 'more')[0]!)
    clock.advance(30_000)
    room.tick()
    await turn()
    expect(requests).toHaveLength(2)
  })

  test('[ROOM-3] names who wrote an entry that Yjs cannot take', async () => {
    const { room, join, log, eventsNamed } = await openStage({
      workers: { buildBase: async () => ({ ok: false, reason: 'Yjs threw', seq: 1 }) },
    })
    const writer = await join('writer')
    room.receive(writer, say.update(typed(7, longText)[0]!))
    await turnsUntil('the compaction', () => eventsNamed('compacted').length === 1)
    expect(eventsNamed('compacted')).toMatchObject([
      { outcome: 'failed', reason: 'Yjs threw', seq: 1, authors: ['author writer'] },
    ])
    expect(log.bases).toEqual([])
  })

  test('goes on when the worker dies, and when the store has no room for the base', async () => {
    for (const trouble of ['worker', 'store'] as const) {
      const dead = async () => {
        throw new Error('the worker died')
      }
      const { room, join, log, eventsNamed } = await openStage({
        workers: { buildBase: trouble === 'worker' ? dead : workersInProcess.buildBase },
      })
      log.replaceBase = async () => ({ ok: false, reason: 'away' })
      const writer = await join('writer')
      room.receive(writer, say.update(typed(7, longText)[0]!))
      await turnsUntil('the compaction', () => eventsNamed('compacted').length === 1)
      expect(eventsNamed('compacted')).toMatchObject([{ outcome: 'failed', reason: expect.any(String) }])
      room.receive(writer, say.update(typed(8, 'on')[0]!))
      await turn()
      expect(log.appended).toHaveLength(2)
      expect(textOf(load((await join('joiner')).documentFrames()))).toHaveLength(longText.length + 2)
    }
  })

  test('[SYNC-2] knows the deletes that Yjs made in the new base: who brings them brings nothing', async () => {
    const { room, join, log, eventsNamed } = await openStage()
    const writer = await join('writer')
    const [one, other] = [author(7), author(9)]
    one.doc.getMap('map').set('key', 'one')
    other.doc.getMap('map').set('key', 'other')
    one.doc.getText('text').insert(0, longText)
    const updates = [...one.updates, ...other.updates]
    for (const update of updates) room.receive(writer, say.update(update))
    await turnsUntil('the compaction', () => eventsNamed('compacted').length === 1)
    const appended = log.appended.length
    room.receive(writer, say.syncStep2(Y.encodeStateAsUpdate(load(updates))))
    await turn()
    expect(log.appended).toHaveLength(appended)
    expect(eventsNamed('updatePassed').at(-1)).toMatchObject({ verdict: 'known' })
  })

  test('keeps in its tail what was written while the base was made', async () => {
    let finish = () => {}
    const { room, join, log, eventsNamed } = await openStage({
      workers: {
        async buildBase(input) {
          await new Promise<void>(resolve => {
            finish = resolve
          })
          return workersInProcess.buildBase(input)
        },
      },
    })
    const writer = await join('writer')
    room.receive(writer, say.update(typed(7, longText)[0]!))
    await turn()
    await turn()
    room.receive(writer, say.update(typed(8, 'meanwhile ')[0]!))
    await turn()
    finish()
    await turnsUntil('the compaction', () => eventsNamed('compacted').length === 1)
    expect(log.bases).toMatchObject([{ through: 1 }])
    const joiner = await join('joiner')
    expect(joiner.kinds()).toEqual(['update', 'sync-step-2', 'sync-step-1'])
    expect(textOf(load(joiner.documentFrames()))).toContain('meanwhile ')
  })
})
