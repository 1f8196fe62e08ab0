import { addRange, type ClientRanges, equalClientRanges } from '@syncline/shared/update/ranges'
import { type Structure, walkLimitsDefault, walkUpdate } from '@syncline/shared/update/walk'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { type StructModel, type UpdateModel, writeModel } from '../../fuzz/update-model.ts'
import { documentsCount, propertyTimeoutMs, seed, stepsArbitrary, writeDocument } from './random-document.ts'

describe('walkUpdate', () => {
  test.each<[string, number, (doc: Y.Doc) => void]>([
    ['a string of one, two, three and four bytes a character', 5, doc => doc.getText('').insert(0, 'aé€😀')],
    ['values of all kinds', 1, doc => doc.getArray('').insert(0, [values])],
    ['several values', 4, doc => doc.getArray('').insert(0, [1, 'é', { a: [] }, null])],
    ['a value under a key', 1, doc => doc.getMap('').set('é', [{ deep: [[[]]] }])],
    ['bytes', 1, doc => doc.getArray('').insert(0, [Uint8Array.of(1, 2, 3)])],
    ['an embed', 1, doc => doc.getText('').insertEmbed(0, { image: '[[[[{"\\' })],
    ['a format', 5, doc => doc.getText('').insert(0, 'abc', { bold: { by: ['me'] } })],
    ['each type', 7, doc => doc.getArray('').insert(0, types())],
    [
      'a subdocument',
      1,
      doc => doc.getMap('').set('d', new Y.Doc({ meta: { a: 1 }, autoLoad: true, gc: false })),
    ],
    ['deleted content', 3, doc => deleteAgain(doc)],
    ['a GC struct', 4, doc => deleteNested(doc)],
  ])('accepts %s', (_, clocks, write) => {
    const doc = new Y.Doc()
    doc.clientID = 7
    doc.transact(() => write(doc))
    const update = Y.encodeStateAsUpdate(doc)
    expect(walked(update).structs).toEqual(new Map([[7, [0, clocks]]]))
    expectAsYjsReads(update)
  })

  test('accepts JSON content, which Yjs no longer writes and old documents hold', () => {
    const update = writeModel(
      one({ kind: 2, parent: { root: 'a' }, content: bytesOf(2, ['{"a":1}', 'undefined']) }),
    )
    expect(walked(update).structs).toEqual(new Map([[7, [0, 2]]]))
    expectAsYjsReads(update)
  })

  test('reads gaps, and joins deletes however they were written', () => {
    const update = writeModel({
      blocks: [{ client: 7, clock: 5, structs: [gc(2), gc(3), skip(4), gc(1)] }],
      deletes: [
        {
          client: 3,
          ranges: [
            { clock: 8, length: 2 },
            { clock: 0, length: 1 },
            { clock: 4, length: 5 },
          ],
        },
        { client: 9, ranges: [] },
        {
          client: 7,
          ranges: [
            { clock: 0, length: 1 },
            { clock: 1, length: 1 },
          ],
        },
      ],
    })
    expect(walkUpdate(update, walkLimitsDefault)).toEqual({
      ok: true,
      structure: {
        structs: new Map([[7, [5, 10, 14, 15]]]),
        deletes: new Map([
          [3, [0, 1, 4, 10]],
          [7, [0, 2]],
        ]),
        structCount: 4,
        deleteRangeCount: 5,
      },
    })
  })

  test.each<[string, string, UpdateModel | number[]]>([
    ['no bytes', 'it ends in the middle', []],
    ['an end inside a struct', 'it ends in the middle', [1, 1, 7, 0, 4, 1, 1, 97, 5, 98]],
    ['a missing delete set', 'it ends in the middle', [0]],
    ['bytes that follow', 'bytes follow its end', [0, 0, 0]],
    [
      'a number beyond 2^53',
      'a number in it is beyond 2^53',
      [1, 1, 7, 255, 255, 255, 255, 255, 255, 255, 31],
    ],
    ['clocks beyond 2^53', 'a clock beyond 2^53', { blocks: [block(7, 2 ** 53 - 3, [gc(3)])], deletes: [] }],
    [
      'deletes beyond 2^53',
      'a clock beyond 2^53',
      { blocks: [], deletes: [{ client: 7, ranges: [{ clock: 2, length: 2 ** 53 - 2 }] }] },
    ],
    [
      'a leading Skip',
      'a client begins with a gap',
      { blocks: [block(7, 0, [skip(2), gc(1)])], deletes: [] },
    ],
    ['a trailing Skip', 'a client ends with a gap', { blocks: [block(7, 0, [gc(1), skip(2)])], deletes: [] }],
    [
      'a client without structs',
      'a client is named without a struct',
      { blocks: [block(7, 0, [])], deletes: [] },
    ],
    [
      'clients in ascending order',
      'clients out of order',
      { blocks: [block(3, 0, [gc(1)]), block(7, 0, [gc(1)])], deletes: [] },
    ],
    [
      'a client twice',
      'clients out of order',
      { blocks: [block(7, 0, [gc(1)]), block(7, 1, [gc(1)])], deletes: [] },
    ],
    ['a GC struct without length', 'a struct without length', one(gc(0))],
    [
      'a Skip without length',
      'a struct without length',
      { blocks: [block(7, 0, [gc(1), skip(0), gc(1)])], deletes: [] },
    ],
    ['deleted content without length', 'a struct without length', one(inRoot(1, [0]))],
    ['an empty string', 'a struct without length', one(inRoot(4, [0]))],
    ['no values', 'a struct without length', one(inRoot(8, [0]))],
    ['no JSON values', 'a struct without length', one(inRoot(2, [0]))],
    [
      'a delete range without length',
      'a delete range without length',
      { blocks: [], deletes: [{ client: 7, ranges: [{ clock: 2, length: 0 }] }] },
    ],
    [
      'the deletes of a client in two places',
      'the deletes of a client are named twice',
      { blocks: [], deletes: [deletesOf(7), deletesOf(7)] },
    ],
    [
      'an origin in its own future',
      'an origin that its author had not written yet',
      one({ kind: 4, origin: { client: 7, clock: 0 }, content: bytesOf(['a']) }),
    ],
    [
      'a right origin in its own future',
      'a right origin that its author had not written yet',
      one({ kind: 4, rightOrigin: { client: 7, clock: 9 }, content: bytesOf(['a']) }),
    ],
    [
      'itself as its parent',
      'a parent that its author had not written yet',
      one({ kind: 4, parent: { id: { client: 7, clock: 0 } }, content: bytesOf(['a']) }),
    ],
    ['a parent that is neither name nor id', 'a parent of unknown kind', [1, 1, 7, 0, 4, 2, 1, 97, 1, 98, 0]],
    ['a struct kind of no Yjs', 'a struct of unknown kind', one(inRoot(11, []))],
    ['a GC struct with an origin', 'a struct of unknown kind', [1, 1, 7, 0, 128, 1, 0]],
    ['a type of no Yjs', 'a type of unknown kind', one(inRoot(7, [7]))],
    ['a value of no Yjs', 'a value of unknown kind', one(inRoot(8, [1, 115]))],
    ['more values than bytes', 'it ends in the middle', one(inRoot(8, [255, 255, 255, 255, 15, 127]))],
    [
      'a subdocument whose options are none',
      'a subdocument without options',
      one(inRoot(9, bytesOf(['guid'], 127))),
    ],
    ['a string under a key', 'a string under a key', one({ ...inRoot(4, bytesOf(['ab'])), parentKey: 'k' })],
  ])('refuses %s', (_, reason, update) => {
    const bytes = Array.isArray(update) ? Uint8Array.from(update) : writeModel(update)
    expect(walkUpdate(bytes, walkLimitsDefault)).toEqual({
      ok: false,
      reason: `the update is malformed: ${reason}`,
    })
  })

  test('[LIM-1 update-depth] values and JSON are nested at most as deeply as the limit says', () => {
    const limits = { ...walkLimitsDefault, anyDepthMax: 3 }
    const depths = (content: (depth: number) => Uint8Array, kind: number) =>
      [2, 3, 4].map(depth => walkUpdate(writeModel(one(inRoot(kind, content(depth)))), limits).ok)
    // [[[127]]]: an array of one array of one array of undefined.
    expect(
      depths(depth => bytesOf(1, ...Array.from({ length: depth }, () => [117, 1]).flat(), 127), 8),
    ).toEqual([true, true, false])
    expect(
      depths(depth => bytesOf(1, ...Array.from({ length: depth }, () => [118, 1, 1, 97]).flat(), 127), 8),
    ).toEqual([true, true, false])
    expect(
      depths(
        depth =>
          bytesOf(['[{}, '.repeat(depth - 1) + '{"]": "[[[[\\"[["}'.padEnd(20) + ']'.repeat(depth - 1)]),
        5,
      ),
    ).toEqual([true, true, false])
  })

  test('[LIM-1 update-deletes] more delete ranges than the limit says are refused before they are built', () => {
    const limits = { ...walkLimitsDefault, deleteRangesMax: 2 }
    const deletes = [1, 2, 3].map(client => deletesOf(client))
    expect(walkUpdate(writeModel({ blocks: [], deletes: deletes.slice(0, 2) }), limits).ok).toBe(true)
    expect(walkUpdate(writeModel({ blocks: [], deletes }), limits)).toEqual({
      ok: false,
      reason: 'the update brings more than 2 delete ranges',
      tooManyDeletes: true,
    })
  })

  test('an update cut off anywhere is refused, without a throw', () => {
    const doc = new Y.Doc()
    doc.getArray('').insert(0, [values, 1, 'x'])
    doc.getText('t').insert(0, 'some 😀', { bold: true })
    deleteNested(doc)
    const update = Y.encodeStateAsUpdate(doc)
    for (let end = 0; end < update.length; end++) {
      expect(walkUpdate(update.subarray(0, end), walkLimitsDefault).ok).toBe(false)
    }
  })

  test(`what Yjs writes is accepted, and its ranges are those that Yjs reads, seed ${seed}`, {
    timeout: propertyTimeoutMs,
  }, () => {
    fc.assert(
      fc.property(stepsArbitrary, fc.nat(1_000), fc.nat(1_000), (steps, one, other) => {
        const { docs, updates } = writeDocument(steps)
        const states = docs.map(doc => Y.encodeStateAsUpdate(doc))
        const diffs = states.flatMap((state, i) => [
          Y.diffUpdate(state, Y.encodeStateVector(docs[(i + 1) % docs.length]!)),
          Y.encodeStateAsUpdate(docs[i]!, Y.encodeStateVector(docs[(i + 1) % docs.length]!)),
        ])
        const gappy = updates.filter((_, i) => (i * one) % 7 < 4 && i % 3 !== other % 3)
        const merged = gappy.length > 0 ? [Y.mergeUpdates(gappy), Y.mergeUpdates([...gappy].reverse())] : []
        const cut = merged.map(update => Y.diffUpdate(update, Y.encodeStateVector(new Map([[3, one % 50]]))))
        for (const update of [...updates, ...states, ...diffs, ...merged, ...cut]) expectAsYjsReads(update)
        for (const doc of docs) doc.destroy()
      }),
      { numRuns: documentsCount, seed },
    )
  })
})

function expectAsYjsReads(update: Uint8Array): void {
  const structure = walked(update)
  const { structs, ds } = Y.decodeUpdate(update)
  const held: ClientRanges = new Map()
  for (const struct of structs) {
    if (struct instanceof Y.Skip) continue
    add(held, struct.id.client, struct.id.clock, struct.length)
  }
  const deleted: ClientRanges = new Map()
  for (const [client, items] of ds.clients)
    for (const item of items) add(deleted, client, item.clock, item.len)
  expect(equalClientRanges(structure.structs, held)).toBe(true)
  expect(equalClientRanges(structure.deletes, deleted)).toBe(true)
  expect(structure.structCount).toBe(structs.length)
}

function add(ranges: ClientRanges, client: number, clock: number, length: number): void {
  let ofClient = ranges.get(client)
  if (ofClient === undefined) {
    ofClient = []
    ranges.set(client, ofClient)
  }
  addRange(ofClient, clock, clock + length)
}

const values = [1, -(2 ** 40), 0.5, 1e300, 10n, 'é', null, undefined, true, false, { a: [{}] }, ['x']]

function types(): unknown[] {
  const text = new Y.Text()
  return [
    new Y.Array(),
    new Y.Map(),
    text,
    new Y.XmlElement('é'),
    new Y.XmlFragment(),
    new Y.XmlHook('h'),
    new Y.XmlText(),
  ]
}

function deleteAgain(doc: Y.Doc): void {
  doc.getText('').insert(0, 'abc')
  doc.getText('').delete(0, 3)
}

function deleteNested(doc: Y.Doc): void {
  doc.getArray('nest').insert(0, [Y.Array.from([1, 2, 3])])
  doc.getArray('nest').delete(0, 1)
}

function one(struct: StructModel): UpdateModel {
  return { blocks: [block(7, 0, [struct])], deletes: [] }
}

function block(client: number, clock: number, structs: StructModel[]): UpdateModel['blocks'][number] {
  return { client, clock, structs }
}

function gc(length: number): StructModel {
  return { kind: 0, content: bytesOf(length) }
}

function skip(length: number): StructModel {
  return { kind: 10, content: bytesOf(length) }
}

function inRoot(kind: number, content: ArrayLike<number>): StructModel {
  return { kind, parent: { root: 'root' }, content: Uint8Array.from(content) }
}

function deletesOf(client: number): UpdateModel['deletes'][number] {
  return { client, ranges: [{ clock: 0, length: 1 }] }
}

/** Bytes as they are, and strings (in lists) behind their length. Small enough that each number is a byte. */
function bytesOf(...parts: Array<number | string[]>): Uint8Array {
  return Uint8Array.from(
    parts.flatMap(part =>
      typeof part === 'number'
        ? [part]
        : part.flatMap(text => [Buffer.byteLength(text), ...Buffer.from(text)]),
    ),
  )
}

function walked(update: Uint8Array): Structure {
  const result = walkUpdate(update, walkLimitsDefault)
  if (!result.ok) throw new Error(result.reason)
  return result.structure
}
