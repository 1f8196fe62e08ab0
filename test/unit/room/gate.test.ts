import { tasks } from '@syncline/server/internal/compaction/compaction-worker'
import {
  type Fresh,
  type HeavySteps,
  isLarge,
  largeUpdateBytes,
  largeUpdateStructs,
  pass,
  passLarge,
  type Verdict,
  walkLimits,
} from '@syncline/server/internal/room/gate'
import { Known } from '@syncline/server/internal/room/known'
import { closeCodes } from '@syncline/shared/wire/close-codes'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { author, hex, load, textOf, typed } from '../../support/room-author.ts'
import { turn } from '../../support/room-clock.ts'
import { Content, contentOf } from '../../support/room-content.ts'
import {
  documentsCount,
  propertyTimeoutMs,
  seed,
  stepsArbitrary,
  writeDocument,
} from '../update/random-document.ts'

const limits = { deleteRangesPerUpdateMax: 100, heldRangesMax: 10 }

/** What somebody knows who has taken these updates. */
function knowing(...updates: readonly Uint8Array[]): Known {
  const known = new Known()
  for (const update of updates) take(known, update)
  return known
}

function take(known: Known, update: Uint8Array): void {
  const { structs, deletes } = contentOf(update)
  known.take(structs, deletes)
}

function fresh(verdict: Verdict): Fresh {
  if (verdict.kind !== 'new') throw new Error(`expected something new, it was ${JSON.stringify(verdict)}`)
  return verdict
}

const steps: HeavySteps = {
  async inspect(update) {
    await turn()
    return tasks.inspect({ update, limits: walkLimits(limits) })
  },
  async cut(update, structs, deletes) {
    await turn()
    return tasks.cut({ update, structs, deletes })
  },
}

describe('the gate refuses', () => {
  const malformed = {
    'what is no update': 'ff ff ff',
    'an update that ends in the middle': '01 01 01 00 04 01 01 74 05 68',
    'bytes behind its end': '01 01 01 00 04 01 01 74 01 68 00 00',
    'a client that begins with a Skip': '01 02 01 00 0a 03 04 01 01 74 01 68 00',
    'a client that ends with a Skip': '01 02 01 00 04 01 01 74 01 68 0a 03 00',
    'a clock beyond 2^53': '01 01 01 ff ff ff ff ff ff ff 0f 04 01 01 74 02 68 69 00',
    'a deleted range beyond 2^53': '00 01 01 01 ff ff ff ff ff ff ff 0f 02',
    'a struct without length': '01 01 01 00 00 00 00',
    'a deleted range without length': '00 01 01 01 00 00',
    'an origin in its own future': '01 01 01 00 84 01 05 01 68 00',
    'a right origin in its own future': '01 01 01 00 44 01 05 01 68 00',
    'a parent in its own future': '01 01 01 00 04 00 01 05 01 68 00',
    'text that is no UTF-8': '01 01 01 00 04 01 01 74 02 ff fe 00',
    'an embed that is no JSON': '01 01 01 00 05 01 01 74 01 7b 00',
    'a value nested too deeply': `01 01 01 00 08 01 01 74 01 ${'75 01 '.repeat(200)} 7e 00`,
  }
  for (const [what, bytes] of Object.entries(malformed)) {
    test(`[ROOM-3] ${what}`, () => {
      expect(pass(hex(bytes), new Known(), limits)).toMatchObject({
        kind: 'refused',
        rule: 'structure',
        code: closeCodes.malformed,
        reason: expect.any(String),
      })
    })
  }

  test('[LIM-1 delete-ranges-per-update] more deleted ranges than one update may bring', () => {
    const ranges = Array.from({ length: 101 }, (_, clock) => `${clock.toString(16).padStart(2, '0')} 01`)
    const update = hex(`00 01 01 65 ${ranges.join(' ')}`)
    expect(pass(update, new Known(), limits)).toMatchObject({
      kind: 'refused',
      code: closeCodes.tooLarge,
      rule: 'delete-ranges-per-update',
      reason: 'the update brings more than 100 delete ranges (limitDeleteRangesPerUpdate)',
    })
    const one = { ...limits, deleteRangesPerUpdateMax: 101 }
    expect(pass(update, new Known(), one)).toMatchObject({ kind: 'new' })
  })

  test('[ROOM-3] a clock more than 10 million beyond what is known of its client', () => {
    // 10,000,000 is `80 ad e2 04`; the text takes one clock.
    const justNot = hex('01 01 07 ff ac e2 04 04 01 01 74 01 68 00')
    const jump = hex('01 01 07 80 ad e2 04 04 01 01 74 01 68 00')
    expect(pass(justNot, new Known(), limits)).toMatchObject({ kind: 'new' })
    expect(pass(jump, new Known(), limits)).toMatchObject({ kind: 'refused', rule: 'clock-jump' })
    expect(pass(jump, knowing(...typed(7, 'h')), limits)).toMatchObject({ kind: 'new' })
    // Another client's clocks are no measure.
    expect(pass(jump, knowing(...typed(8, 'h')), limits)).toMatchObject({ rule: 'clock-jump' })
  })

  test('[ROOM-3] a deleted range more than 10 million beyond what is known of its client', () => {
    expect(pass(hex('00 01 07 01 80 ad e2 04 01'), new Known(), limits)).toMatchObject({
      kind: 'refused',
      rule: 'clock-jump',
    })
  })

  test('[LIM-1 held-ranges] a range that would lie behind a gap when as many are held as may be, and evicts none', () => {
    const texts = typed(7, ...'abcdefghijklmnopqrstuvwxyz')
    const known = new Known()
    for (let i = 1; i <= 19; i += 2) take(known, texts[i]!)
    expect(known.heldCount).toBe(10)
    const refused = pass(texts[21]!, known, limits)
    expect(refused).toMatchObject({
      kind: 'refused',
      rule: 'held-ranges',
      code: closeCodes.tooLarge,
      reason: '11 ranges would lie behind gaps, limitHeldRanges allows 10',
    })
    expect(known.heldCount).toBe(10)
    // What fills the first gap is no range behind it.
    expect(pass(texts[0]!, known, limits)).toMatchObject({ kind: 'new' })
    // Who is not behind a gap is not concerned.
    expect(pass(typed(9, 'hello')[0]!, known, limits)).toMatchObject({ kind: 'new' })
  })
})

describe('the gate lets pass', () => {
  test('what is new as it is, bytes and all', () => {
    const [update] = typed(7, 'hello')
    const verdict = fresh(pass(update!, new Known(), limits))
    expect(verdict.update).toBe(update)
    expect(verdict).toMatchObject({ cut: false, structs: new Map([[7, [0, 5]]]), deletes: new Map() })
  })

  test('[SYNC-2] nothing of what is known already', () => {
    const { doc, updates } = author(7)
    doc.getText('text').insert(0, 'hello')
    doc.getText('text').delete(1, 2)
    const known = knowing(...updates)
    for (const update of [...updates, Y.mergeUpdates(updates), Y.encodeStateAsUpdate(doc)]) {
      expect(pass(update, known, limits)).toEqual({ kind: 'known' })
    }
  })

  test('[SYNC-2] nothing of what lies behind a gap and is held there', () => {
    const [, second] = typed(7, 'one', 'two')
    expect(pass(second!, knowing(second!), limits)).toEqual({ kind: 'known' })
  })

  test('an update of which nothing is known that says nothing is known', () => {
    expect(pass(hex('00 00'), new Known(), limits)).toEqual({ kind: 'known' })
  })

  test('of new deletes among known structs only the deletes', () => {
    const { doc, updates } = author(7)
    doc.getText('text').insert(0, 'hello')
    doc.getText('text').delete(1, 2)
    const whole = Y.encodeStateAsUpdate(doc)
    const verdict = fresh(pass(whole, knowing(updates[0]!), limits))
    expect(verdict.cut).toBe(true)
    expect(contentOf(verdict.update)).toMatchObject({ structs: new Map(), deletes: new Map([[7, [1, 3]]]) })
  })

  test('of deletes of which some are known only the others', () => {
    const known = knowing(hex('00 01 07 01 00 03'))
    const verdict = fresh(pass(hex('00 01 07 01 00 05'), known, limits))
    expect(verdict.update).toEqual(hex('00 01 07 01 03 02'))
  })

  test('of structs of which some are known only the others, however small the update', () => {
    const [first, second] = typed(7, 'one', 'two')
    const verdict = fresh(pass(Y.mergeUpdates([first!, second!]), knowing(first!), limits))
    expect(verdict.cut).toBe(true)
    expect(contentOf(verdict.update).structs).toEqual(new Map([[7, [3, 6]]]))
  })

  test('what lies on both sides of a held range, with a gap where that is', () => {
    const [first, second, third] = typed(7, 'one', 'two', 'three')
    const whole = Y.mergeUpdates([first!, second!, third!])
    const verdict = fresh(pass(whole, knowing(second!), limits))
    expect(contentOf(verdict.update).structs).toEqual(new Map([[7, [0, 3, 6, 11]]]))
    expect(textOf(load([second!, verdict.update]))).toBe('threetwoone')
  })

  test('[SYNC-1] what stands before a gap that an earlier update skipped', () => {
    const [first, second, third] = typed(7, 'one', 'two', 'three')
    const known = knowing(Y.mergeUpdates([first!, third!]))
    expect(fresh(pass(second!, known, limits)).update).toBe(second)
  })

  test(`whatever is let pass completes what is known, seed ${seed}`, { timeout: propertyTimeoutMs }, () => {
    fc.assert(
      fc.property(stepsArbitrary, fc.nat(1_000), (some, choice) => {
        const { docs, updates } = writeDocument(some)
        const states = docs.map(doc => Y.encodeStateAsUpdate(doc))
        for (const doc of docs) doc.destroy()
        const known = new Known()
        const given = new Content()
        const passed = new Content()
        const wide = { deleteRangesPerUpdateMax: 1e6, heldRangesMax: 1e6 }
        const offered = [...updates.filter((_, i) => (i + choice) % 3 === 0), ...states, ...updates]
        for (const update of offered) {
          given.add(contentOf(update))
          const verdict = pass(update, known, wide)
          expect(verdict.kind).not.toBe('refused')
          if (verdict.kind !== 'new') continue
          const content = contentOf(verdict.update)
          const claimed = new Content()
          claimed.add(verdict)
          // It claims neither more than its bytes hold, nor less.
          expect(claimed.has(content)).toBe(true)
          passed.add(content)
          expect(passed.has(claimed)).toBe(true)
          known.take(verdict.structs, verdict.deletes)
        }
        expect(passed.lacks(given)).toBe('structs {}, deletes {}')
      }),
      { numRuns: documentsCount, seed },
    )
  })
})

describe('a large update', () => {
  test('is large by its bytes or by its structs', () => {
    const [text] = typed(7, 'x'.repeat(largeUpdateBytes))
    expect(isLarge(text!, limits)).toBe(true)
    const { doc, updates } = author(7)
    doc.transact(() => {
      for (let i = 0; i <= largeUpdateStructs; i++) doc.getText('text').insert(0, 'x')
    })
    expect(updates[0]!.byteLength).toBeLessThan(largeUpdateBytes)
    expect(isLarge(updates[0]!, limits)).toBe(true)
    expect(isLarge(typed(7, 'x'.repeat(largeUpdateBytes - 100))[0]!, limits)).toBe(false)
  })

  test('that is damaged is refused', async () => {
    const damaged = typed(7, 'x'.repeat(300_000))[0]!.slice(0, -2)
    expect(await passLarge(damaged, new Known(), limits, steps)).toMatchObject({ rule: 'structure' })
  })

  test('of which everything is known when the worker is done is known', async () => {
    const [update] = typed(7, 'x'.repeat(300_000))
    const known = new Known()
    const passing = passLarge(update!, known, limits, steps)
    take(known, update!)
    expect(await passing).toEqual({ kind: 'known' })
  })

  test('loses what somebody else has brought while the worker cut it', async () => {
    const { doc, updates } = author(7)
    for (const text of ['one', 'two', 'three', 'x'.repeat(300_000)]) doc.getText('text').insert(0, text)
    const whole = Y.encodeStateAsUpdate(doc)
    const known = knowing(updates[0]!)
    let cuts = 0
    const slow: HeavySteps = {
      ...steps,
      cut(...task) {
        if (cuts++ === 0) take(known, updates[1]!)
        return steps.cut(...task)
      },
    }
    const verdict = fresh(await passLarge(whole, known, limits, slow))
    expect(cuts).toBe(2)
    expect(verdict.structs).toEqual(new Map([[7, [6, 300_011]]]))
    expect(contentOf(verdict.update).structs).toEqual(verdict.structs)
  })

  test(`is judged as a small one is, seed ${seed}`, { timeout: propertyTimeoutMs }, async () => {
    await fc.assert(
      fc.asyncProperty(stepsArbitrary, fc.nat(1_000), async (some, choice) => {
        const { docs, updates } = writeDocument(some)
        const whole = Y.encodeStateAsUpdate(docs[choice % docs.length]!)
        for (const doc of docs) doc.destroy()
        const known = knowing(...updates.filter((_, i) => (i + choice) % 3 === 0))
        expect(await passLarge(whole, known, limits, steps)).toEqual(pass(whole, known, limits))
      }),
      { numRuns: documentsCount, seed },
    )
  })
})
