/**
 * Content under the client id of somebody else who is connected: nobody can bring it but they.
 */

import { tasks } from '@syncline/server/internal/compaction/compaction-worker'
import type { Source } from '@syncline/server/internal/room/foreign-clients'
import { largeUpdateBytes, pass, passLarge, walkLimits } from '@syncline/server/internal/room/gate'
import { Known } from '@syncline/server/internal/room/known'
import { closeCodes } from '@syncline/shared/wire/close-codes'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { author, typed } from '../../support/room-author.ts'
import { contentOf } from '../../support/room-content.ts'

const annsClient = 7
const bobsClient = 9
const limits = { deleteRangesPerUpdateMax: 100, heldRangesMax: 10 }
const heavy = {
  inspect: async (update: Uint8Array) => tasks.inspect({ update, limits: walkLimits(limits) }),
  cut: async (...[update, structs, deletes]: Parameters<Parameters<typeof passLarge>[3]['cut']>) =>
    tasks.cut({ update, structs, deletes }),
}

/** Bob's, with Ann connected. */
const bobs = (options: Partial<Source>): Source => ({
  isOfAnother: client => client === annsClient,
  tellsOthers: false,
  ...options,
})

/** What Bob holds: something of his own, something of Ann's, and something of somebody who has gone. */
function heldByBob(text = 'bob'): Uint8Array {
  return Y.mergeUpdates([
    typed(annsClient, 'ann')[0]!,
    typed(bobsClient, text)[0]!,
    typed(11, 'somebody who has gone')[0]!,
  ])
}

describe('new content under the client id of another who is connected', () => {
  test('[AUTH-3] is refused in a live edit', () => {
    expect(pass(heldByBob(), new Known(), limits, bobs({}))).toMatchObject({
      kind: 'refused',
      code: closeCodes.notAllowed,
      rule: 'foreign-client',
    })
  })

  test('[AUTH-3] is left out of a SyncStep2, and the rest is taken', () => {
    const verdict = pass(heldByBob(), new Known(), limits, bobs({ tellsOthers: true }))
    if (verdict.kind !== 'new') throw new Error(verdict.kind)
    expect([...verdict.structs.keys()].sort()).toEqual([11, bobsClient])
    expect(contentOf(verdict.update).structs).toEqual(verdict.structs)
    expect(verdict.leftOut).toEqual([annsClient])
  })

  test('[AUTH-3] of which that is all brings nothing', () => {
    const verdict = pass(typed(annsClient, 'ann')[0]!, new Known(), limits, bobs({ tellsOthers: true }))
    expect(verdict).toEqual({ kind: 'known', leftOut: [annsClient] })
  })

  test('[AUTH-3] is judged in a large update as in a small one', async () => {
    const large = heldByBob('x'.repeat(largeUpdateBytes))
    for (const tellsOthers of [true, false]) {
      const source = bobs({ tellsOthers })
      const verdict = await passLarge(large, new Known(), limits, heavy, source)
      expect(verdict).toEqual(pass(large, new Known(), limits, source))
    }
  })

  test('is nobody else to its owner, to whom it is known, or after its owner has gone', () => {
    const update = heldByBob()
    const known = new Known()
    known.take(contentOf(typed(annsClient, 'ann')[0]!).structs, new Map())
    const isNew = { kind: 'new' }
    expect(pass(update, new Known(), limits, bobs({ isOfAnother: () => false }))).toMatchObject(isNew)
    expect(pass(update, known, limits, bobs({}))).toMatchObject(isNew)
    expect(pass(update, new Known(), limits)).toMatchObject(isNew)
  })

  test('may be deleted by everybody', () => {
    const [update] = typed(annsClient, 'ann')
    const { doc, updates } = author(bobsClient, [update!])
    doc.getText('text').delete(0, 3)
    const known = new Known()
    known.take(contentOf(update!).structs, new Map())
    expect(pass(updates[0]!, known, limits, bobs({}))).toMatchObject({ kind: 'new' })
  })
})
