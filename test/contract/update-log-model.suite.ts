import type { Entry } from '@syncline/server/internal/store/entry'
import type { End, NewBase, UpdateLog } from '@syncline/server/internal/store/update-log'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { count, testSeed } from '../support/counts.ts'
import { makeBase, makeEntry, readAll, readPieces } from './log-content.ts'
import type { LogVariant } from './log-variant.ts'

/**
 * Random sequences of requests, compared after each with a model of a few lines. `SYNCLINE_TEST_SEED` repeats a run,
 * `SYNCLINE_TEST_LOG_CASES` says how many sequences there are.
 */
const seed = testSeed()
const cases = count('LOG_CASES', 60)

interface ModelDocument {
  entries: { entry: Entry; end: End }[]
  base: { base: NewBase; generation: number } | null
}

type Step =
  | { do: 'append'; document: number; sizes: number[]; behind: number }
  | { do: 'append-again'; document: number; count: number }
  | { do: 'replace'; document: number; through: number; stale: boolean }
  | { do: 'drop-former'; document: number }
  | { do: 'delete'; document: number }
  | { do: 'reopen' }

const document = fc.nat({ max: 2 })
const size = fc.oneof(
  { weight: 9, arbitrary: fc.nat({ max: 200 }) },
  fc.integer({ min: 250_000, max: 700_000 }),
)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      document,
      sizes: fc.array(size, { maxLength: 4 }),
      behind: fc.nat({ max: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('append-again' as const), document, count: fc.nat({ max: 4 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('replace' as const),
      document,
      through: fc.nat({ max: 30 }),
      stale: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drop-former' as const), document }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), document }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const) }) },
)

export function updateLogModelSuite(variant: LogVariant): void {
  test(`[LOG-3] ${cases} random sequences of requests leave what a simple model says (seed ${seed})`, async () => {
    const opened = await variant.open()
    let log = opened.log
    let run = 0
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async steps => {
          run += 1
          const documents = new Map<string, ModelDocument>()
          for (const step of steps) {
            if (step.do === 'reopen') log = (await opened.reopen?.()) ?? log
            else await take(log, documents, `${run}/${step.document}`, step)
          }
          for (const [name, model] of documents) await compare(log, name, model)
        }),
        { seed, numRuns: cases },
      )
    } finally {
      await opened.remove()
    }
  }, 120_000)
}

async function take(
  log: UpdateLog,
  documents: Map<string, ModelDocument>,
  name: string,
  step: Exclude<Step, { do: 'reopen' }>,
): Promise<void> {
  const model = documents.get(name) ?? { entries: [], base: null }
  const lastSeq = model.entries.length
  switch (step.do) {
    case 'append': {
      const entries = step.sizes.map(size => makeEntry({ update: new Uint8Array(size).fill(lastSeq) }))
      const { ends } = await log.append(name, Math.max(0, lastSeq - step.behind), entries)
      model.entries.push(...entries.map((entry, i) => ({ entry, end: ends[i]! })))
      documents.set(name, model)
      return
    }
    case 'append-again': {
      // Nothing in the base is recognised any more, and nobody asks for it: it was answered before it got there.
      const count = Math.min(step.count, lastSeq - (model.base?.base.through ?? 0))
      const again = model.entries.slice(lastSeq - count)
      if (again.length === 0) return
      const { ends } = await log.append(
        name,
        lastSeq - count,
        again.map(({ entry }) => entry),
      )
      expect(ends).toEqual(again.map(({ end }) => end))
      return
    }
    case 'replace': {
      const base = makeBase(step.through, { pieces: [new Uint8Array(step.through * 20_000).fill(lastSeq)] })
      const expected = step.stale ? 999_999_999 : (model.base?.generation ?? null)
      const replaced = await log.replaceBase(name, expected, base)
      const possible =
        documents.has(name) &&
        !step.stale &&
        step.through <= lastSeq &&
        step.through >= (model.base?.base.through ?? 0)
      expect(replaced).toEqual(
        possible ? { ok: true, generation: expect.any(Number) } : { ok: false, reason: 'superseded' },
      )
      if (replaced.ok) model.base = { base, generation: replaced.generation }
      return
    }
    case 'drop-former':
      return log.dropGeneration(name, (model.base?.generation ?? 1) - 1)
    case 'delete':
      documents.delete(name)
      return log.delete(name)
  }
}

async function compare(log: UpdateLog, name: string, model: ModelDocument): Promise<void> {
  const through = model.base?.base.through ?? 0
  const { end, base } = await log.load(name)
  expect(base?.generation ?? null).toBe(model.base?.generation ?? null)
  expect(await readPieces(log, name)).toEqual(model.base?.base.pieces ?? null)
  if (model.entries.length > 0) expect(end).toEqual(model.entries.at(-1)!.end)
  const tail = await readAll(log, name)
  expect(tail.map(({ seq, link, nonce }) => ({ seq, link, nonce }))).toEqual(
    model.entries.slice(through).map(({ entry, end }) => ({ ...end, nonce: entry.nonce })),
  )
  for (const [i, { update }] of tail.entries())
    expect(Buffer.compare(update, model.entries[through + i]!.entry.update)).toBe(0)
}
