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
  expect(other.told).toEqual(['write'])
  expect(elsewhere.told).toEqual(['write'])
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

test('[AUTH-2] thousands are judged in slices, all of them within seconds', async () => {
  const many = Array.from({ length: 2_000 }, () => session())
  for (const one of many) grants.watch(grantOf(), 'doc', one)
  void revoke({ user: 'u1', access: 'none' })
  await turn()
  const afterOneTurn = many.filter(({ told }) => told.length > 0).length
  expect(afterOneTurn).toBeGreaterThan(0)
  expect(afterOneTurn).toBeLessThan(2_000)
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
