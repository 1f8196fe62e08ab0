import type { RevocationList, RevocationListener } from '@syncline/server/internal/auth/revocation-list'
import type { Revocation } from '@syncline/shared/api/revocation'
import { afterEach, describe, expect, test } from 'vitest'
import { waitUntil } from '../support/wait-until.ts'

/**
 * What every list of revocations guarantees: the prose of `auth/revocation-list.ts`. A new variant is accepted when this passes.
 */
export interface RevocationsVariant {
  readonly name: string
  /** An empty list. */
  open(): Promise<OpenedRevocations>
}

export interface OpenedRevocations {
  readonly list: RevocationList
  /** Closes it and opens what it has left, if the variant leaves anything. */
  readonly reopen?: () => Promise<RevocationList>
  /** The same list as another instance sees it, if the variant is for several. */
  readonly another?: () => Promise<RevocationList>
  remove(): Promise<void>
}

const hourMs = 3_600_000

export function makeRevocation(changed: Partial<Revocation> = {}): Revocation {
  const sinceMs = Date.now()
  return {
    user: 'u1',
    token: null,
    document: null,
    access: 'none',
    sinceMs,
    untilMs: sinceMs + hourMs,
    ...changed,
  }
}

const byTarget = (all: readonly Revocation[]) => [...all].map(one => JSON.stringify(one)).sort()

export function revocationsSuite(variant: RevocationsVariant): void {
  describe(variant.name, () => {
    let opened: OpenedRevocations | null = null
    afterEach(async () => {
      await opened?.remove()
      opened = null
    })
    const open = async () => {
      opened = await variant.open()
      return opened
    }

    test('nothing is in it at first', async () => {
      const { list } = await open()
      expect(await list.load()).toEqual([])
    })

    test('[AUTH-2] what was added is in it, as it was', async () => {
      const { list } = await open()
      const all = [
        makeRevocation(),
        makeRevocation({ user: 'u2', access: 'read' }),
        makeRevocation({ user: null, token: 't1' }),
        makeRevocation({ document: 'a/b' }),
        makeRevocation({ user: null, document: 'a/b', access: 'write' }),
        makeRevocation({ user: 'null', document: '["a",null]\n\u{1f600}' }),
        makeRevocation({ user: 'version', token: '__proto__' }),
        makeRevocation({ user: 'u'.repeat(8_192) }),
      ]
      for (const one of all) await list.add(one)
      expect(byTarget(await list.load())).toEqual(byTarget(all))
    })

    test('of two for one target the newer is in it, whichever came first', async () => {
      const { list } = await open()
      const older = makeRevocation()
      const newer = makeRevocation({ access: 'read', sinceMs: older.sinceMs + 1 })
      await list.add(older)
      await list.add(newer)
      expect(await list.load()).toEqual([newer])
      await list.add(older)
      expect(await list.load()).toEqual([newer])
    })

    test('what is added at once is all in it', async () => {
      const { list } = await open()
      const all = Array.from({ length: 200 }, (_, i) => makeRevocation({ user: `u${i}` }))
      await Promise.all(all.map(one => list.add(one)))
      expect(byTarget(await list.load())).toEqual(byTarget(all))
    })

    test('whoever watches is told everything, until they stop', async () => {
      const { list } = await open()
      const { told, listener } = keepTold()
      const stop = list.watch(listener)
      const [first, second] = [makeRevocation(), makeRevocation({ user: 'u2' })]
      await list.add(first)
      await list.add(second)
      await waitUntil('both to be told', () => told.at(-1)?.length === 2)
      expect(byTarget(told.at(-1)!)).toEqual(byTarget([first, second]))
      stop()
      const before = told.length
      await list.add(makeRevocation({ user: 'u3' }))
      await list.load()
      expect(told).toHaveLength(before)
    })

    test('[AUTH-2] what was added is in it when it is opened again', async context => {
      const { list, reopen } = await open()
      if (reopen === undefined) return context.skip('nothing is left of this variant')
      const all = [makeRevocation(), makeRevocation({ user: 'u2', access: 'read' })]
      for (const one of all) await list.add(one)
      expect(byTarget(await (await reopen()).load())).toEqual(byTarget(all))
    })

    test('[AUTH-2] what another instance adds is told within 5 s', async context => {
      const { list, another } = await open()
      if (another === undefined) return context.skip('this variant is for one instance')
      const { told, listener } = keepTold()
      list.watch(listener)
      const one = makeRevocation()
      await (await another()).add(one)
      await waitUntil('it to be told', () => told.at(-1)?.length === 1, { timeoutMs: 5_000 })
      expect(told.at(-1)).toEqual([one])
    })
  })
}

function keepTold(): { readonly told: (readonly Revocation[])[]; readonly listener: RevocationListener } {
  const told: (readonly Revocation[])[] = []
  return { told, listener: { changed: all => told.push(all), away() {} } }
}
