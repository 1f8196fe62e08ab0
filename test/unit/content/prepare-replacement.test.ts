import {
  type PreparedReplacement,
  prepareReplacement,
} from '@syncline/server/internal/content/prepare-replacement'
import { namedClients } from '@syncline/shared/update/clients'
import { walkLimitsDefault as limits } from '@syncline/shared/update/walk'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import {
  content,
  documentsCount,
  propertyTimeoutMs,
  type Step,
  seed,
  stepsArbitrary,
  writeDocument,
} from '../update/random-document.ts'

function typed(client: number, text: string): Uint8Array {
  const doc = new Y.Doc()
  doc.clientID = client
  doc.getText('text').insert(0, text)
  return Y.encodeStateAsUpdate(doc)
}

function load(update: Uint8Array): Y.Doc {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, update)
  return doc
}

function areDisjoint(a: ReadonlySet<number>, b: ReadonlySet<number>): boolean {
  return ![...a].some(client => b.has(client))
}

function prepared(outcome: PreparedReplacement) {
  if (!outcome.ok) throw new Error(outcome.reason)
  return outcome
}

describe('what takes the place of a document', () => {
  test('keeps its client ids where no former epoch knows one of them', () => {
    const update = typed(5, 'abc')
    const outcome = prepared(prepareReplacement({ update, formerClients: new Set([4, 6]), limits }))
    expect(outcome).toEqual({ ok: true, update, renamed: false })
  })

  test('has all its ids exchanged where a former epoch knows one of them', () => {
    const update = Y.mergeUpdates([typed(5, 'abc'), typed(9, 'def')])
    const outcome = prepared(prepareReplacement({ update, formerClients: new Set([9]), limits }))
    expect(outcome.renamed).toBe(true)
    expect(areDisjoint(namedClients(outcome.update), new Set([5, 9]))).toBe(true)
    expect(load(outcome.update).getText('text').toString()).toBe('abcdef')
  })

  test('draws again where it drew an id that is known', () => {
    const draws = [0, 5, 0, 8, 7].map(client => client / 2 ** 32)
    const random = () => draws.shift()!
    const update = Y.mergeUpdates([typed(5, 'abc'), typed(9, 'def')])
    const outcome = prepared(prepareReplacement({ update, formerClients: new Set([0, 5]), limits }, random))
    expect(namedClients(outcome.update)).toEqual(new Set([7, 8]))
  })

  test(`reads as its file does, whatever the file holds, seed ${seed}`, {
    timeout: propertyTimeoutMs,
  }, () => {
    fc.assert(
      fc.property(stepsArbitrary, steps => {
        for (const doc of writeDocument(steps).docs) {
          const update = Y.encodeStateAsUpdate(doc)
          const formerClients = namedClients(update)
          const outcome = prepared(prepareReplacement({ update, formerClients, limits }))
          expect(outcome.renamed).toBe(formerClients.size > 0)
          expect(areDisjoint(namedClients(outcome.update), formerClients)).toBe(true)
          expect(content(load(outcome.update))).toEqual(content(load(update)))
        }
      }),
      { seed, numRuns: documentsCount },
    )
  })

  test('reads as its file does where keys of a map arrive in another order, as under seed 2081544899', () => {
    const steps: Step[] = [
      { author: 0, act: 'map-set', place: 0, size: 1, text: 'a' },
      { author: 0, act: 'xml-element', place: 0, size: 1, text: ' ' },
      { author: 1, act: 'hear-all', place: 0, size: 1, text: 'a' },
      { author: 1, act: 'xml-text', place: 0, size: 1, text: ' ' },
      { author: 1, act: 'map-set', place: 1, size: 1, text: 'a' },
      { author: 1, act: 'xml-delete', place: 0, size: 1, text: ' ' },
    ]
    const update = Y.encodeStateAsUpdate(writeDocument(steps).docs[1]!)
    const outcome = prepared(prepareReplacement({ update, formerClients: namedClients(update), limits }))
    expect(content(load(outcome.update))).toEqual(content(load(update)))
  })

  test.each([
    ['nothing at all', new Uint8Array(), 'malformed'],
    ['a text', new TextEncoder().encode('hello world'), 'malformed'],
    ['half an update', typed(5, 'some text').slice(0, 8), 'malformed'],
    ['bytes after the end', Uint8Array.of(...typed(5, 'abc'), 0), 'bytes follow its end'],
  ])('is not made of %s', (_, update, reason) => {
    const outcome = prepareReplacement({ update, formerClients: new Set(), limits })
    expect(outcome).toMatchObject({ ok: false, reason: expect.stringContaining(reason) })
  })
})
