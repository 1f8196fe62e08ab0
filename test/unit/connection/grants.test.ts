import type { Grant } from '@syncline/server/internal/auth/grant'
import { Grants } from '@syncline/server/internal/connection/grants'
import type { CloseCode } from '@syncline/shared/wire/close-codes'
import { beforeEach, expect, test } from 'vitest'
import { type Door, openDoor, secret } from '../../support/auth-stage.ts'
import { turn } from '../../support/room-clock.ts'

let door: Door
let grants: Grants

beforeEach(async () => {
  door = await openDoor({ authSecret: secret })
  grants = new Grants(door.revocations, door.clock)
})

const grantOf = (more: Partial<Grant> = {}): Grant => ({
  access: 'write',
  granted: more.access ?? 'write',
  user: { id: 'u1', name: null, color: null },
  tokenId: 't1',
  issuedMs: null,
  endsMs: door.clock.now() + 3_600_000,
  ...more,
})

/** A session that notes what it is told. */
function session() {
  const told: string[] = []
  return {
    told,
    endsSoon: () => void told.push('ends soon'),
    setAccess: (access: string) => void told.push(access),
    close: ({ code }: CloseCode, detail?: string) => void told.push(`${code} ${detail}`),
  }
}

const revoke = (order: { user?: string; document?: string; access: 'none' | 'read' | 'admin' }) =>
  door.revocations.revoke({ user: null, token: null, document: null, ...order })

test('[AUTH-2] a grant ends when its token does, at most a second late, and it is told a minute before', () => {
  const one = session()
  grants.watch(grantOf(), 'doc', one)
  door.clock.advance(3_539_000)
  expect(one.told).toEqual([])
  door.clock.advance(60_000)
  expect(one.told).toEqual(['ends soon'])
  door.clock.advance(2_000)
  expect(one.told[1]).toMatch(/^4401 The token was valid until /)
})

test('[AUTH-2] a newer token takes the place of the one that would have ended', () => {
  const one = session()
  const watched = grants.watch(grantOf(), 'doc', one)
  watched.replace(grantOf({ endsMs: door.clock.now() + 7_200_000, access: 'read' }))
  expect(one.told).toEqual(['read'])
  door.clock.advance(3_601_000)
  expect(one.told).toEqual(['read'])
})

test('[AUTH-2] what is revoked ends for those whom it names, and for nobody else', async () => {
  const [one, other, elsewhere] = [session(), session(), session()]
  grants.watch(grantOf(), 'doc', one)
  grants.watch(grantOf({ user: { id: 'u2', name: null, color: null } }), 'doc', other)
  grants.watch(grantOf(), 'elsewhere', elsewhere)
  await revoke({ user: 'u1', document: 'doc', access: 'none' })
  await turn()
  expect(one.told).toEqual(['4401 What the token allowed has been revoked.'])
  expect([other.told, elsewhere.told]).toEqual([[], []])
})

test('[AUTH-2] what is left of a grant is less for a while, and all of it again when the revocation is taken back', async () => {
  const one = session()
  grants.watch(grantOf({ access: 'admin' }), 'doc', one)
  await revoke({ user: 'u1', access: 'read' })
  await turn()
  await revoke({ user: 'u1', access: 'admin' })
  await turn()
  expect(one.told).toEqual(['read', 'admin'])
})

test('[AUTH-2] who came while something was revoked has it, too, when that is taken back', async () => {
  await revoke({ user: 'u1', access: 'read' })
  const one = session()
  grants.watch({ ...grantOf(), access: 'read' }, 'doc', one)
  await turn()
  expect(one.told).toEqual([])
  await revoke({ user: 'u1', access: 'admin' })
  await turn()
  expect(one.told).toEqual(['write'])
})

test('[AUTH-2] thousands are judged in slices, all of them within seconds', async () => {
  const many = Array.from({ length: 2_000 }, () => session())
  for (const one of many) grants.watch(grantOf(), 'doc', one)
  await turn()
  void revoke({ user: 'u1', access: 'none' })
  await turn()
  const afterOneTurn = many.filter(({ told }) => told.length > 0).length
  expect(afterOneTurn).toBeGreaterThan(0)
  expect(afterOneTurn).toBeLessThan(2_000)
  for (let turns = 0; turns < 10; turns++) await turn()
  expect(many.every(({ told }) => told.length === 1)).toBe(true)
})

test('[AUTH-2] what was revoked between the check of a token and its first frame counts when the session opens', async () => {
  const [one, less] = [session(), session()]
  const [checked, other] = [grantOf(), grantOf({ user: { id: 'u2', name: null, color: null } })]
  await revoke({ user: 'u1', access: 'none' })
  await revoke({ user: 'u2', access: 'read' })
  await turn()
  grants.watch(checked, 'doc', one)
  grants.watch(other, 'doc', less)
  // Not inside of the call: whoever opens a session does not have it yet.
  expect(one.told).toEqual([])
  await Promise.resolve()
  expect([one.told, less.told]).toEqual([['4401 What the token allowed has been revoked.'], ['read']])
})

test('[AUTH-2] a token that ended before its first frame opens nothing', async () => {
  const one = session()
  grants.watch(grantOf({ endsMs: door.clock.now() }), 'doc', one)
  await Promise.resolve()
  expect(one.told).toMatchObject([expect.stringMatching(/^4401 The token was valid until /)])
})

test('[AUTH-2] a thousand revocations at once cost no more than two judgings of everybody', async () => {
  const others = Array.from({ length: 1_000 }, () => session())
  const user = { id: 'somebody else', name: null, color: null }
  for (const one of others) grants.watch(grantOf({ user }), 'doc', one)
  const last = session()
  grants.watch(grantOf({ user: { id: 'u999', name: null, color: null } }), 'doc', last)
  await turn()
  let judged = 0
  const judge = door.revocations.judge.bind(door.revocations)
  door.revocations.judge = (...of) => {
    judged++
    return judge(...of)
  }
  const revoked = Array.from({ length: 1_000 }, (_, user) => revoke({ user: `u${user}`, access: 'none' }))
  for (let turns = 0; turns < 20; turns++) await turn()
  await Promise.all(revoked)
  expect(last.told.at(-1)).toMatch(/^4401 .* revoked/)
  expect(judged).toBeLessThanOrEqual(2 * 1_001)
})

test('[AUTH-2] the tokens of thousands that end at once are ended in slices, each once', async () => {
  const many = Array.from({ length: 2_000 }, () => session())
  for (const one of many) grants.watch(grantOf({ endsMs: door.clock.now() + 1_000 }), 'doc', one)
  await turn()
  door.clock.advance(1_000)
  const ended = () => many.filter(({ told }) => told.length > 0).length
  expect(ended()).toBeGreaterThan(0)
  expect(ended()).toBeLessThan(2_000)
  for (let turns = 0; turns < 10; turns++) await turn()
  door.clock.advance(3_000)
  for (let turns = 0; turns < 10; turns++) await turn()
  expect(many.every(({ told }) => told.length === 1)).toBe(true)
})

test('a session that has ended is told nothing', async () => {
  const one = session()
  grants.watch(grantOf(), 'doc', one).stop()
  await revoke({ user: 'u1', access: 'none' })
  await turn()
  door.clock.advance(4_000_000)
  expect(one.told).toEqual([])
})
