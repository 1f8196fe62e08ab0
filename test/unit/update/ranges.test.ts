import {
  addClientRanges,
  addRange,
  type ClientRanges,
  contains,
  containsClientRanges,
  equalClientRanges,
  intersectRanges,
  type Ranges,
  subtractClientRanges,
  subtractRanges,
  uniteRanges,
} from '@syncline/shared/update/ranges'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { documentsCount, propertyTimeoutMs, seed } from './random-document.ts'

/** Ranges as the set of the clocks in them, which is what they mean. */
const clockMax = 40
const clocksArbitrary = fc.uniqueArray(fc.nat(clockMax - 1))

describe('ranges', () => {
  test.each<[string, Ranges, number, number, Ranges]>([
    ['into nothing', [], 3, 5, [3, 5]],
    ['behind', [0, 2], 3, 5, [0, 2, 3, 5]],
    ['at the end', [0, 3], 3, 5, [0, 5]],
    ['over the end', [0, 3, 6, 8], 7, 10, [0, 3, 6, 10]],
    ['inside', [0, 9], 3, 5, [0, 9]],
    ['in front', [6, 8], 0, 2, [0, 2, 6, 8]],
    ['touching the next', [6, 8], 4, 6, [4, 8]],
    ['between, touching both', [0, 2, 4, 6, 9, 10], 2, 4, [0, 6, 9, 10]],
    ['over several', [0, 2, 4, 6, 8, 9, 20, 21], 1, 15, [0, 15, 20, 21]],
    ['empty', [0, 2], 7, 7, [0, 2]],
  ])('addRange %s', (_, ranges, from, to, expected) => {
    addRange(ranges, from, to)
    expect(ranges).toEqual(expected)
  })

  test(`are sets of clocks, sorted, and never touch, seed ${seed}`, { timeout: propertyTimeoutMs }, () => {
    fc.assert(
      fc.property(
        clocksArbitrary,
        clocksArbitrary,
        fc.nat(clockMax),
        fc.nat(clockMax),
        (someA, someB, one, other) => {
          const [a, b] = [fromClocks(someA), fromClocks(someB)]
          const [inA, inB] = [new Set(someA), new Set(someB)]
          expectClocks(a, inA)
          expectClocks(subtractRanges(a, b), minus(inA, inB))
          expectClocks(intersectRanges(a, b), both(inA, inB))
          expectClocks(uniteRanges(a, b), either(inA, inB))
          const [from, to] = [Math.min(one, other), Math.max(one, other)]
          expect(contains(a, from, to)).toBe(clocksFrom(from, to).every(clock => inA.has(clock)))
        },
      ),
      { numRuns: 5 * documentsCount, seed },
    )
  })

  test('subtracting 100,000 ranges from 100,000 takes one pass, not one for each', () => {
    const [even, odd]: [Ranges, Ranges] = [[], []]
    for (let i = 0; i < 100_000; i++) {
      addRange(even, 4 * i, 4 * i + 2)
      addRange(odd, 4 * i + 1, 4 * i + 3)
    }
    expect(subtractRanges(even, odd)).toHaveLength(200_000)
    expect(uniteRanges(even, odd)).toHaveLength(200_000)
  })
})

describe('client ranges', () => {
  test(`are ranges for each client, seed ${seed}`, { timeout: propertyTimeoutMs }, () => {
    const arbitrary = fc.dictionary(fc.constantFrom('1', '7', '9007199254740991'), clocksArbitrary, {
      maxKeys: 3,
    })
    fc.assert(
      fc.property(arbitrary, arbitrary, (someA, someB) => {
        const [a, b] = [fromDictionary(someA), fromDictionary(someB)]
        const rest = subtractClientRanges(a, b)
        const sum = copy(b)
        addClientRanges(sum, a)
        for (const client of [1, 7, 9_007_199_254_740_991]) {
          const [inA, inB] = [new Set(someA[client] ?? []), new Set(someB[client] ?? [])]
          expectClocks(rest.get(client) ?? [], minus(inA, inB))
          expectClocks(sum.get(client) ?? [], either(inA, inB))
        }
        for (const ranges of [...rest.values(), ...sum.values()]) expect(ranges).not.toEqual([])
        expect(containsClientRanges(sum, a) && containsClientRanges(sum, b)).toBe(true)
        expect(containsClientRanges(b, a)).toBe(rest.size === 0)
        expect(equalClientRanges(a, b)).toBe(rest.size === 0 && subtractClientRanges(b, a).size === 0)
      }),
      { numRuns: 2 * documentsCount, seed },
    )
  })

  test('what was added stays independent of where it came from', () => {
    const from: ClientRanges = new Map([[1, [0, 5]]])
    const into: ClientRanges = new Map()
    addClientRanges(into, from)
    addRange(into.get(1)!, 5, 9)
    expect(from).toEqual(new Map([[1, [0, 5]]]))
    expect(subtractClientRanges(from, new Map()).get(1)).not.toBe(from.get(1))
  })
})

const minus = (a: Set<number>, b: Set<number>) => new Set([...a].filter(clock => !b.has(clock)))
const both = (a: Set<number>, b: Set<number>) => new Set([...a].filter(clock => b.has(clock)))
const either = (a: Set<number>, b: Set<number>) => new Set([...a, ...b])

function fromClocks(clocks: readonly number[]): Ranges {
  const ranges: Ranges = []
  for (const clock of clocks) addRange(ranges, clock, clock + 1)
  return ranges
}

function fromDictionary(clocks: Record<string, number[]>): ClientRanges {
  return new Map(
    Object.entries(clocks)
      .filter(([, some]) => some.length > 0)
      .map(([client, some]) => [Number(client), fromClocks(some)]),
  )
}

function copy(ranges: ClientRanges): ClientRanges {
  return new Map([...ranges].map(([client, ofClient]) => [client, ofClient.slice()]))
}

function clocksFrom(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}

function expectClocks(ranges: Ranges, clocks: ReadonlySet<number>): void {
  const held: number[] = []
  for (let i = 0; i < ranges.length; i += 2) {
    // Sorted, not empty, and apart from the one before.
    expect(ranges[i]!).toBeLessThan(ranges[i + 1]!)
    if (i > 0) expect(ranges[i]!).toBeGreaterThan(ranges[i - 1]!)
    held.push(...clocksFrom(ranges[i]!, ranges[i + 1]!))
  }
  expect(held).toEqual([...clocks].sort((a, b) => a - b))
}
