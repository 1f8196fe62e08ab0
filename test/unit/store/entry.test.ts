import {
  type Author,
  decodeEntry,
  decodeOrigin,
  type Entry,
  encodeEntry,
} from '@syncline/server/internal/store/entry'
import { StoredFormatError } from '@syncline/server/internal/store/stored-reader'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { count, testSeed } from '../../support/counts.ts'

const seed = testSeed()
const cases = count('ENTRIES', 300)

const id = fc.nat({ max: Number.MAX_SAFE_INTEGER })
/** Sorted, disjoint, half-open: any sorted list of an even number of different clocks is one. */
const ranges = fc
  .uniqueArray(id, { minLength: 2, maxLength: 12 })
  .map(clocks => clocks.slice(clocks.length % 2).sort((a, b) => a - b))
const clientRanges = fc.array(fc.tuple(id, ranges), { maxLength: 4 }).map(pairs => new Map(pairs))
const text = fc.string({ unit: 'grapheme' })
const author: fc.Arbitrary<Author> = fc.record({ name: text, structs: clientRanges, deletes: clientRanges })
const hexDigits = fc
  .uint8Array({ minLength: 8, maxLength: 8 })
  .map(bytes => Buffer.from(bytes).toString('hex'))
const entry: fc.Arbitrary<Entry> = fc.record({
  kind: fc.constantFrom('update', 'room-event', 'restore-mark'),
  timeMs: id,
  update: fc.uint8Array({ maxLength: 300 }),
  authors: fc.array(author, { maxLength: 3 }),
  instance: text,
  nonce: hexDigits,
})

const place = { seq: 7, link: '0123456789abcdef', previousLink: 'fedcba9876543210' }
const decode = (bytes: Uint8Array) => decodeEntry(bytes, place.seq, place.link, place.previousLink)

const sample: Entry = {
  kind: 'room-event',
  timeMs: 1_790_000_000_000,
  update: new Uint8Array([1, 2, 3]),
  authors: [{ name: 'ann', structs: new Map([[5, [1, 4, 6, 9]]]), deletes: new Map([[9, [0, 2]]]) }],
  instance: 'i1',
  nonce: 'a1b2c3d4e5f60718',
}

describe('entry bytes', () => {
  test(`any entry is decoded as it was encoded (${cases} cases, seed ${seed})`, () => {
    fc.assert(
      fc.property(entry, entry => {
        const bytes = encodeEntry(entry)
        expect(decode(bytes)).toEqual({ ...entry, ...place })
        expect(decodeOrigin(bytes)).toEqual({ instance: entry.instance, nonce: entry.nonce })
      }),
      { seed, numRuns: cases },
    )
  })

  test('format 1 has these bytes', () => {
    const expected = [
      [1], // format
      [0xa1, 0xb2, 0xc3, 0xd4, 0xe5, 0xf6, 0x07, 0x18], // nonce
      [2, 0x69, 0x31], // instance
      [1], // kind
      [0x80, 0xd8, 0xc1, 0xa2, 0x8c, 0x34], // time
      [1, 3, 0x61, 0x6e, 0x6e], // one author, named
      [1, 5, 2, 1, 3, 2, 3], // structs of one client: two ranges, as distance and length
      [1, 9, 1, 0, 2], // deletes
      [3, 1, 2, 3], // update
    ].flat()
    expect([...encodeEntry(sample)]).toEqual(expected)
  })

  test('an entry that is cut off anywhere is an error that says what was expected there', () => {
    const bytes = encodeEntry(sample)
    for (let length = 0; length < bytes.length; length++) {
      const cut = () => decode(bytes.subarray(0, length))
      expect(cut).toThrow(StoredFormatError)
      expect(cut).toThrow(/malformed entry: expected .+ at byte \d+ of \d+/)
    }
  })

  test.each([
    ['another format', (b: number[]) => b.with(0, 2), 'expected format 1, got format 2'],
    ['an unknown kind', (b: number[]) => b.with(12, 3), 'expected a kind below 3, got 3'],
    ['bytes after the end', (b: number[]) => [...b, 0], 'expected the end of the entry at byte 40 of 41'],
    ['more authors than bytes', (b: number[]) => b.with(19, 100), 'expected 100 authors'],
    ['an empty range', (b: number[]) => b.with(28, 0), 'struct ranges of at least one clock'],
    ['a name that is not UTF-8', (b: number[]) => b.with(21, 0xff), 'expected the name of an author'],
  ])('%s is an error', (_, change, message) => {
    expect(() => decode(new Uint8Array(change([...encodeEntry(sample)])))).toThrow(message)
  })

  test('a client that comes twice is an error', () => {
    const bytes = [...encodeEntry({ ...sample, authors: [] })]
    const authors = bytes.lastIndexOf(0)
    const twice = [1, 0, 2, 4, 1, 0, 1, 4, 1, 0, 1, 0]
    expect(() => decode(new Uint8Array(bytes.toSpliced(authors, 1, ...twice)))).toThrow('got 4 again')
  })

  test.each([
    ['a nonce that is not 16 hex digits', { ...sample, nonce: 'a1b2' }],
    ['ranges out of order', withRanges([4, 6, 1, 2])],
    ['an empty range', withRanges([4, 4])],
    ['half a range', withRanges([4])],
  ])('%s cannot be encoded: it could not be read back', (_, entry) => {
    expect(() => encodeEntry(entry)).toThrow(StoredFormatError)
  })
})

function withRanges(ranges: number[]): Entry {
  return { ...sample, authors: [{ name: 'ann', structs: new Map([[5, ranges]]), deletes: new Map() }] }
}
