import { type Damage, readStoredDocument } from '@syncline/server/internal/api/stored-document'
import { createMemoryLog } from '@syncline/server/internal/store/memory-log'
import { LogDamage, LogRefusal, type UpdateLog } from '@syncline/server/internal/store/update-log'
import { describe, expect, test } from 'vitest'
import { currentGeneration, makeBase, makeEntries } from '../../contract/log-content.ts'
import { TestClock } from '../../support/room-clock.ts'

const newLog = () => createMemoryLog({ clock: new TestClock() })

async function read(log: UpdateLog, document = 'a') {
  const damages: Damage[] = []
  const stored = await readStoredDocument(log, document, damage => damages.push(damage))
  return { ...stored, damages, seqs: stored.entries.map(({ seq }) => seq) }
}

describe('a stored document', () => {
  test('is its base and the entries after it, up to the end that it had', async () => {
    const log = newLog()
    await log.append('a', 0, makeEntries(5))
    await log.replaceBase('a', null, makeBase(2))
    const { readEntries } = log
    log.readEntries = async (...asked) => {
      log.readEntries = readEntries
      await log.append('a', 5, makeEntries(1))
      return readEntries(...asked)
    }
    const { pieces, seqs, damages } = await read(log)
    expect([pieces.length, seqs, damages]).toEqual([2, [3, 4, 5], []])
  })

  test('that was never written has nothing', async () => {
    const { head, pieces, entries, damages } = await read(newLog())
    expect([head?.epoch, pieces, entries, damages]).toEqual([null, [], [], []])
  })

  test.each(['load', 'readPiece', 'readEntries'] as const)(
    'is read anew where its base is replaced during %s',
    async method => {
      const log = newLog()
      await log.append('a', 0, makeEntries(4))
      await log.replaceBase('a', null, makeBase(1))
      const original = log[method] as (...asked: never[]) => Promise<unknown>
      log[method] = (async (...asked: never[]) => {
        log[method] = original as never
        const answer = await original(...asked)
        await log.replaceBase('a', await currentGeneration(log, 'a'), makeBase(3))
        return answer
      }) as never
      const { head, seqs, damages } = await read(log)
      expect([head?.base?.through, seqs, damages]).toEqual([3, [4], []])
    },
  )

  test('is read as far as it is whole, and every damage is told once', async () => {
    const log = newLog()
    await log.append('a', 0, makeEntries(6))
    await log.replaceBase('a', null, makeBase(1))
    const { readEntries } = log
    // As the log on disk does it: what comes before the damage is handed out first.
    log.readEntries = async (document, after, bytesMax) => {
      const damaged = { kind: 'entries', from: 3, to: 4 } as const
      const page = await readEntries(document, after, bytesMax)
      if (after >= 4) return page
      const before = page.filter(({ seq }) => seq < 3)
      if (before.length > 0) return before
      throw new LogDamage('a', damaged, 'missing')
    }
    log.readPiece = async (document, _, piece) => {
      if (piece === 1) throw new LogDamage(document, { kind: 'piece', piece }, 'is damaged')
      return Uint8Array.of(0, 0)
    }
    const { pieces, seqs, damages } = await read(log)
    expect(pieces).toEqual([Uint8Array.of(0, 0), null])
    expect(seqs).toEqual([2, 5, 6])
    expect(damages).toEqual([
      { place: 'piece 1 of the base', problem: 'is damaged' },
      { place: 'entries 3 to 4', problem: 'missing' },
    ])
  })

  test('whose log ends too early is told of', async () => {
    const log = newLog()
    await log.append('a', 0, makeEntries(3))
    const { readEntries } = log
    log.readEntries = async (...asked) => (await readEntries(...asked)).filter(({ seq }) => seq < 3)
    expect((await read(log)).damages).toEqual([{ place: 'the log', problem: 'ends at 2, expected 3' }])
  })

  test('with a name that no document can have is refused, not damaged', async () => {
    await expect(read(newLog(), 'x'.repeat(1_025))).rejects.toThrow(LogRefusal)
  })
})
