import type { Entry } from '@syncline/server/internal/store/entry'
import { LogRefusal, noLink, type UpdateLog } from '@syncline/server/internal/store/update-log'
import { afterEach, describe, expect, test } from 'vitest'
import {
  currentGeneration,
  expectChain,
  makeBase,
  makeEntries,
  makeEntry,
  neverWritten,
  readAll,
  readPieces,
} from './log-content.ts'
import type { LogVariant, Open, OpenedLog } from './log-variant.ts'
import { updateLogHistorySuite } from './update-log-history.suite.ts'
import { updateLogModelSuite } from './update-log-model.suite.ts'
import { updateLogReplacementSuite } from './update-log-replacement.suite.ts'

/**
 * What every variant of the log guarantees: the prose of `update-log.ts`, sentence by sentence. A new variant is accepted
 * when this passes.
 */
const MiB = 1024 * 1024

export function updateLogSuite(variant: LogVariant): void {
  describe(variant.name, () => {
    let opened: OpenedLog | null = null
    afterEach(async () => {
      await opened?.remove()
      opened = null
    })
    const open = async (): Promise<UpdateLog> => {
      opened = await variant.open()
      return opened.log
    }

    appendSuite(open)
    orderSuite(open)
    retrySuite(open)
    nameSuite(open)
    baseSuite(open)
    removalSuite(open)
    updateLogReplacementSuite(open, () => opened!)
    updateLogHistorySuite(open, variant)
    updateLogModelSuite(variant)
  })
}

function appendSuite(open: Open): void {
  test('a document that was never written is empty, and asking about it creates nothing', async () => {
    const log = await open()
    expect(await log.load('a')).toEqual(neverWritten)
    expect(await log.readEntries('a', 0, MiB)).toEqual([])
    expect(await log.readPiece('a', 1, 0)).toBe('gone')
    await log.dropGeneration('a', 1)
    await log.delete('a')
    expect(await log.list(null, 10)).toEqual([])
  })

  test('[LOG-3] the first append makes the document, its seqs count from 1 and its links chain', async () => {
    const log = await open()
    const first = await log.append('a', 0, makeEntries(2))
    const second = await log.append('a', 2, makeEntries(1))
    const entries = await readAll(log, 'a')
    expectChain(entries)
    expect([...first.ends, ...second.ends]).toEqual(entries.map(({ seq, link }) => ({ seq, link })))
    expect(second.epoch).toBe(first.epoch)
    const { epoch, end } = await log.load('a')
    expect({ epoch, end }).toEqual({ epoch: first.epoch, end: second.ends[0] })
    expect(epoch).toMatch(/^[0-9a-f]{16}$/)
  })

  test('an entry is read back as it was written', async () => {
    const log = await open()
    const entry: Entry = {
      kind: 'restore-mark',
      timeMs: 1_790_000_000_123,
      update: new Uint8Array([0, 255, 1]),
      authors: [
        {
          name: 'Åsa 👩‍🚀',
          structs: new Map([
            [2 ** 53 - 1, [0, 5, 7, 2 ** 53 - 1]],
            [1, [3, 4]],
          ]),
          deletes: new Map([[7, [0, 1]]]),
        },
        { name: '', structs: new Map(), deletes: new Map() },
      ],
      instance: 'server-ü',
      nonce: '00ff00ff00ff00ff',
    }
    const { ends } = await log.append('a', 0, [entry])
    expect(await readAll(log, 'a')).toEqual([{ ...entry, ...ends[0], previousLink: noLink }])
  })

  test('entries may be changed by the one who handed them in as soon as append has returned', async () => {
    const log = await open()
    const update = new Uint8Array([1, 2, 3])
    const appended = log.append('a', 0, [makeEntry({ update })])
    update.fill(9)
    await appended
    const [entry] = await readAll(log, 'a')
    expect(entry!.update).toEqual(new Uint8Array([1, 2, 3]))
    entry!.update.fill(9)
    expect((await readAll(log, 'a'))[0]!.update).toEqual(new Uint8Array([1, 2, 3]))
  })

  test('entries of 5 MB are kept whole, and reading is cut by bytes but always gives one', async () => {
    const log = await open()
    const sizes = [10, 5 * MiB, 5 * MiB, 10, 100]
    const entries = sizes.map((size, i) => makeEntry({ update: new Uint8Array(size).fill(i + 1) }))
    await log.append('a', 0, entries)
    const seqsRead = async (after: number, bytesMax: number) =>
      (await log.readEntries('a', after, bytesMax)).map(({ seq }) => seq)
    expect(await seqsRead(0, MiB)).toEqual([1])
    expect(await seqsRead(1, MiB)).toEqual([2])
    expect(await seqsRead(3, MiB)).toEqual([4, 5])
    expect(await seqsRead(3, 0)).toEqual([4])
    expect(await seqsRead(5, MiB)).toEqual([])
    const read = await readAll(log, 'a')
    expectChain(read)
    for (const [i, { update }] of read.entries()) expect(Buffer.compare(update, entries[i]!.update)).toBe(0)
  })

  test('what can never be taken is refused, and the log goes on', async () => {
    const log = await open()
    const tooMany = Array<Entry>(4_097).fill(makeEntry())
    const tooLarge = makeEntry({ update: new Uint8Array(65 * MiB) })
    for (const entries of [tooMany, [tooLarge], [makeEntry({ nonce: 'not hex' })]])
      await expect(log.append('a', 0, entries)).rejects.toThrow(LogRefusal)
    expect(await log.list(null, 10)).toEqual([])
    expect((await log.append('a', 0, makeEntries(1))).ends[0]!.seq).toBe(1)
  })

  test('after close everything is refused, and closing twice is closing once', async () => {
    const log = await open()
    await log.append('a', 0, makeEntries(1))
    await Promise.all([log.close(), log.close()])
    await expect(log.append('a', 1, makeEntries(1))).rejects.toThrow(LogRefusal)
    await expect(log.load('a')).rejects.toThrow(LogRefusal)
    await expect(log.list(null, 1)).rejects.toThrow(LogRefusal)
  })

  test('[LOG-1] close waits for what was asked before it', async () => {
    const log = await open()
    const appended = Array.from({ length: 20 }, () => log.append('a', 0, makeEntries(1)))
    await log.close()
    const ends = (await Promise.all(appended)).flatMap(({ ends }) => ends)
    expect(ends.map(({ seq }) => seq)).toEqual(ends.map((_, i) => i + 1))
  })
}

function orderSuite(open: Open): void {
  test('[LOG-3] many appenders at once get contiguous seqs, in the order in which they asked', async () => {
    const log = await open()
    const appended = Array.from({ length: 200 }, (_, i) => log.append('a', 0, makeEntries((i % 3) + 1)))
    const ends = (await Promise.all(appended)).flatMap(({ ends }) => ends)
    const entries = await readAll(log, 'a')
    expectChain(entries)
    expect(ends).toEqual(entries.map(({ seq, link }) => ({ seq, link })))
  })

  test('a large append keeps its place before the small ones that were asked for after it', async () => {
    const log = await open()
    const large = log.append('a', 0, [makeEntry({ update: new Uint8Array(3 * MiB) })])
    const small = log.append('a', 0, makeEntries(1))
    const other = log.append('b', 0, makeEntries(1))
    expect((await small).ends[0]!.seq).toBe(2)
    expect((await large).ends[0]!.seq).toBe(1)
    expect((await other).ends[0]!.seq).toBe(1)
  })

  test('a reader sees all entries of an append or none', async () => {
    const log = await open()
    const entries = [...makeEntries(2), makeEntry({ update: new Uint8Array(2 * MiB) }), ...makeEntries(2)]
    let appending = true
    const appended = log.append('a', 0, entries).then(() => {
      appending = false
    })
    const seen = new Set<number>()
    while (appending) seen.add((await log.readEntries('a', 0, 8 * MiB)).length)
    await appended
    seen.add((await log.readEntries('a', 0, 8 * MiB)).length)
    for (const count of seen) expect([0, entries.length]).toContain(count)
    expect(seen).toContain(entries.length)
  })
}

function retrySuite(open: Open): void {
  test('an append that is asked for again gets the positions that it has', async () => {
    const log = await open()
    await log.append('a', 0, makeEntries(3))
    const entries = [...makeEntries(2), makeEntry({ update: new Uint8Array(MiB) })]
    const first = await log.append('a', 3, entries)
    await log.append('a', 6, makeEntries(1))
    expect(await log.append('a', 3, entries)).toEqual(first)
    expect(await log.append('a', 0, entries)).toEqual(first)
    expect((await log.load('a')).end.seq).toBe(7)
  })

  test('only what lies after `since`, and came from the same instance, is taken for the same', async () => {
    const log = await open()
    const entry = makeEntry()
    await log.append('a', 0, [entry])
    expect((await log.append('a', 0, [{ ...entry, instance: 'instance-2' }])).ends[0]!.seq).toBe(2)
    expect((await log.append('a', 2, [entry])).ends[0]!.seq).toBe(3)
    expect((await log.append('b', 0, [entry])).ends[0]!.seq).toBe(1)
  })

  test('of an append with known and new entries only the new ones are appended', async () => {
    const log = await open()
    const [known, added] = makeEntries(2)
    const { ends } = await log.append('a', 0, [known!])
    expect((await log.append('a', 0, [known!, added!])).ends.map(({ seq }) => seq)).toEqual([ends[0]!.seq, 2])
    expect((await readAll(log, 'a')).map(({ nonce }) => nonce)).toEqual([known!.nonce, added!.nonce])
  })

  test('entries of one append that share a nonce are not taken for one another', async () => {
    const log = await open()
    const nonce = '0123456789abcdef'
    const entries = [makeEntry({ nonce }), makeEntry({ nonce })]
    const first = await log.append('a', 0, entries)
    expect(first.ends.map(({ seq }) => seq)).toEqual([1, 2])
    expect(await log.append('a', 0, entries)).toEqual(first)
  })
}

function nameSuite(open: Open): void {
  const names = [
    '',
    ' ',
    '%',
    '100%',
    '__proto__',
    'constructor',
    'a',
    'a\0',
    'a\0b',
    'A',
    'a/../b',
    "'; DROP TABLE entry; --",
    'é',
    'e\u0301',
    '\ufffd',
    '\uffff',
    '👩‍🚀',
    'x'.repeat(1_024),
    'é'.repeat(512),
  ]

  test('names are exact: each of them is a document of its own, listed in byte order', async () => {
    const log = await open()
    for (const name of names) await log.append(name, 0, [makeEntry({ update: Buffer.from(name) })])
    for (const name of names) {
      const entries = await readAll(log, name)
      expect(entries.map(({ update }) => Buffer.from(update).toString())).toEqual([name])
    }
    const sorted = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    expect((await log.list(null, 100)).map(({ document }) => document)).toEqual(sorted)
  })

  test('a list goes on after the name that it is told, at most as far as it is told', async () => {
    const log = await open()
    for (const name of names) await log.append(name, 0, makeEntries(1))
    const pages: string[] = []
    for (let after: string | null = null; ; ) {
      const page = await log.list(after, 4)
      expect(page.length).toBeLessThanOrEqual(4)
      if (page.length === 0) break
      pages.push(...page.map(({ document }) => document))
      after = pages.at(-1)!
    }
    expect(pages).toEqual((await log.list(null, 100)).map(({ document }) => document))
    expect(await log.list('a\0a', 1)).toMatchObject([{ document: 'a\0b' }])
  })

  test('names of more than 1,024 bytes and half surrogate pairs are refused', async () => {
    const log = await open()
    for (const name of ['x'.repeat(1_025), 'é'.repeat(513), 'a\ud83d', '\udc00']) {
      await expect(log.append(name, 0, makeEntries(1))).rejects.toThrow(LogRefusal)
      await expect(log.load(name)).rejects.toThrow(LogRefusal)
    }
    expect(await log.list(null, 10)).toEqual([])
  })
}

function baseSuite(open: Open): void {
  test('a base takes the place of the entries in it, and the chain goes on after it', async () => {
    const log = await open()
    const { epoch, ends } = await log.append('a', 0, makeEntries(5))
    const base = makeBase(3, {
      pieces: [new Uint8Array(700_000).fill(1), new Uint8Array(0), new Uint8Array([2])],
    })
    const replaced = await log.replaceBase('a', null, base)
    expect(replaced).toEqual({ ok: true, generation: expect.any(Number) })
    await log.append('a', 5, makeEntries(1))
    const head = await log.load('a')
    const { pieces, ...rest } = base
    const generation = (replaced as { generation: number }).generation
    expect(head.base).toEqual({ ...rest, generation, link: ends[2]!.link, pieces: 3, bytes: 700_001 })
    expect(head).toMatchObject({ epoch, end: { seq: 6 } })
    expect(await readPieces(log, 'a')).toEqual(pieces)
    const tail = await readAll(log, 'a')
    expectChain(tail, 4, ends[2]!.link)
    expect(tail.length).toBe(3)
    expect(await log.readEntries('a', 1, MiB)).toEqual(tail)
    expect(await log.list(null, 1)).toEqual([
      { document: 'a', epoch, end: head.end, baseBytes: 700_001, tailEntries: 3 },
    ])
  })

  test('[LOG-3] a base over the whole log keeps its end, and the next entry follows it', async () => {
    const log = await open()
    const { ends } = await log.append('a', 0, makeEntries(600))
    await log.replaceBase('a', null, makeBase(600))
    // Trimming is a matter of time; the end is not.
    for (let i = 0; i < 20; i++) expect((await log.load('a')).end).toEqual(ends.at(-1))
    await log.append('a', 600, makeEntries(2))
    expectChain(await readAll(log, 'a'), 601, ends.at(-1)!.link)
  })

  test('of two bases put in place at once, one is superseded', async () => {
    const log = await open()
    await log.append('a', 0, makeEntries(3))
    const bases = [makeBase(1), makeBase(2), makeBase(3)]
    const replaced = await Promise.all(bases.map(base => log.replaceBase('a', null, base)))
    expect(replaced.filter(({ ok }) => ok).length).toBe(1)
    expect(replaced.filter(({ ok }) => !ok)).toEqual(Array(2).fill({ ok: false, reason: 'superseded' }))
    const winner = bases[replaced.findIndex(({ ok }) => ok)]!
    expect((await log.load('a')).base!.through).toBe(winner.through)
    expect(await readPieces(log, 'a')).toEqual(winner.pieces)
  })

  test('a base is superseded that the log cannot stand on', async () => {
    const log = await open()
    const superseded = { ok: false, reason: 'superseded' }
    expect(await log.replaceBase('a', null, makeBase(0))).toEqual(superseded)
    const { ends } = await log.append('a', 0, makeEntries(4))
    expect(await log.replaceBase('a', null, makeBase(5))).toEqual(superseded)
    expect(await log.replaceBase('a', 1, makeBase(1))).toEqual(superseded)
    expect(await log.replaceBase('a', null, makeBase(3, { link: ends[1]!.link }))).toEqual(superseded)
    expect(await log.replaceBase('a', null, makeBase(3, { link: ends[2]!.link }))).toMatchObject({ ok: true })
    const generation = await currentGeneration(log, 'a')
    expect(await log.replaceBase('a', generation, makeBase(2))).toEqual(superseded)
    expect(await log.replaceBase('a', null, makeBase(4))).toEqual(superseded)
    expect(await log.replaceBase('a', generation, makeBase(3))).toMatchObject({ ok: true })
    expect(await log.list(null, 10)).toMatchObject([{ document: 'a', tailEntries: 1 }])
  })

  test('a base of 30 MB in pieces is read piece by piece', async () => {
    const log = await open()
    await log.append('a', 0, makeEntries(1))
    const pieces = Array.from({ length: 120 }, (_, i) => new Uint8Array(250_000).fill(i))
    await log.replaceBase('a', null, makeBase(1, { pieces }))
    const { base } = await log.load('a')
    expect(base).toMatchObject({ pieces: 120, bytes: 30_000_000 })
    for (const [i, piece] of pieces.entries())
      expect(Buffer.compare((await log.readPiece('a', base!.generation, i)) as Uint8Array, piece)).toBe(0)
    await expect(log.readPiece('a', base!.generation, 120)).rejects.toThrow('no piece 120')
  })

  test('a piece that is a view of something larger is stored as the view', async () => {
    const log = await open()
    await log.append('a', 0, makeEntries(1))
    const whole = new Uint8Array(1_000).map((_, i) => i)
    const pieces = [whole.subarray(10, 13), whole.subarray(990), Buffer.from('pooled')]
    await log.replaceBase('a', null, makeBase(1, { pieces }))
    const stored = pieces.map(piece => new Uint8Array(piece))
    for (const piece of pieces) piece.fill(0)
    expect(await readPieces(log, 'a')).toEqual(stored)
  })

  test('a former generation can be read until it is dropped, the current one cannot be dropped', async () => {
    const log = await open()
    await log.append('a', 0, makeEntries(2))
    const former = makeBase(1)
    await log.replaceBase('a', null, former)
    const first = (await currentGeneration(log, 'a'))!
    await log.replaceBase('a', first, makeBase(2))
    const second = (await currentGeneration(log, 'a'))!
    expect(second).not.toBe(first)
    await log.dropGeneration('a', second)
    expect(await log.readPiece('a', first, 1)).toEqual(former.pieces[1])
    expect(await log.readPiece('b', first, 1)).toBe('gone')
    await log.dropGeneration('b', first)
    expect(await log.readPiece('a', first, 0)).toEqual(former.pieces[0])
    await log.dropGeneration('a', first)
    expect(await log.readPiece('a', first, 0)).toBe('gone')
    expect((await readPieces(log, 'a'))!.every(piece => piece !== 'gone')).toBe(true)
  })
}

function removalSuite(open: Open): void {
  test('[LOG-3] a document that is deleted and made again has another epoch and begins at 1', async () => {
    const log = await open()
    const before = await log.append('a', 0, makeEntries(3))
    await log.append('b', 0, makeEntries(1))
    await log.replaceBase('a', null, makeBase(2))
    const generation = (await currentGeneration(log, 'a'))!
    await log.delete('a')
    expect(await log.load('a')).toEqual(neverWritten)
    expect(await log.readPiece('a', generation, 0)).toBe('gone')
    const after = await log.append('a', 0, makeEntries(2))
    expect(after.epoch).not.toBe(before.epoch)
    expectChain(await readAll(log, 'a'))
    await log.replaceBase('a', null, makeBase(1))
    expect(await currentGeneration(log, 'a')).not.toBe(generation)
    expect((await log.list(null, 10)).map(({ document, tailEntries }) => [document, tailEntries])).toEqual([
      ['a', 1],
      ['b', 1],
    ])
  })

  test('what is asked about a document after its deletion happens after it', async () => {
    const log = await open()
    await log.append('a', 0, makeEntries(3))
    const link = (await log.load('a')).end.link
    const replaced = log.replaceBase('a', null, makeBase(2))
    const deleted = log.delete('a')
    const appended = log.append('a', 0, makeEntries(1))
    const late = log.replaceBase('a', null, makeBase(1, { link }))
    expect(await replaced).toMatchObject({ ok: true })
    await deleted
    expect((await appended).ends[0]!.seq).toBe(1)
    expect(await late).toEqual({ ok: false, reason: 'superseded' })
    expect((await log.load('a')).base).toBeNull()
  })
}
