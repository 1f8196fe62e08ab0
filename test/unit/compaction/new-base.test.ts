/**
 * What may replace stored bytes: every way in which a result is refused, and every honest document that has to pass.
 */
import { type BaseInput, type BaseOutput, buildBase } from '@syncline/server/internal/compaction/new-base'
import { containsClientRanges } from '@syncline/shared/update/ranges'
import { decodeVector } from '@syncline/shared/update/vector'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { contentOf } from '../../support/room-content.ts'

type Built = Extract<BaseOutput, { ok: true }>

function build(
  updates: readonly Uint8Array[],
  pieceBytes?: number,
  pieces: readonly Uint8Array[] = [],
): Built {
  const entries = updates.map((update, index) => ({ seq: index + 1, update }))
  const built = buildBase({ pieces, entries }, pieceBytes)
  if (!built.ok) throw new Error(built.reason)
  return built
}

function load(updates: readonly Uint8Array[]): Y.Doc {
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, update)
  return doc
}

/** A document of one author, and each of its updates. */
function author(client: number): { doc: Y.Doc; updates: Uint8Array[] } {
  const doc = new Y.Doc()
  doc.clientID = client
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  return { doc, updates }
}

const vectorOf = (bytes: Uint8Array) => {
  const decoded = decodeVector(bytes)
  if (!decoded.ok) throw new Error(decoded.reason)
  return decoded.vector
}

describe('buildBase', () => {
  test('a base is what was written, in pieces that are complete updates of bounded size', () => {
    const { doc, updates } = author(7)
    for (let line = 0; line < 200; line++) doc.getText('text').insert(0, `line ${line}: für 😀 alle\n`)
    const { pieces, byteVector, documentVector } = build(updates, 1_000)
    expect(pieces.length).toBeGreaterThan(4)
    for (const piece of pieces) expect(piece.byteLength).toBeLessThanOrEqual(1_000)
    expect(load(pieces).getText('text').toString()).toBe(doc.getText('text').toString())
    expect(vectorOf(byteVector)).toEqual(Y.decodeStateVector(Y.encodeStateVector(doc)))
    expect(vectorOf(documentVector)).toEqual(vectorOf(byteVector))
  })

  test('content that was deleted is gone from a base, and its deletes are in the catch-up frame', () => {
    const { doc, updates } = author(7)
    doc.getText('text').insert(0, 'a secret')
    doc.getText('text').delete(2, 6)
    const { pieces, catchUp, deletes } = build(updates)
    expect(Buffer.concat(pieces).toString('latin1')).not.toContain('secret')
    expect(deletes).toEqual(new Map([[7, [2, 8]]]))
    expect(contentOf(catchUp)).toMatchObject({ structs: new Map(), deletes })
  })

  test('content that a base has deleted does not come back with an entry that still has it', () => {
    const { doc, updates } = author(7)
    doc.getText('text').insert(0, 'a secret')
    const withSecret = Y.encodeStateAsUpdate(doc)
    doc.getText('text').delete(2, 6)
    const { pieces } = build(updates)
    const again = build([withSecret], undefined, pieces)
    expect(Buffer.concat(again.pieces).toString('latin1')).not.toContain('secret')
  })

  test('what lies behind a gap is kept: in the pieces, in the catch-up frame, and not in the vectors', () => {
    const { doc, updates } = author(7)
    for (const text of ['one ', 'two ', 'three ']) doc.getText('text').insert(0, text)
    const { pieces, catchUp, byteVector, documentVector } = build([updates[0]!, updates[2]!])
    expect(vectorOf(byteVector)).toEqual(new Map([[7, 4]]))
    expect(vectorOf(documentVector)).toEqual(new Map([[7, 4]]))
    expect(contentOf(catchUp).structs).toEqual(new Map([[7, [8, 14]]]))
    const whole = load([...pieces, updates[1]!])
    expect(whole.getText('text').toString()).toBe('three two one ')
  })

  test('what waits for another author is held and not reached: the two vectors differ', () => {
    const one = author(7)
    one.doc.getText('text').insert(0, 'one')
    const other = author(9)
    Y.applyUpdate(other.doc, one.updates[0]!)
    other.updates.length = 0
    other.doc.getText('text').insert(3, ' two')
    const { byteVector, documentVector, catchUp } = build(other.updates)
    expect(vectorOf(byteVector)).toEqual(new Map([[9, 4]]))
    expect(vectorOf(documentVector)).toEqual(new Map())
    expect(contentOf(catchUp).structs).toEqual(new Map([[9, [0, 4]]]))
  })

  test('[SYNC-2] the deletes that Yjs makes while it integrates are told with the base', () => {
    const [one, other] = [author(7), author(9)]
    one.doc.getMap('map').set('key', 'one')
    other.doc.getMap('map').set('key', 'other')
    const updates = [...one.updates, ...other.updates]
    for (const update of updates) expect(contentOf(update).deletes.size).toBe(0)
    const { deletes } = build(updates)
    expect(deletes).toEqual(new Map([[7, [0, 1]]]))
  })

  test('formatting that Yjs clears away when it loads a result is cleared until nothing more goes', () => {
    const [one, other] = [author(7), author(9)]
    one.doc.getText('text').insert(0, 'some text to be formatted')
    for (const update of one.updates) Y.applyUpdate(other.doc, update)
    other.updates.length = 0
    one.doc.getText('text').format(0, 14, { bold: true })
    other.doc.getText('text').format(5, 14, { bold: true })
    one.doc.getText('text').format(3, 9, { bold: null })
    other.doc.getText('text').format(0, 19, { bold: null })
    const updates = [...one.updates, ...other.updates]
    const { pieces, deletes } = build(updates)
    const second = build([], undefined, pieces)
    expect(second.pieces).toEqual(pieces)
    expect(second.deletes).toEqual(deletes)
    expect(load(pieces).getText('text').toDelta()).toEqual(load(updates).getText('text').toDelta())
  })

  /** Found by `room-property.ts` with seed 2: such a document was never compacted again. */
  test('a long string behind a gap, which pieces bring in slices, is no other document', () => {
    const { doc, updates } = author(7)
    doc.getText('text').insert(0, 'lost')
    doc.getText('text').insert(0, 'a paragraph '.repeat(400))
    const held = updates[1]!
    const { pieces } = build([held], 400)
    expect(pieces.length).toBeGreaterThan(10)
    const { structs } = contentOf(held)
    expect(contentOf(Y.mergeUpdates(pieces)).structs).toEqual(structs)
    const whole = load([...pieces, updates[0]!])
    expect(whole.getText('text').toString()).toBe(doc.getText('text').toString())
  })

  test('a base of a base and new entries is the base of everything', () => {
    const { doc, updates } = author(7)
    for (let word = 0; word < 50; word++) doc.getText('text').insert(word % 7, `word ${word} `)
    const half = build(updates.slice(0, 25), 300)
    const rest = build(updates.slice(25), 300, half.pieces)
    const whole = build(updates, 300)
    expect(Y.encodeStateAsUpdate(load(rest.pieces))).toEqual(Y.encodeStateAsUpdate(load(whole.pieces)))
    expect(containsClientRanges(rest.deletes, half.deletes)).toBe(true)
  })
})

describe('buildBase refuses', () => {
  const failure = (input: BaseInput) => {
    const built = buildBase(input)
    return built.ok ? 'nothing' : { reason: built.reason, seq: built.seq }
  }
  const typed = (client: number, text: string) => {
    const { doc, updates } = author(client)
    doc.getText('text').insert(0, text)
    return updates[0]!
  }

  test('[ROOM-3] a stored entry that is damaged, by its seq', () => {
    const good = typed(7, 'good')
    const bad = typed(9, 'bad').slice(0, -3)
    const entries = [
      { seq: 4, update: good },
      { seq: 5, update: bad },
    ]
    expect(failure({ pieces: [], entries })).toEqual({ reason: expect.stringContaining('damaged'), seq: 5 })
  })

  test('a damaged piece, which has no seq', () => {
    const pieces = [typed(7, 'good').slice(0, -3)]
    expect(failure({ pieces, entries: [] })).toEqual({
      reason: expect.stringContaining('damaged'),
      seq: undefined,
    })
  })
})
