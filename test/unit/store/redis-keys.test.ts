import { baseKey, channelOf, keysOf, namesKey } from '@syncline/server/internal/store/redis-keys'
import { expect, test } from 'vitest'

test('all keys of a document have one hash tag, whatever its name holds', () => {
  for (const name of ['a', '}', '{}', '{a}b', '👩‍🚀', '']) {
    const keys = keysOf(name)
    const { channel } = keys
    expect(channel).toMatch(/^syncline:1:\{[0-9a-f]{32}\}$/)
    expect(channelOf(name)).toBe(channel)
    for (const key of [...Object.values(keys), baseKey(keys, 5)]) expect(key.startsWith(channel)).toBe(true)
  }
})

test('the names of keys stay what they are: stored documents are found by them', () => {
  expect(namesKey).toBe('syncline:1:names')
  expect(keysOf('a')).toEqual({
    channel: 'syncline:1:{ca978112ca1bbdcafac231b39a23dc4d}',
    log: 'syncline:1:{ca978112ca1bbdcafac231b39a23dc4d}:log',
    meta: 'syncline:1:{ca978112ca1bbdcafac231b39a23dc4d}:meta',
    former: 'syncline:1:{ca978112ca1bbdcafac231b39a23dc4d}:former',
    lease: 'syncline:1:{ca978112ca1bbdcafac231b39a23dc4d}:lease',
  })
  expect(baseKey(keysOf('a'), 2 ** 53 - 1)).toBe(
    'syncline:1:{ca978112ca1bbdcafac231b39a23dc4d}:base:9007199254740991',
  )
})
