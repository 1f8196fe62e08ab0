import {
  type ExpectedEnd,
  type NewContent,
  noLink,
  type UpdateLog,
} from '@syncline/server/internal/store/update-log'
import { expect, test } from 'vitest'
import {
  currentGeneration,
  expectChain,
  makeBase,
  makeEntries,
  neverWritten,
  readAll,
  readPieces,
} from './log-content.ts'
import type { Open, OpenedLog } from './log-variant.ts'

/**
 * What every variant of the log guarantees about a document that is replaced.
 */
const ranges = (...clients: [number, number[]][]) => new Map(clients)

function makeContent(some: Partial<NewContent> = {}): NewContent {
  const { through: _, ...parts } = makeBase(0)
  return { ...parts, lacks: { structs: new Map(), deletes: new Map() }, ...some }
}

async function endOf(log: UpdateLog, document: string): Promise<ExpectedEnd> {
  const { epoch, end } = await log.load(document)
  return { epoch, ...end }
}

export function updateLogReplacementSuite(open: Open, opened: () => OpenedLog): void {
  test('[LOG-3] a replaced document has another epoch, begins at seq 1 with its base, and goes on from there', async () => {
    const log = await open()
    await log.append('a', 0, makeEntries(5))
    await log.replaceBase('a', null, makeBase(3))
    const formerGeneration = (await currentGeneration(log, 'a'))!
    const former = await endOf(log, 'a')
    const content = makeContent({ pieces: [new Uint8Array(700_000).fill(1), new Uint8Array([2])] })
    const renewed = await log.replaceDocument('a', former, content)
    if (!renewed.ok) throw new Error(renewed.reason)
    expect(renewed.epoch).not.toBe(former.epoch)
    const { pieces, lacks: _, ...rest } = content
    const head = await log.load('a')
    expect(head).toMatchObject({ epoch: renewed.epoch, end: { seq: 1, link: renewed.end.link } })
    expect(renewed.end).toEqual(head.end)
    expect(head.base).toMatchObject({ ...rest, through: 1, link: head.end.link, pieces: 2, bytes: 700_001 })
    expect(await readPieces(log, 'a')).toEqual(pieces)
    expect(await readAll(log, 'a')).toEqual([])
    expect(await log.readPiece('a', formerGeneration, 0)).toBe('gone')
    const { epoch, ends } = await log.append('a', 1, makeEntries(2))
    expect([epoch, ends[0]!.seq]).toEqual([renewed.epoch, 2])
    expectChain(await readAll(log, 'a'), 2, head.end.link)
    expect(await log.list(null, 9)).toMatchObject([{ document: 'a', epoch, tailEntries: 2 }])
  })

  test('[LOG-3] what former epochs had is remembered through every later replacement and a restart', async () => {
    let log = await open()
    const epochs: (string | null)[] = []
    const lacks = [
      { structs: ranges([5, [0, 9]]), deletes: ranges() },
      { structs: ranges([2 ** 53 - 1, [3, 4, 7, 9]], [1, [0, 1]]), deletes: ranges([5, [2, 3]]) },
    ]
    await log.append('a', 0, makeEntries(1))
    for (const some of lacks) {
      epochs.push((await log.load('a')).epoch)
      await log.replaceDocument('a', null, makeContent({ lacks: some }))
    }
    const expected = lacks.map((some, i) => ({ epoch: epochs[i], ...some }))
    expect((await log.load('a')).formerEpochs).toEqual(expected)
    await log.append('a', 1, makeEntries(1))
    await log.replaceBase('a', await currentGeneration(log, 'a'), makeBase(2))
    log = (await opened().reopen?.()) ?? log
    expect((await log.load('a')).formerEpochs).toEqual(expected)
    await log.delete('a')
    expect(await log.load('a')).toEqual(neverWritten)
  })

  test('a document that was never written is made by its replacement, and has no former epoch', async () => {
    const log = await open()
    const renewed = await log.replaceDocument('a', { epoch: null, seq: 0, link: noLink }, makeContent())
    expect(renewed).toMatchObject({ ok: true, end: { seq: 1 } })
    expect(await log.load('a')).toMatchObject({ end: { seq: 1 }, formerEpochs: [] })
  })

  test('a document is replaced only where its log ends as expected', async () => {
    const log = await open()
    await log.append('a', 0, makeEntries(2))
    const end = await endOf(log, 'a')
    const superseded = { ok: false, reason: 'superseded' }
    const wrong: ExpectedEnd[] = [
      { epoch: null, seq: 0, link: noLink },
      { ...end, seq: 1 },
      { ...end, epoch: noLink },
      { ...end, link: noLink },
    ]
    for (const expected of wrong)
      expect(await log.replaceDocument('a', expected, makeContent())).toEqual(superseded)
    expect(await log.replaceDocument('b', end, makeContent())).toEqual(superseded)
    const [appended, replaced] = await Promise.all([
      log.append('a', 2, makeEntries(1)),
      log.replaceDocument('a', end, makeContent()),
    ])
    expect([appended.ends[0]!.seq, replaced]).toEqual([3, superseded])
    expect(await log.load('a')).toMatchObject({ epoch: end.epoch, end: { seq: 3 }, formerEpochs: [] })
  })

  test('a base that was built from the former content is superseded', async () => {
    const log = await open()
    await log.append('a', 0, makeEntries(3))
    const { link } = (await log.load('a')).end
    await log.replaceDocument('a', null, makeContent())
    const superseded = { ok: false, reason: 'superseded' }
    expect(await log.replaceBase('a', null, makeBase(3, { link }))).toEqual(superseded)
    await log.append('a', 1, makeEntries(2))
    const generation = await currentGeneration(log, 'a')
    expect(await log.replaceBase('a', generation, makeBase(3, { link }))).toEqual(superseded)
    expect(await log.replaceBase('a', generation, makeBase(3))).toMatchObject({ ok: true })
  })
}
