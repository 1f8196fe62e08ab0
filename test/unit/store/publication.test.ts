import { type Entry, encodeEntry } from '@syncline/server/internal/store/entry'
import {
  decodePublication,
  encodePresence,
  encodePresenceAsked,
  encodeStateless,
  publicationHead,
} from '@syncline/server/internal/store/publication'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { testSeed } from '../../support/counts.ts'

const seed = testSeed()
const instance = '00112233445566ff'
const [link1, link2, link3] = ['1111111111111111', '2222222222222222', '3333333333333333'] as const

function makeEntry(nonce: string): Entry {
  return { kind: 'update', timeMs: 5, update: new Uint8Array([7, 8]), authors: [], instance: 'i', nonce }
}

function published(seq: number, previousLink: string, entries: readonly [string, Uint8Array][]): Buffer {
  const numbers = Buffer.alloc(8)
  numbers.writeBigUInt64BE(BigInt(seq))
  const parts = entries.map(([link, body]) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(body.length)
    return Buffer.concat([Buffer.from(link, 'hex'), length, body])
  })
  return Buffer.concat([
    publicationHead('entries', instance),
    numbers,
    Buffer.from(previousLink, 'hex'),
    ...parts,
  ])
}

test('entries come out with their places in the log', () => {
  const [first, second] = [makeEntry('a'.repeat(16)), makeEntry('b'.repeat(16))]
  const bytes = published(2 ** 53 - 2, link1, [
    [link2, encodeEntry(first)],
    [link3, encodeEntry(second)],
  ])
  expect(decodePublication(bytes)).toEqual({
    instance,
    kind: 'entries',
    entries: [
      { ...first, seq: 2 ** 53 - 2, link: link2, previousLink: link1 },
      { ...second, seq: 2 ** 53 - 1, link: link3, previousLink: link2 },
    ],
  })
})

test('of entries that cannot be decoded the end is told, so that the log is read', () => {
  const bytes = published(4, link1, [
    [link2, encodeEntry(makeEntry('a'.repeat(16)))],
    [link3, Uint8Array.of(99)],
  ])
  expect(decodePublication(bytes)).toEqual({ instance, kind: 'appended', end: { seq: 5, link: link3 } })
})

test('presence and the question after it come out as they went in', () => {
  const awareness = Buffer.from([1, 2, 3])
  for (const whole of [true, false]) {
    expect(decodePublication(encodePresence(instance, awareness, whole))).toEqual({
      instance,
      kind: 'presence',
      whole,
      awareness,
    })
  }
  expect(decodePublication(encodePresenceAsked(instance))).toEqual({ instance, kind: 'presence-asked' })
})

test('a stateless text comes out as it went in', () => {
  const payload = 'hello, ü'
  expect(decodePublication(encodeStateless(instance, payload))).toEqual({
    instance,
    kind: 'stateless',
    payload,
  })
})

test('the bytes stay what they are: versions run side by side', () => {
  expect(encodePresence(instance, Uint8Array.of(9), true).toString('hex')).toBe(`0105${instance}0109`)
  expect(encodePresenceAsked(instance).toString('hex')).toBe(`0106${instance}`)
  expect(encodeStateless(instance, 'A').toString('hex')).toBe(`0107${instance}41`)
  const heads = (['entries', 'appended', 'base-replaced', 'epoch-ended'] as const).map(kind =>
    publicationHead(kind, instance).toString('hex', 0, 2),
  )
  expect(heads).toEqual(['0101', '0102', '0103', '0104'])
})

test('a kind or a version that is not known is passed over', () => {
  const known = encodePresenceAsked(instance)
  for (const [at, value] of [
    [0, 2],
    [1, 9],
    [1, 8],
    [1, 200],
  ] as const) {
    const bytes = Buffer.from(known)
    bytes[at] = value
    expect(decodePublication(bytes)).toBeNull()
  }
})

test(`what is cut off or made up is never an error (seed ${seed})`, () => {
  const whole = published(4, link1, [[link2, encodeEntry(makeEntry('a'.repeat(16)))]])
  for (let length = 0; length < whole.length; length++)
    expect(decodePublication(whole.subarray(0, length)), `${length} bytes`).toBeNull()
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 8 }), fc.uint8Array({ maxLength: 60 }), (kind, bytes) => {
      decodePublication(Buffer.from([1, kind, ...bytes]))
    }),
    { seed, numRuns: 2_000 },
  )
})
