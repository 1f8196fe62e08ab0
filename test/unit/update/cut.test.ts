import { cutUpdate, deleteSetUpdate, emptyUpdate, isEmptyUpdate } from '@syncline/shared/update/cut'
import { type ClientRanges, contains } from '@syncline/shared/update/ranges'
import { splitUpdate } from '@syncline/shared/update/split'
import { type Structure, walkLimitsDefault, walkUpdate } from '@syncline/shared/update/walk'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import {
  content,
  documentsCount,
  propertyTimeoutMs,
  seed,
  stepsArbitrary,
  writeDocument,
} from './random-document.ts'

describe('cutUpdate', () => {
  test('an update from which nothing is wanted is only its deletes', () => {
    expect(cutUpdate(typed('abc'), new Map(), new Map())).toEqual(emptyUpdate)
    expect(isEmptyUpdate(cutUpdate(typed('abc'), new Map(), new Map()))).toBe(true)
    const deletes = new Map([[7, [0, 2]]])
    expect(cutUpdate(typed('abc'), new Map(), deletes)).toEqual(deleteSetUpdate(deletes))
  })

  test('a string is cut to what is wanted of it, and holes become Skips', () => {
    const cut = cutUpdate(typed('abcdefghij'), new Map([[7, [2, 4, 6, 9]]]), new Map())
    const { structs } = Y.decodeUpdate(cut)
    expect(structs.map(struct => [struct.constructor.name, struct.id.clock, struct.length])).toEqual([
      ['Item', 2, 2],
      ['Skip', 4, 2],
      ['Item', 6, 3],
    ])
    expect(structs.map(struct => (struct as Y.Item).origin?.clock)).toEqual([1, undefined, 5])
    expect(structs.map(struct => (struct as { content?: { str: string } }).content?.str)).toEqual([
      'cd',
      undefined,
      'ghi',
    ])
  })

  test('a half of a surrogate pair becomes a replacement character, as in Yjs, and takes one clock', () => {
    const update = typed('a😀b😀c')
    for (const [from, to, text] of [
      [0, 7, 'a😀b😀c'],
      [1, 4, '😀b'],
      [2, 4, '\ufffdb'],
      [0, 2, 'a\ufffd'],
      [2, 3, '\ufffd'],
      [1, 2, '\ufffd'],
      [2, 5, '\ufffdb\ufffd'],
    ] as const) {
      const { structs } = Y.decodeUpdate(cutUpdate(update, new Map([[7, [from, to]]]), new Map()))
      expect(
        structs.map(struct => [struct.id.clock, ((struct as Y.Item).content as Y.ContentString).str]),
      ).toEqual([[from, text]])
    }
  })

  test(`what is cut for any state vector completes a document that has it, seed ${seed}`, {
    timeout: propertyTimeoutMs,
  }, () => {
    fc.assert(
      fc.property(
        stepsArbitrary,
        fc.array(fc.nat(1_000), { minLength: 3, maxLength: 3 }),
        fc.nat(1_000),
        (steps, parts, which) => {
          const { docs, updates } = writeDocument(steps)
          for (const doc of docs) doc.destroy()
          const whole = Y.encodeStateAsUpdate(docs[which % docs.length]!)
          const structure = walked(whole)
          const vector = new Map<number, number>()
          for (const [index, [client, ranges]] of [...structure.structs].entries()) {
            if (ranges[0] === 0) vector.set(client, Math.floor((parts[index]! * (ranges[1]! + 1)) / 1_000))
          }
          const cut = cutUpdate(whole, wantedBeyond(structure.structs, vector), structure.deletes)
          const structureOfCut = walked(cut)
          for (const [client, ranges] of wantedBeyond(structure.structs, vector)) {
            for (let i = 0; i < ranges.length; i += 2) {
              expect(contains(structureOfCut.structs.get(client)!, ranges[i]!, ranges[i + 1]!)).toBe(true)
            }
          }
          // What a holder of the vector has, and what was cut for it, are together what Yjs makes of the same. (That is
          // the whole, unless the vector falls between the halves of a character.)
          const had = cutUpdate(whole, wantedBelow(vector), new Map())
          const difference = Y.diffUpdate(whole, Y.encodeStateVector(new Map(vector)))
          expectSame([had, cut], [had, difference], updates)
          // The other way round compared likewise: what waits for two things, Yjs lets wait for the second when the first comes.
          expectSame([cut, had], [difference, had], updates)
        },
      ),
      { numRuns: documentsCount, seed },
    )
  })
})

describe('splitUpdate', () => {
  test('a long string is split into pieces that respect the size, cut between characters', () => {
    const text = 'für 😀 alle '.repeat(10_000)
    const pieces = splitUpdate(typed(text), 4_096)
    expect(Math.max(...pieces.map(piece => piece.length))).toBeLessThanOrEqual(4_096)
    // Well filled: no more than a quarter over the least possible number.
    expect(pieces.length).toBeLessThanOrEqual(Math.ceil((typed(text).length / 4_096) * 1.25))
    expect(load(pieces).getText('text').toString()).toBe(text)
  })

  test('a long list is split between its values, and a single value that is too large stands alone', () => {
    const doc = new Y.Doc()
    const values = Array.from({ length: 2_000 }, (_, i) => `value ${i} é`)
    values[700] = 'x'.repeat(3_000)
    doc.getArray('list').insert(0, values)
    const pieces = splitUpdate(Y.encodeStateAsUpdate(doc), 2_048)
    const tooLarge = pieces.filter(piece => piece.length > 2_048)
    expect(tooLarge.map(piece => Y.decodeUpdate(piece).structs.map(struct => struct.length))).toEqual([[1]])
    expect(load(pieces).getArray('list').toJSON()).toEqual(values)
  })

  test('fuzz seed 20261121, case 41: text that is no UTF-8 is refused, and not split for ever', () => {
    // A hundred first bytes of two, and no second one: a hundred clocks for the walk, fifty characters for who steps over them.
    const text = new Uint8Array(100).fill(0xc3)
    const update = Uint8Array.of(1, 1, 7, 0, 4, 1, 1, 0x74, text.length, ...text, 0)
    expect(walkUpdate(update, walkLimitsDefault).ok).toBe(true)
    expect(() => Y.decodeUpdate(update)).toThrow()
    expect(() => splitUpdate(update, 40)).toThrow('only what Yjs decodes can be split')
  })

  test('each piece holds about the same part of every client, and the deletes of what is in it', () => {
    const docs = [1, 2].map(client => typedAndDeleted(client, client * 4_000))
    const unknown = deleteSetUpdate(new Map([[9, [3, 5]]]))
    const whole = Y.mergeUpdates([...docs, unknown])
    const pieces = splitUpdate(whole, 4_096).map(walked)
    expect(pieces.length).toBeGreaterThan(5)
    const last = pieces.pop()!
    expect(last).toMatchObject({ structs: new Map(), deletes: new Map([[9, [3, 5]]]) })
    for (const [index, { structs, deletes }] of pieces.entries()) {
      for (const [client, ranges] of deletes) {
        for (let i = 0; i < ranges.length; i += 2) {
          expect(contains(structs.get(client)!, ranges[i]!, ranges[i + 1]!)).toBe(true)
        }
      }
      for (const [client, length] of [
        [1, 4_000],
        [2, 8_000],
      ] as const) {
        const reached = structs.get(client)!.at(-1)! / length
        expect(Math.abs(reached - (index + 1) / pieces.length)).toBeLessThan(0.25)
      }
    }
  })

  test(`pieces, loaded in order or merged, are the whole, seed ${seed}`, {
    timeout: propertyTimeoutMs,
  }, () => {
    fc.assert(
      fc.property(
        stepsArbitrary,
        fc.integer({ min: 20, max: 800 }),
        fc.nat(3),
        (steps, pieceBytesMax, from) => {
          const { docs, updates } = writeDocument(steps)
          for (const doc of docs) doc.destroy()
          const whole = from === 3 ? mergeWithGaps(updates) : Y.encodeStateAsUpdate(docs[from]!)
          const pieces = splitUpdate(whole, pieceBytesMax)
          expectSame(pieces, [whole], updates)
          expectSame([Y.mergeUpdates(pieces)], [whole], updates)
          for (const piece of pieces) {
            const { structCount } = walked(piece)
            if (piece.length > pieceBytesMax && pieces.length > 1) expect(structCount).toBe(1)
          }
        },
      ),
      { numRuns: documentsCount, seed },
    )
  })
})

function typed(text: string): Uint8Array {
  const doc = new Y.Doc()
  doc.clientID = 7
  doc.getText('text').insert(0, text)
  return Y.encodeStateAsUpdate(doc)
}

/** Characters written one by one at random places, so that each is a struct of its own, and every third deleted. */
function typedAndDeleted(client: number, length: number): Uint8Array {
  const doc = new Y.Doc()
  doc.clientID = client
  const text = doc.getText('text')
  doc.transact(() => {
    for (let i = 0; i < length; i++) text.insert((i * 7) % (text.length + 1), 'x')
    for (let i = 0; i < length / 3; i++) text.delete(i * 2, 1)
  })
  return Y.encodeStateAsUpdate(doc)
}

function load(updates: readonly Uint8Array[]): Y.Doc {
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, update)
  return doc
}

function walked(update: Uint8Array): Structure {
  const result = walkUpdate(update, walkLimitsDefault)
  if (!result.ok) throw new Error(result.reason)
  return result.structure
}

/**
 * Both lists load into documents with the same content and the same structs, also those that wait for others; and when
 * everything else has come too, both have become the same, byte for byte.
 */
function expectSame(
  ours: readonly Uint8Array[],
  reference: readonly Uint8Array[],
  everything: readonly Uint8Array[],
): void {
  const [a, b] = [load(ours), load(reference)]
  expect(content(a)).toEqual(content(b))
  expect(Y.encodeStateVector(a)).toEqual(Y.encodeStateVector(b))
  const [structureOfA, structureOfB] = [walked(Y.encodeStateAsUpdate(a)), walked(Y.encodeStateAsUpdate(b))]
  expect(structureOfA.structs).toEqual(structureOfB.structs)
  expect(structureOfA.deletes).toEqual(structureOfB.deletes)
  for (const doc of [a, b]) for (const update of everything) Y.applyUpdate(doc, update)
  expect(a.store.pendingStructs).toBe(null)
  expect(content(a)).toEqual(content(b))
  expect(reloaded(a)).toEqual(reloaded(b))
}

/** Loaded once more, since only a document that integrates everything at once joins all neighbours. */
function reloaded(doc: Y.Doc): Uint8Array {
  return Y.encodeStateAsUpdate(load([Y.encodeStateAsUpdate(doc)]))
}

function wantedBeyond(structs: ClientRanges, vector: Map<number, number>): ClientRanges {
  const wanted: ClientRanges = new Map()
  for (const [client, ranges] of structs) {
    const known = vector.get(client) ?? 0
    const beyond: number[] = []
    for (let i = 0; i < ranges.length; i += 2) {
      if (ranges[i + 1]! > known) beyond.push(Math.max(ranges[i]!, known), ranges[i + 1]!)
    }
    if (beyond.length > 0) wanted.set(client, beyond)
  }
  return wanted
}

function wantedBelow(vector: Map<number, number>): ClientRanges {
  return new Map([...vector].filter(([, clock]) => clock > 0).map(([client, clock]) => [client, [0, clock]]))
}

/** Every third update is missing, as after a loss on the way. */
function mergeWithGaps(updates: readonly Uint8Array[]): Uint8Array {
  const some = updates.filter((_, index) => index % 3 !== 1)
  return some.length === 0 ? emptyUpdate : Y.mergeUpdates(some)
}
