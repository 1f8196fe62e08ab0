import { ByteCache } from '@syncline/server/internal/foundation/byte-cache'
import { expect, test } from 'vitest'

const bytes = (length: number) => new Uint8Array(length)
const counting = (length: number | null) => {
  const fetch = async () => {
    fetch.calls++
    return length === null ? null : bytes(length)
  }
  fetch.calls = 0
  return fetch
}

test('what was fetched once is not fetched again', async () => {
  const cache = new ByteCache(100)
  const fetch = counting(10)
  const first = await cache.get('a', fetch)
  expect(await cache.get('a', fetch)).toBe(first)
  expect(fetch.calls).toBe(1)
})

test('whoever asks during a fetch waits for the same one', async () => {
  const cache = new ByteCache(100)
  const fetch = counting(10)
  const [first, second] = await Promise.all([cache.get('a', fetch), cache.get('a', fetch)])
  expect(second).toBe(first)
  expect(fetch.calls).toBe(1)
})

test('above the bound the least recently used goes first', async () => {
  const cache = new ByteCache(30)
  for (const key of ['a', 'b', 'c']) await cache.get(key, counting(10))
  await cache.get('a', counting(10))
  await cache.get('d', counting(10))
  expect(cache.bytes).toBe(30)
  const [a, b] = [counting(10), counting(10)]
  await cache.get('a', a)
  await cache.get('b', b)
  expect([a.calls, b.calls]).toEqual([0, 1])
})

test('nothing larger than the bound is kept, and nothing that is not there', async () => {
  const cache = new ByteCache(30)
  expect(await cache.get('large', counting(31))).toHaveLength(31)
  expect(await cache.get('gone', counting(null))).toBeNull()
  expect(cache.bytes).toBe(0)
  const again = counting(5)
  expect(await cache.get('gone', again)).toHaveLength(5)
})

test('a fetch that failed is tried again by the next who asks', async () => {
  const cache = new ByteCache(30)
  await expect(cache.get('a', () => Promise.reject(new Error('away')))).rejects.toThrow('away')
  expect(await cache.get('a', counting(5))).toHaveLength(5)
})

test('a sweep lets go of what nobody has asked for since the last one', async () => {
  const cache = new ByteCache(100)
  for (const key of ['a', 'b']) await cache.get(key, counting(10))
  cache.sweep()
  await cache.get('a', counting(10))
  cache.sweep()
  expect(cache.bytes).toBe(10)
  const [a, b] = [counting(10), counting(10)]
  await cache.get('a', a)
  await cache.get('b', b)
  expect([a.calls, b.calls]).toEqual([0, 1])
})
