import { parseClaims } from '@syncline/server/internal/auth/claims'
import { grantFrom } from '@syncline/server/internal/auth/grant'
import { describe, expect, test } from 'vitest'

const docs = [{ name: '*', access: 'write' }]

describe('claims', () => {
  test('are who somebody is, and what they may open until when', () => {
    const given = {
      sub: 'u1',
      name: 'Ada',
      color: '#30bced',
      jti: 't1',
      iat: 1_000,
      exp: 2_000.5,
      docs,
      role: 7,
    }
    expect(parseClaims(given)).toEqual({
      ok: true,
      claims: {
        user: { id: 'u1', name: 'Ada', color: '#30bced' },
        tokenId: 't1',
        issuedMs: 1_000_000,
        endsMs: 2_000_500,
        docs,
      },
    })
  })

  test('may leave out everything but the documents', () => {
    const claims = { user: null, tokenId: null, issuedMs: null, endsMs: null, docs: [] }
    expect(parseClaims({ docs: [] })).toEqual({ ok: true, claims })
    expect(parseClaims({ docs: [], sub: null, name: null, exp: null })).toEqual({ ok: true, claims })
  })

  test.each([
    [null, /expected object/],
    [[], /expected object/],
    [{}, /^docs: /],
    [{ docs: {} }, /^docs: /],
    [{ docs: [{ name: 'a', access: 'owner' }] }, /^docs\.0\.access: /],
    [{ docs: [{ name: '', access: 'read' }] }, /^docs\.0\.name: /],
    [{ docs: [{ name: 'a'.repeat(8_193), access: 'read' }] }, /^docs\.0\.name: /],
    [{ docs: Array(1_001).fill(docs[0]) }, /^docs: /],
    [{ docs, sub: '' }, /^sub: /],
    [{ docs, sub: 7 }, /^sub: /],
    [{ docs, name: 'n'.repeat(257) }, /^name: /],
    [{ docs, jti: 'j'.repeat(257) }, /^jti: /],
    [{ docs, exp: '2000' }, /^exp: /],
    [{ docs, exp: Date.now() * 1000 }, /^exp: /],
    [{ docs, iat: -1 }, /^iat: /],
    [{ docs, color: 'red;background:url(//evil)' }, /^color: expected a CSS colour/],
  ])('%j is refused with the claim that is wrong', (given, reason) => {
    const parsed = parseClaims(given)
    expect(parsed.ok ? '' : parsed.reason).toMatch(reason)
    expect(parsed.ok ? '' : parsed.reason).not.toContain('evil')
  })
})

describe('a grant', () => {
  const accessOf = (docs: unknown, document: string | null) => {
    const parsed = parseClaims({ sub: 'u1', docs })
    return parsed.ok ? (grantFrom(parsed.claims, { document, endsMs: 9 })?.access ?? null) : 'invalid'
  }

  test('has who it is and when it ends', () => {
    const parsed = parseClaims({ sub: 'u1', jti: 't1', iat: 1, docs })
    expect(parsed.ok && grantFrom(parsed.claims, { document: 'a', endsMs: 9 })).toEqual({
      access: 'write',
      granted: 'write',
      user: { id: 'u1', name: null, color: null },
      tokenId: 't1',
      issuedMs: 1_000,
      endsMs: 9,
    })
  })

  test('is of the longest pattern that matches, whatever it allows', () => {
    const some = [
      { name: '*', access: 'admin' },
      { name: 'team/*', access: 'read' },
      { name: 'team/mine', access: 'write' },
    ]
    expect(accessOf(some, 'other')).toBe('admin')
    expect(accessOf(some, 'team/theirs')).toBe('read')
    expect(accessOf(some, 'team/mine')).toBe('write')
    expect(accessOf([...some].reverse(), 'team/theirs')).toBe('read')
  })

  test('of patterns of one length is the one that allows most', () => {
    const pair = [
      { name: 'a*', access: 'write' },
      { name: '*b', access: 'read' },
    ]
    expect(accessOf(pair, 'ab')).toBe('write')
    expect(accessOf([...pair].reverse(), 'ab')).toBe('write')
  })

  test('is none where no pattern matches', () => {
    expect(accessOf([{ name: 'a', access: 'admin' }], 'b')).toBeNull()
    expect(accessOf([], 'b')).toBeNull()
  })

  test('of the server as a whole needs every document', () => {
    expect(accessOf([{ name: '*', access: 'admin' }], null)).toBe('admin')
    expect(accessOf([{ name: 'a*', access: 'admin' }], null)).toBeNull()
    const except = [
      { name: '*', access: 'read' },
      { name: 'a*', access: 'admin' },
    ]
    expect(accessOf(except, null)).toBe('read')
  })
})
