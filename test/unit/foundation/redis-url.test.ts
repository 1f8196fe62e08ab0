import { parseRedisUrl } from '@syncline/server/internal/foundation/redis-url'
import { expect, test } from 'vitest'

const plain = { masterName: '', username: null, password: null, database: 0, tls: false }
const address = (host: string, port: number) => ({ host, port })

test.each([
  ['redis://localhost', { kind: 'single', addresses: [address('localhost', 6379)] }],
  ['redis://10.0.0.1:7000/3', { kind: 'single', addresses: [address('10.0.0.1', 7000)], database: 3 }],
  ['redis://[::1]:6380/', { kind: 'single', addresses: [address('::1', 6380)] }],
  [
    'rediss://me:p%40s%3As@redis.example.org',
    {
      kind: 'single',
      addresses: [address('redis.example.org', 6379)],
      tls: true,
      username: 'me',
      password: 'p@s:s',
    },
  ],
  ['redis://:secret@a', { kind: 'single', addresses: [address('a', 6379)], password: 'secret' }],
  ['redis://p@ss@a', { kind: 'single', addresses: [address('a', 6379)], password: 'p@ss' }],
  [
    'redis+sentinel://me:secret@a,b:26380/my%20master',
    {
      kind: 'sentinel',
      addresses: [address('a', 26_379), address('b', 26_380)],
      masterName: 'my master',
      username: 'me',
      password: 'secret',
    },
  ],
  [
    'rediss+cluster://a:7000,b:7001',
    { kind: 'cluster', addresses: [address('a', 7000), address('b', 7001)], tls: true },
  ],
])('%s names a Redis', (url, target) => {
  expect(parseRedisUrl(url)).toEqual({ ...plain, ...target })
})

test.each([
  '',
  'localhost:6379',
  'http://localhost',
  'redis://',
  'redis://a,b',
  'redis://a:0',
  'redis://a:65536',
  'redis://a/three',
  'redis://a/1/2',
  'redis://a/-1',
  'redis://a?db=1',
  'redis://%zz@a',
  'redis://a b',
  'redis+sentinel://a',
  'redis+sentinel://a/',
  'redis+cluster://a/1',
  'redis+cluster://a,,b',
  `redis+cluster://${Array(101).fill('a').join(',')}`,
])('%s names none', url => {
  expect(parseRedisUrl(url)).toBeNull()
})
