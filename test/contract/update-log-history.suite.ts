import { type History, HistoryRewritten, noLink } from '@syncline/server/internal/store/update-log'
import { describe, expect, test } from 'vitest'
import { waitUntil } from '../support/wait-until.ts'
import { currentGeneration, expectChain, makeBase, makeEntries, readAll } from './log-content.ts'
import type { LogVariant, Open } from './log-variant.ts'

/**
 * What every variant of the log guarantees to several who write to one document: where it ends, who compacts, and that nobody
 * takes another history for his own.
 */
export function updateLogHistorySuite(open: Open, variant: LogVariant): void {
  test('a position is that of the head, and asking for it creates nothing', async () => {
    const log = await open()
    expect(await log.position('a')).toEqual({ epoch: null, end: { seq: 0, link: noLink }, generation: null })
    expect(await log.list(null, 1)).toEqual([])
    const { epoch, ends } = await log.append('a', 0, makeEntries(3))
    expect(await log.position('a')).toEqual({ epoch, end: ends[2], generation: null })
    await log.replaceBase('a', null, makeBase(3))
    const generation = await currentGeneration(log, 'a')
    expect(generation).not.toBeNull()
    expect(await log.position('a')).toEqual({ epoch, end: ends[2], generation })
  })

  test('who compacts a document can be asked for, let go of and asked for again', async () => {
    const log = await open()
    for (let round = 0; round < 3; round++) {
      // Letting go is not waited for.
      const letGo = await waitUntil('the claim to be free', () => log.claimCompaction('a'))
      if (variant.isShared === true) {
        expect(await log.claimCompaction('a')).toBeNull()
        expect(await log.claimCompaction(`b${round}`)).not.toBeNull()
      }
      letGo()
    }
  })

  describe('an append that names its history', () => historySuite(open))
}

function historySuite(open: Open): void {
  test('[LOG-3] is taken where the log is the one that it names', async () => {
    const log = await open()
    const first = await log.append('a', 0, makeEntries(2), { epoch: null, link: noLink })
    const { epoch, ends } = first
    await log.append('a', 2, makeEntries(1), { epoch, link: ends[1]!.link })
    // Others have appended since: what it names is still there.
    await log.append('a', 1, makeEntries(1), { epoch, link: ends[0]!.link })
    await log.append('a', 0, makeEntries(1), { epoch: null, link: noLink })
    const entries = await readAll(log, 'a')
    expectChain(entries)
    expect(entries.length).toBe(5)
  })

  test('[LOG-3] appends nothing where the log goes on otherwise, ends earlier, or has another epoch', async () => {
    const log = await open()
    const { epoch, ends } = await log.append('a', 0, makeEntries(2))
    const wrong: [number, History][] = [
      [2, { epoch, link: ends[0]!.link }],
      [3, { epoch, link: ends[1]!.link }],
      [0, { epoch, link: ends[1]!.link }],
      [2, { epoch: noLink, link: ends[1]!.link }],
    ]
    for (const [since, history] of wrong)
      await expect(log.append('a', since, makeEntries(1), history)).rejects.toThrow(HistoryRewritten)
    await expect(log.append('b', 1, makeEntries(1), { epoch: null, link: noLink })).rejects.toThrow(
      HistoryRewritten,
    )
    expect((await log.position('a')).end).toEqual(ends[1])
    expect(await log.list(null, 9)).toMatchObject([{ document: 'a' }])
  })

  test('[LOG-3] is recognised when it is asked for again, though the log has gone on', async () => {
    const log = await open()
    const { epoch } = await log.append('a', 0, makeEntries(1))
    const { link } = (await log.position('a')).end
    const entries = makeEntries(2)
    const first = await log.append('a', 1, entries, { epoch, link })
    await log.append('a', 3, makeEntries(1))
    expect(await log.append('a', 1, entries, { epoch, link })).toEqual(first)
  })

  test('[LOG-3] has nothing that speaks against it where its place lies inside the base', async () => {
    const log = await open()
    const { epoch, ends } = await log.append('a', 0, makeEntries(4))
    await log.replaceBase('a', null, makeBase(3))
    await log.append('a', 2, makeEntries(1), { epoch, link: noLink })
    await log.append('a', 3, makeEntries(1), { epoch, link: ends[2]!.link })
    await expect(log.append('a', 3, makeEntries(1), { epoch, link: noLink })).rejects.toThrow(
      HistoryRewritten,
    )
    expectChain(await readAll(log, 'a'), 4, ends[2]!.link)
  })

  test('[LOG-3] makes a document with the epoch that it names, so that what a store lost comes back as what it was', async () => {
    const log = await open()
    const epoch = '0123456789abcdef'
    expect((await log.append('a', 0, makeEntries(1), { epoch, link: noLink })).epoch).toBe(epoch)
    expect((await log.position('a')).epoch).toBe(epoch)
  })

  test('[LOG-3] is not of a document that was replaced', async () => {
    const log = await open()
    const { epoch, ends } = await log.append('a', 0, makeEntries(1))
    const lacks = { structs: new Map(), deletes: new Map() }
    const renewed = await log.replaceDocument('a', null, { ...makeBase(0), lacks })
    const history = { epoch, link: ends[0]!.link }
    await expect(log.append('a', 1, makeEntries(1), history)).rejects.toThrow(HistoryRewritten)
    if (!renewed.ok) throw new Error(renewed.reason)
    const present = { epoch: renewed.epoch, link: renewed.end.link }
    expect((await log.append('a', 1, makeEntries(1), present)).ends).toMatchObject([{ seq: 2 }])
  })
}
