/**
 * What revocations take back, from whom and for how long, and what happens while their list is away. That the list keeps them is
 * shown in `contract/`.
 */
import type { AuthEvent } from '@syncline/server/internal/auth/auth-event'
import type { Grant } from '@syncline/server/internal/auth/grant'
import { createMemoryRevocations } from '@syncline/server/internal/auth/memory-revocations'
import type { RevocationList, RevocationListener } from '@syncline/server/internal/auth/revocation-list'
import { openRevocations, type RevocationOrder } from '@syncline/server/internal/auth/revocations'
import { settingsWith } from '@syncline/server/internal/foundation/settings'
import type { Settings } from '@syncline/server/internal/foundation/settings-table'
import type { Revocation } from '@syncline/shared/api/revocation'
import { describe, expect, test } from 'vitest'
import { TestClock } from '../../support/room-clock.ts'

const clock0 = new TestClock().now()
const grant: Grant = {
  access: 'admin',
  granted: 'admin',
  user: { id: 'u1', name: null, color: null },
  tokenId: 't1',
  issuedMs: clock0,
  endsMs: clock0 + 3_600_000,
}
const everything = { user: null, token: null, document: null }
const dayMs = 86_400_000

async function open({
  list = createMemoryRevocations(),
  ...given
}: Partial<Settings> & { list?: RevocationList } = {}) {
  const clock = new TestClock()
  const settings = settingsWith({ limitTokenLifeMs: dayMs, ...given })
  const events: AuthEvent[] = []
  const revocations = await openRevocations({ list, clock, settings, onEvent: event => events.push(event) })
  let changes = 0
  revocations.onChange(() => changes++)
  return {
    clock,
    list,
    events,
    revocations,
    changes: () => changes,
    revoke: (order: Partial<RevocationOrder>) =>
      revocations.revoke({ ...everything, access: 'none', ...order }),
    left(of: Partial<Grant> = {}, document: string | null = 'doc') {
      const judged = revocations.judge({ ...grant, granted: of.access ?? grant.granted, ...of }, document)
      return judged.ok ? judged.grant.access : judged.refusal.code
    },
  }
}

/** A list that is away and comes back when the test says so; what it keeps is in memory. */
function interruptible() {
  const kept = createMemoryRevocations()
  const listeners = new Set<RevocationListener>()
  let isAway = false
  const guard = () => {
    if (isAway) throw new Error('no connection')
  }
  const list: RevocationList = {
    async load() {
      guard()
      return kept.load()
    },
    async add(revocation) {
      guard()
      await kept.add(revocation)
    },
    watch(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close: () => kept.close(),
  }
  return {
    list,
    kept,
    goAway() {
      isAway = true
      for (const listener of listeners) listener.away('no connection')
    },
    async comeBack(all?: readonly Revocation[]) {
      isAway = false
      const told = all ?? (await kept.load())
      for (const listener of listeners) listener.changed(told)
    },
  }
}

describe('a revocation', () => {
  const targets: readonly (readonly [Partial<RevocationOrder>, Partial<Grant>, string | null, boolean])[] = [
    [{ user: 'u1' }, {}, 'doc', true],
    [{ user: 'u1' }, {}, null, true],
    [{ user: 'u2' }, {}, 'doc', false],
    [{ user: 'u1' }, { user: null }, 'doc', false],
    [{ token: 't1' }, {}, 'doc', true],
    [{ token: 't1' }, { user: null }, 'doc', true],
    [{ token: 'u1' }, {}, 'doc', false],
    [{ token: 't1' }, { tokenId: null }, 'doc', false],
    [{ document: 'doc' }, { user: null, tokenId: null }, 'doc', true],
    [{ document: 'doc' }, {}, 'doc2', false],
    [{ document: 'doc' }, {}, null, false],
    [{ user: 'u1', document: 'doc' }, {}, 'doc', true],
    [{ user: 'u1', document: 'doc' }, {}, 'doc2', false],
    [{ user: 'u2', document: 'doc' }, {}, 'doc', false],
    [{ token: 't1', document: 'doc' }, {}, 'doc', true],
    [{ user: 'u2', token: 't1' }, {}, 'doc', false],
  ]
  test.each(targets)(
    '[AUTH-2] of %j concerns a grant with %j for document %j: %s',
    async (order, of, document, concerns) => {
      const { revoke, left } = await open()
      await revoke(order)
      expect(left(of, document)).toBe(concerns ? 'GRANT_REVOKED' : 'admin')
    },
  )

  test('[AUTH-2] may leave something, and never gives more than was granted', async () => {
    const { revoke, left } = await open()
    await revoke({ user: 'u1', access: 'write' })
    expect(left()).toBe('write')
    expect(left({ access: 'read' })).toBe('read')
    await revoke({ document: 'doc', access: 'read' })
    expect(left()).toBe('read')
    expect(left({}, 'other')).toBe('write')
    await revoke({ token: 't1', access: 'none' })
    expect(left()).toBe('GRANT_REVOKED')
  })

  test('[AUTH-2] gives back to who came while it counted, and once it has ended everybody is judged again', async () => {
    const { clock, revoke, revocations, changes } = await open()
    await revoke({ user: 'u1', access: 'read', untilMs: clock.now() + 30_000 })
    const before = revocations.judge(grant, 'doc')
    expect(before).toMatchObject({ ok: true, grant: { access: 'read', granted: 'admin' } })
    expect(changes()).toBe(1)
    clock.advance(60_000)
    expect(changes()).toBe(2)
    expect(before.ok && revocations.judge(before.grant, 'doc')).toMatchObject({ grant: { access: 'admin' } })
  })

  test('is ended by a later one of the same target', async () => {
    const { clock, revoke, left } = await open()
    await revoke({ user: 'u1' })
    clock.advance(1)
    await revoke({ user: 'u1', access: 'admin' })
    expect(left()).toBe('admin')
  })

  test('does not concern a token that was made later, by a clock that may go fast', async () => {
    const { clock, revoke, left } = await open()
    await revoke({ user: 'u1' })
    expect(left({ issuedMs: clock.now() + 5_000 })).toBe('GRANT_REVOKED')
    expect(left({ issuedMs: clock.now() + 5_001 })).toBe('admin')
    expect(left({ issuedMs: null })).toBe('GRANT_REVOKED')
  })

  test('is kept as long as any token may live, or as long as was said, and then swept', async () => {
    const { clock, revoke, left, list, revocations } = await open()
    await revoke({ user: 'u1' })
    await revoke({ token: 't1', untilMs: clock.now() + 60_000 })
    await revoke({ document: 'doc', untilMs: clock.now() + 2 * dayMs })
    const kept = (await list.load()).map(({ untilMs }) => untilMs - clock.now())
    expect(kept).toEqual([dayMs, 65_000, dayMs])
    clock.advance(65_000)
    expect(left({ user: null, access: 'write' }, 'other')).toBe('write')
    expect(left()).toBe('GRANT_REVOKED')
    clock.advance(dayMs)
    expect(left()).toBe('admin')
    await revocations.close()
  })

  test('is told to whoever listens, once', async () => {
    const { revoke, changes, events } = await open()
    await revoke({ user: 'u1' })
    expect(changes()).toBe(1)
    expect(events).toContainEqual({ kind: 'revocations', count: 1 })
  })

  test('beyond the limit is refused by name, one that takes the place of another is not', async () => {
    const { clock, revoke, left } = await open({ limitRevocations: 2 })
    await revoke({ user: 'u1', untilMs: clock.now() + 1_000 })
    await revoke({ user: 'u2' })
    expect(await revoke({ user: 'u3' })).toMatchObject({ ok: false, refusal: { code: 'REVOCATIONS_FULL' } })
    expect(left({ user: { id: 'u3', name: null, color: null } })).toBe('admin')
    expect(await revoke({ user: 'u2', access: 'read' })).toMatchObject({ ok: true })
    clock.advance(60_000)
    expect(await revoke({ user: 'u3' })).toMatchObject({ ok: true })
  })
})

describe('while the list is away', () => {
  test('[AUTH-2] what is known goes on to count', async () => {
    const away = interruptible()
    const { revoke, left, changes } = await open({ list: away.list })
    await revoke({ user: 'u1' })
    away.goAway()
    expect(left()).toBe('GRANT_REVOKED')
    expect(left({ user: null })).toBe('admin')
    expect(changes()).toBe(1)
  })

  test('[AUTH-2] nobody is let in where the setting says so, and whoever is in is judged again', async () => {
    const away = interruptible()
    const { left, changes, events } = await open({ list: away.list, revocationsAway: 'refuse' })
    expect(left()).toBe('admin')
    away.goAway()
    away.goAway()
    expect(left()).toBe('REVOCATIONS_UNAVAILABLE')
    expect(changes()).toBe(1)
    await away.comeBack()
    expect(left()).toBe('admin')
    expect(changes()).toBe(2)
    expect(events.filter(({ kind }) => kind !== 'revocations')).toEqual([
      { kind: 'away', part: 'revocations', reason: 'no connection' },
      { kind: 'here', part: 'revocations' },
    ])
  })

  test('[AUTH-2] from the start, nobody is let in until it was read', async () => {
    const away = interruptible()
    away.goAway()
    const { left, changes } = await open({ list: away.list })
    expect(left()).toBe('REVOCATIONS_UNAVAILABLE')
    await away.comeBack()
    expect(left()).toBe('admin')
    expect(changes()).toBe(1)
  })

  test('a revocation counts here, is not said to be saved, and is saved when the list is back', async () => {
    const away = interruptible()
    const { revoke, left, changes } = await open({ list: away.list })
    away.goAway()
    expect(await revoke({ user: 'u1' })).toMatchObject({ refusal: { code: 'REVOCATIONS_UNAVAILABLE' } })
    expect(left()).toBe('GRANT_REVOKED')
    expect(changes()).toBe(1)
    await away.comeBack()
    expect(await away.kept.load()).toMatchObject([{ user: 'u1' }])
  })

  test('what the store lost is put back, and what is newer there counts', async () => {
    const away = interruptible()
    const { clock, revoke, left } = await open({ list: away.list })
    await revoke({ user: 'u1' })
    await revoke({ token: 't1', access: 'read' })
    away.goAway()
    const lost = createMemoryRevocations()
    const newer = {
      ...everything,
      user: 'u1',
      access: 'write',
      sinceMs: clock.now() + 1,
      untilMs: clock.now() + dayMs,
    } as const
    await lost.add(newer)
    await away.comeBack(await lost.load())
    expect(left({ tokenId: null })).toBe('write')
    expect((await away.kept.load()).map(({ token }) => token)).toContain('t1')
    expect(left()).toBe('read')
  })
})
