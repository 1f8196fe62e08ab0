import { namedClients, renameClients } from '@syncline/shared/update/clients'
import { walkLimitsDefault, walkUpdate } from '@syncline/shared/update/walk'
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

function docOf(client: number, ...updates: Uint8Array[]): Y.Doc {
  const doc = new Y.Doc()
  doc.clientID = client
  for (const update of updates) Y.applyUpdate(doc, update)
  return doc
}

/** What an edit adds to a document. */
function edited(doc: Y.Doc, edit: () => void): Uint8Array {
  const before = Y.encodeStateVector(doc)
  edit()
  return Y.encodeStateAsUpdate(doc, before)
}

describe('the clients that an update names', () => {
  const written = docOf(5)
  written.getText('text').insert(0, 'abc')
  written.getMap('map').set('nested', new Y.Map())
  const state = Y.encodeStateAsUpdate(written)

  test('are the authors of its structs', () => {
    expect(namedClients(state)).toEqual(new Set([5]))
    expect(namedClients(Y.encodeStateAsUpdate(new Y.Doc()))).toEqual(new Set())
  })

  test('are also those of an origin, a right origin, a parent and a deletion alone', () => {
    const edits: ((doc: Y.Doc) => void)[] = [
      doc => doc.getText('text').insert(3, 'x'),
      doc => doc.getText('text').insert(0, 'x'),
      doc => (doc.getMap('map').get('nested') as Y.Map<number>).set('key', 1),
    ]
    for (const edit of edits) {
      const doc = docOf(9, state)
      expect(namedClients(edited(doc, () => edit(doc)))).toEqual(new Set([5, 9]))
    }
    const doc = docOf(9, state)
    const deletion = edited(doc, () => doc.getText('text').delete(0, 1))
    expect(namedClients(deletion)).toEqual(new Set([5]))
  })
})

describe('an update under other client ids', () => {
  test(`reads as before and names only the new ids, seed ${seed}`, { timeout: propertyTimeoutMs }, () => {
    fc.assert(
      fc.property(stepsArbitrary, fc.boolean(), (steps, dense) => {
        for (const doc of writeDocument(steps).docs) {
          const update = Y.encodeStateAsUpdate(doc)
          const clients = [...namedClients(update)].sort((a, b) => a - b)
          const names = new Map(clients.map((client, i) => [client, dense ? i + 100 : i * 1e9 + 12_345]))
          const renamed = renameClients(update, names)
          expect(namedClients(renamed)).toEqual(new Set(names.values()))
          const walked = walkUpdate(renamed, walkLimitsDefault)
          const before = walkUpdate(update, walkLimitsDefault)
          if (!walked.ok || !before.ok) throw new Error('expected both to pass the walk')
          for (const kind of ['structs', 'deletes'] as const)
            expect([...walked.structure[kind]]).toEqual(
              [...before.structure[kind]].map(([client, ranges]) => [names.get(client), ranges]),
            )
          expect(content(docOf(1, renamed))).toEqual(content(docOf(1, update)))
          const back = new Map([...names].map(([client, name]) => [name, client]))
          expect(renameClients(renamed, back)).toEqual(update)
        }
      }),
      { seed, numRuns: documentsCount },
    )
  })

  test('needs an id for each, in the same order: another order would be another text', () => {
    const a = docOf(1)
    a.getText('text').insert(0, 'a')
    const b = docOf(2)
    b.getText('text').insert(0, 'b')
    const update = Y.mergeUpdates([Y.encodeStateAsUpdate(a), Y.encodeStateAsUpdate(b)])
    expect(() => renameClients(update, new Map([[1, 7]]))).toThrow('client 2 has no new id')
    const swapped = new Map([
      [1, 8],
      [2, 7],
    ])
    expect(() => renameClients(update, swapped)).toThrow('change their order')
    const kept = new Map([
      [1, 7],
      [2, 8],
    ])
    expect(docOf(3, renameClients(update, kept)).getText('text').toString()).toBe('ab')
  })
})
