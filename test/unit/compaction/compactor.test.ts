import { type CompactionOutcome, Compactor } from '@syncline/server/internal/compaction/compactor'
import { buildBase } from '@syncline/server/internal/compaction/new-base'
import type { Entry } from '@syncline/server/internal/store/entry'
import type { Base } from '@syncline/server/internal/store/update-log'
import { describe, expect, test } from 'vitest'
import { load, textOf, typed } from '../../support/room-author.ts'
import { TestClock, turn } from '../../support/room-clock.ts'
import { createTestLog, type TestLog } from '../../support/room-log.ts'

const document = 'a document'

async function logWith(updates: readonly Uint8Array[]): Promise<TestLog> {
  const log = createTestLog(new TestClock())
  await append(log, updates)
  return log
}

async function append(log: TestLog, updates: readonly Uint8Array[]): Promise<void> {
  for (const update of updates) {
    const authors = [{ name: 'ada', structs: new Map(), deletes: new Map() }]
    const nonce = Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString('hex')
    const entry: Entry = { kind: 'update', timeMs: 0, update, authors, instance: 'one', nonce }
    await log.append(document, 0, [entry])
  }
}

const from = (base: Base | null, through: number) => ({ document, begin: () => ({ base, through }) })

const workers = { buildBase: async (input: Parameters<typeof buildBase>[0]) => buildBase(input) }

function replaced(outcome: CompactionOutcome): Base {
  if (outcome.outcome !== 'replaced') throw new Error(JSON.stringify(outcome))
  return outcome.base
}

describe('a compaction', () => {
  test('puts a base of all entries under the log, and tells it as the log has it', async () => {
    const updates = typed(7, 'one ', 'two ', 'three ')
    const log = await logWith(updates)
    const base = replaced(await new Compactor(log, workers).compact(from(null, 3)))
    const head = await log.load(document)
    expect(base).toEqual(head.base)
    expect(base.link).toBe(head.end.link)
    expect(await log.readEntries(document, 0, 1e6)).toEqual([])
    const piece = (await log.readPiece(document, base.generation, 0)) as Uint8Array
    expect(textOf(load([piece]))).toBe('three two one ')
  })

  test('goes up to the entry that it is told, and leaves those after it', async () => {
    const updates = typed(7, 'one ', 'two ', 'three ')
    const log = await logWith(updates)
    const compactor = new Compactor(log, workers)
    const base = replaced(await compactor.compact(from(null, 2)))
    expect((await log.readEntries(document, 2, 1e6)).map(({ seq }) => seq)).toEqual([3])
    const next = replaced(await compactor.compact(from(base, 3)))
    const piece = (await log.readPiece(document, next.generation, 0)) as Uint8Array
    expect(textOf(load([piece]))).toBe('three two one ')
  })

  test('reads a long tail page by page', async () => {
    const updates = typed(7, ...Array.from({ length: 4 }, () => 'x'.repeat(600_000)))
    const log = await logWith(updates)
    const { readEntries } = log
    let reads = 0
    log.readEntries = (...page) => {
      reads++
      return readEntries(...page)
    }
    const base = replaced(await new Compactor(log, workers).compact(from(null, 4)))
    expect(reads).toBeGreaterThan(2)
    expect(base.bytes).toBeGreaterThan(2_400_000)
    expect(base.pieces).toBeGreaterThan(9)
  })

  test('whose base somebody else has replaced changes nothing', async () => {
    const log = await logWith(typed(7, 'one ', 'two '))
    const compactor = new Compactor(log, workers)
    const first = replaced(await compactor.compact(from(null, 1)))
    expect(await compactor.compact(from(null, 2))).toEqual({ outcome: 'superseded' })
    expect((await log.load(document)).base).toEqual(first)
  })

  test('whose base has been dropped is superseded', async () => {
    const log = await logWith(typed(7, 'one ', 'two ', 'three '))
    const compactor = new Compactor(log, workers)
    const first = replaced(await compactor.compact(from(null, 1)))
    replaced(await compactor.compact(from(first, 2)))
    await log.dropGeneration(document, first.generation)
    expect(await compactor.compact(from(first, 3))).toEqual({ outcome: 'superseded' })
  })

  test('[ROOM-3] that meets a damaged entry names it, and leaves everything as it was', async () => {
    const good = typed(7, 'one ')
    const log = await logWith([...good, good[0]!.slice(0, -2)])
    const outcome = await new Compactor(log, workers).compact(from(null, 2))
    expect(outcome).toEqual({
      outcome: 'failed',
      reason: expect.stringContaining('damaged'),
      seq: 2,
      authors: ['ada'],
    })
    expect((await log.load(document)).base).toBe(null)
  })

  test('never rejects: a dead worker, a store without room and an unreadable log are outcomes', async () => {
    const log = await logWith(typed(7, 'one '))
    const dead = {
      buildBase: async () => {
        throw new Error('the worker died')
      },
    }
    expect(await new Compactor(log, dead).compact(from(null, 1))).toEqual({
      outcome: 'failed',
      reason: 'the worker died',
    })
    expect(await new Compactor(log, workers).compact(from(null, 5))).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining('ends at 1'),
    })
    log.replaceBase = async () => ({ ok: false, reason: 'away' })
    expect(await new Compactor(log, workers).compact(from(null, 1))).toMatchObject({ outcome: 'failed' })
  })
})

test('documents are compacted one at a time, and a failure holds up none', async () => {
  const log = await logWith(typed(7, 'one '))
  const building: (() => void)[] = []
  const slow = {
    async buildBase(input: Parameters<typeof buildBase>[0]) {
      await new Promise<void>(resolve => building.push(resolve))
      if (building.length === 1) throw new Error('the worker died')
      return buildBase(input)
    },
  }
  const compactor = new Compactor(log, slow)
  let begun = 0
  const begin = () => {
    begun++
    return { base: null, through: 1 }
  }
  const requests = [1, 2].map(() => compactor.compact({ document, begin }))
  for (let turns = 0; turns < 5; turns++) await turn()
  expect(building).toHaveLength(1)
  // What is written until its turn comes belongs into the base of the second.
  expect(begun).toBe(1)
  building[0]!()
  expect((await requests[0]!).outcome).toBe('failed')
  for (let turns = 0; turns < 5; turns++) await turn()
  building[1]!()
  expect((await requests[1]!).outcome).toBe('replaced')
  await compactor.idle()
})
