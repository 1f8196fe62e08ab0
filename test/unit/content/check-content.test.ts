import { buildBase } from '@syncline/server/internal/compaction/new-base'
import {
  type CheckedBase,
  type CheckedEntry,
  checkContent,
} from '@syncline/server/internal/content/check-content'
import { encodeVector } from '@syncline/shared/update/vector'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import {
  documentsCount,
  propertyTimeoutMs,
  seed,
  stepsArbitrary,
  writeDocument,
} from '../update/random-document.ts'

/** Small, so that small documents have several pieces. */
const pieceBytes = 60

const asEntry = (update: Uint8Array, i: number): CheckedEntry => ({ seq: i + 1, update, authors: [] })

/** As compaction stores them: the first updates in a base, the others in the log. */
function stored(updates: readonly Uint8Array[], inBase: number) {
  const entries = updates.map(asEntry)
  const built = buildBase({ pieces: [], entries: entries.slice(0, inBase) }, pieceBytes)
  if (!built.ok) throw new Error(built.reason)
  const { pieces, byteVector, documentVector, catchUp } = built
  const bytes = pieces.reduce((sum, piece) => sum + piece.byteLength, 0)
  return { base: { pieces, bytes, byteVector, documentVector, catchUp }, entries: entries.slice(inBase) }
}

function written(...texts: string[]): Uint8Array[] {
  const doc = new Y.Doc()
  doc.clientID = 5
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  for (const text of texts) doc.getText('text').insert(0, text)
  doc.getText('text').delete(1, 2)
  return updates
}

describe('a document that is looked over', () => {
  test(`has no findings where it was stored by us, seed ${seed}`, { timeout: propertyTimeoutMs }, () => {
    fc.assert(
      fc.property(stepsArbitrary, fc.nat(100), (steps, share) => {
        const { updates } = writeDocument(steps)
        const { base, entries } = stored(updates, Math.floor((updates.length * share) / 100))
        expect(checkContent({ base, entries, formerClients: new Set() })).toEqual([])
      }),
      { seed, numRuns: documentsCount },
    )
  })

  const sound = stored(written('a long enough text '.repeat(20), 'more', 'and more'), 2)
  const findings = (base: Partial<CheckedBase>, entries = sound.entries) =>
    checkContent({ base: { ...sound.base, ...base }, entries, formerClients: new Set() }).map(
      ({ place, problem }) => `${place} ${problem}`,
    )

  test('is found to have several pieces here, and nothing wrong', () => {
    expect(sound.base.pieces.length).toBeGreaterThan(2)
    expect(findings({})).toEqual([])
  })

  test.each<[string, Partial<CheckedBase>, string]>([
    [
      'a wrong byte vector',
      { byteVector: encodeVector(new Map([[5, 3]])) },
      'the base has a wrong byte vector: client 5 stands at 3',
    ],
    [
      'a wrong document vector',
      { documentVector: encodeVector(new Map([[6, 1]])) },
      'the base has a wrong document vector: client 6 stands at 1, its pieces reach 0',
    ],
    ['an unreadable vector', { byteVector: new Uint8Array([9]) }, 'the base has an unreadable byte vector'],
    ['a wrong size', { bytes: 1 }, 'the base has '],
    [
      'an unreadable catch-up frame',
      { catchUp: new Uint8Array([1]) },
      'the base has an unreadable catch-up frame',
    ],
    [
      'a catch-up frame with other deletes',
      { catchUp: Uint8Array.of(0, 1, 5, 1, 0, 3) },
      'the base has a catch-up frame with other deletes',
    ],
  ])('with %s is found out', (_, base, finding) => {
    expect(findings(base)).toEqual([expect.stringContaining(finding)])
  })

  test('with a piece missing is found out by its vectors', () => {
    const pieces = sound.base.pieces.toSpliced(1, 1)
    expect(findings({ pieces }).join('\n')).toContain('the base has a wrong byte vector')
  })

  test('with a piece that was told unreadable is still looked over as far as it goes', () => {
    const [first, ...rest] = sound.base.pieces
    const broken = [asEntry(new Uint8Array([1, 2]), 6)]
    expect(findings({ pieces: [null, ...rest] })).toEqual([])
    expect(findings({ pieces: [first!, null, ...rest.slice(1)] }, broken)).toEqual([
      expect.stringContaining('entry 7 cannot be read'),
    ])
  })

  test('with an entry that no client could take is found out by its seq, and the next ones too', () => {
    const entries = [new Uint8Array(), new Uint8Array([1, 1, 5, 0, 4, 1, 0, 1, 1])].map(asEntry)
    expect(findings({}, entries)).toEqual([
      expect.stringContaining('entry 1 cannot be read'),
      expect.stringContaining('entry 2 cannot be read'),
    ])
  })

  test('with an entry that names an author of something else is found out', () => {
    const [entry] = sound.entries
    const claims = [
      { name: 'ann', structs: new Map([[5, [9_000, 9_001]]]), deletes: new Map() },
      { name: 'bob', structs: new Map(), deletes: new Map([[5, [9_000, 9_001]]]) },
    ]
    for (const claim of claims)
      expect(findings({}, [{ ...entry!, authors: [claim] }])).toEqual([
        `entry ${entry!.seq} names "${claim.name}" as the author of what is not in it`,
      ])
  })

  test('[LOG-3] with something of a former epoch in it is found out, in the base and in the log', () => {
    const former = { ...sound, formerClients: new Set([5]) }
    const found = checkContent(former).map(({ place, problem }) => `${place} ${problem}`)
    expect(found).toHaveLength(sound.base.pieces.length + sound.entries.length)
    expect(found[0]).toBe('piece 0 of the base names client 5, who belongs to a former epoch')
    expect(found.at(-1)).toBe(
      `entry ${sound.entries.at(-1)!.seq} names client 5, who belongs to a former epoch`,
    )
  })
})
