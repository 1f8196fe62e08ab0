import { allows, lesserAccess } from '@syncline/shared/api/access'
import { type Revocation, readRevocation, targetOf } from '@syncline/shared/api/revocation'
import { expect, test } from 'vitest'

const good: Revocation = {
  user: 'u1',
  token: null,
  document: null,
  access: 'none',
  sinceMs: 1,
  untilMs: 2,
}

test('a revocation is read as what it is, without what else stands beside it', () => {
  expect(readRevocation({ ...good, more: 1 })).toEqual(good)
  expect(readRevocation({ ...good, user: null, document: '' })).toMatchObject({ document: '' })
})

test.each([
  null,
  'u1',
  [],
  { ...good, user: null },
  { ...good, user: undefined },
  { ...good, user: 7 },
  { ...good, user: 'u'.repeat(8_193) },
  { ...good, token: {} },
  { ...good, access: 'all' },
  { ...good, access: undefined },
  { ...good, sinceMs: '1' },
  { ...good, untilMs: 1.5 },
  { ...good, untilMs: -1 },
  { ...good, untilMs: Number.NaN },
])('%j is none', value => {
  expect(readRevocation(value)).toBeNull()
})

test('two revocations have one target only if they name the same', () => {
  const none = { user: null, token: null, document: null }
  const targets = [
    { ...none, user: 'a' },
    { ...none, token: 'a' },
    { ...none, document: 'a' },
    { ...none, user: 'a', document: 'a' },
    { ...none, user: 'null' },
    { ...none, user: 'a","a' },
  ]
  expect(new Set(targets.map(targetOf)).size).toBe(targets.length)
  expect(targetOf({ document: 'b', user: 'a', token: null })).toBe(
    targetOf({ ...none, user: 'a', document: 'b' }),
  )
})

test('each access allows those before it', () => {
  expect(allows('admin', 'write') && allows('write', 'read') && allows('read', 'read')).toBe(true)
  expect(allows('read', 'write') || allows('write', 'admin')).toBe(false)
  expect([
    lesserAccess('admin', 'read'),
    lesserAccess('read', 'admin'),
    lesserAccess('write', 'write'),
  ]).toEqual(['read', 'read', 'write'])
})
