import { covers, decodeVector, encodeVector, type StateVector } from '@syncline/shared/update/vector'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { documentsCount, propertyTimeoutMs, seed, stepsArbitrary, writeDocument } from './random-document.ts'

describe('state vectors', () => {
  test(`are read as Yjs writes them and written as Yjs reads them, seed ${seed}`, {
    timeout: propertyTimeoutMs,
  }, () => {
    fc.assert(
      fc.property(stepsArbitrary, steps => {
        for (const doc of writeDocument(steps).docs) {
          const byYjs = Y.encodeStateVector(doc)
          const decoded = decodeVector(byYjs)
          expect(decoded).toEqual({ ok: true, vector: Y.decodeStateVector(byYjs) })
          if (decoded.ok) expect(encodeVector(decoded.vector)).toEqual(byYjs)
        }
      }),
      { numRuns: Math.ceil(documentsCount / 10), seed },
    )
    const large: StateVector = new Map([[2 ** 53 - 1, 2 ** 53 - 1]])
    expect(decodeVector(encodeVector(large))).toEqual({ ok: true, vector: large })
  })

  test.each<[string, number[], string]>([
    ['nothing at all', [], 'it ends in the middle'],
    ['fewer clients than announced', [2, 1, 1], 'the state vector names more clients than it holds'],
    [
      'a count that no message could hold',
      [255, 255, 255, 255, 15, 1, 1],
      'the state vector names more clients than it holds',
    ],
    ['an end inside a number', [1, 1, 128], 'it ends in the middle'],
    ['bytes that follow', [1, 1, 1, 0], 'bytes follow the end of the state vector'],
    ['a client twice', [2, 1, 1, 1, 2], 'the state vector names a client twice'],
    ['a clock beyond 2^53', [1, 1, 255, 255, 255, 255, 255, 255, 255, 31], 'a number in it is beyond 2^53'],
    [
      'a number without end',
      [1, ...Array.from({ length: 400 }, () => 128), 1],
      'a number in it is beyond 2^53',
    ],
  ])('%s is refused', (_, bytes, reason) => {
    expect(decodeVector(Uint8Array.from(bytes))).toEqual({ ok: false, reason })
  })

  test('one covers another when it is nowhere behind it', () => {
    const some: StateVector = new Map([
      [1, 5],
      [2, 3],
    ])
    expect(covers(some, some)).toBe(true)
    expect(covers(some, new Map())).toBe(true)
    expect(covers(some, new Map([[3, 0]]))).toBe(true)
    expect(covers(some, new Map([[1, 6]]))).toBe(false)
    expect(covers(some, new Map([[3, 1]]))).toBe(false)
    expect(covers(new Map(), some)).toBe(false)
  })
})
