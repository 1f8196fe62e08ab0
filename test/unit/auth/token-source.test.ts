import { findToken } from '@syncline/server/internal/auth/token-source'
import { expect, test } from 'vitest'

const found = (url: string, headers: Parameters<typeof findToken>[0]['headers'] = {}) => {
  const result = findToken({ url, headers })
  return result.ok ? result.token : result.refusal.message
}

test.each([
  ['the query', '/doc?token=a.b.c', {}],
  ['the query, encoded and beside others', '/doc?x=1&token=a%2Eb.c&y', {}],
  ['Authorization', '/doc', { authorization: 'Bearer a.b.c' }],
  ['Authorization in small letters', '/doc', { authorization: 'bearer  a.b.c ' }],
  ['a subprotocol', '/doc', { 'sec-websocket-protocol': 'syncline, syncline-token.a.b.c' }],
  [
    'all of them',
    '/?token=a.b.c&token=a.b.c',
    { authorization: 'Bearer a.b.c', 'sec-websocket-protocol': 'syncline-token.a.b.c' },
  ],
])('a token is found in %s', (_, url, headers) => {
  expect(found(url, headers)).toBe('a.b.c')
})

test.each([
  ['/doc', {}],
  ['/token=a', {}],
  ['/doc?token=', {}],
  ['/doc?Token=a', {}],
  ['/doc', { authorization: 'Basic dTpw' }],
  ['/doc', { authorization: 'Bearer' }],
  ['/doc', { 'sec-websocket-protocol': 'syncline-token.' }],
  ['/doc', { 'sec-websocket-protocol': 'a.b.c' }],
])('there is none in %s with %j', (url, headers) => {
  expect(found(url, headers)).toBeNull()
})

test.each([
  ['/?token=a&token=b', {}, '?token='],
  ['/?token=a', { authorization: 'Bearer b' }, '?token= and Authorization'],
  ['/', { 'sec-websocket-protocol': 'syncline-token.a,syncline-token.b' }, 'a subprotocol'],
])('different tokens in %s with %j are refused', (url, headers, places) => {
  expect(found(url, headers)).toBe(`Different tokens came in ${places}, and only one counts.`)
})
