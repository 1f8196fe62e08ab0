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

/** Keeps the bytes of these keys: each is asked for twice. */
async function keep(cache: ByteCache, ...keys: string[]): Promise<void> {
  for (const key of keys) await Promise.all([cache.get(key, counting(10)), cache.get(key, counting(10))])
}

test('what is asked for once is not kept', async () => {
  const cache = new ByteCache(100)
  await cache.get('a', counting(10))
  expect(cache.bytes).toBe(0)
})

test('what is asked for a second time is kept from then on', async () => {
  const cache = new ByteCache(100)
  const fetch = counting(10)
  await cache.get('a', fetch)
  const second = await cache.get('a', fetch)
  expect(await cache.get('a', fetch)).toBe(second)
  expect(fetch.calls).toBe(2)
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
  await keep(cache, 'a', 'b', 'c')
  await cache.get('a', counting(10))
  await keep(cache, 'd')
  expect(cache.bytes).toBe(30)
  const [a, b] = [counting(10), counting(10)]
  await cache.get('a', a)
  await cache.get('b', b)
  expect([a.calls, b.calls]).toEqual([0, 1])
})

test('nothing larger than the bound is kept, and nothing that is not there', async () => {
  const cache = new ByteCache(30)
  for (const _ of ['once', 'again']) {
    expect(await cache.get('large', counting(31))).toHaveLength(31)
    expect(await cache.get('gone', counting(null))).toBeNull()
  }
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
  await keep(cache, 'a', 'b')
  cache.sweep()
  await cache.get('a', counting(10))
  cache.sweep()
  expect(cache.bytes).toBe(10)
  const [a, b] = [counting(10), counting(10)]
  await cache.get('a', a)
  await cache.get('b', b)
  expect([a.calls, b.calls]).toEqual([0, 1])
})
