import { addRange, type ClientRanges, equalClientRanges } from '@syncline/shared/update/ranges'
import { type Structure, walkLimitsDefault, walkUpdate } from '@syncline/shared/update/walk'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { documentsCount, seed, stepsArbitrary, writeDocument } from './random-document.ts'

describe('walkUpdate', () => {
  test(`what Yjs writes is accepted, and its ranges are those that Yjs reads, seed ${seed}`, () => {
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

function walked(update: Uint8Array): Structure {
  const result = walkUpdate(update, walkLimitsDefault)
  if (!result.ok) throw new Error(result.reason)
  return result.structure
}
