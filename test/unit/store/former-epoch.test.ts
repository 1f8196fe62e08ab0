import { decodeLacks, encodeLacks } from '@syncline/server/internal/store/former-epoch'
import { StoredFormatError } from '@syncline/server/internal/store/stored-reader'
import { describe, expect, test } from 'vitest'

const lacks = {
  structs: new Map([
    [5, [0, 9]],
    [2 ** 53 - 1, [3, 4, 7, 9]],
  ]),
  deletes: new Map([[5, [2, 3]]]),
}

describe('what is remembered of a former epoch', () => {
  test('is read as it was written', () => {
    expect(decodeLacks(encodeLacks(lacks))).toEqual(lacks)
    const nothing = { structs: new Map(), deletes: new Map() }
    expect(decodeLacks(encodeLacks(nothing))).toEqual(nothing)
  })

  test('has these bytes in format 1', () => {
    const some = { structs: new Map([[5, [1, 4, 6, 9]]]), deletes: new Map([[9, [0, 2]]]) }
    // Format; one client with two ranges, as distance and length; one client with one.
    expect([...encodeLacks(some)]).toEqual([1, 1, 5, 2, 1, 3, 2, 3, 1, 9, 1, 0, 2])
  })

  test('is an error that says what was expected where it is cut off, longer, or of another format', () => {
    const bytes = encodeLacks(lacks)
    for (let length = 0; length < bytes.length; length++)
      expect(() => decodeLacks(bytes.subarray(0, length))).toThrow(StoredFormatError)
    expect(() => decodeLacks(Uint8Array.of(...bytes, 0))).toThrow('expected the end of the former epoch')
    expect(() => decodeLacks(bytes.with(0, 2))).toThrow('expected format 1, got format 2')
  })
})
