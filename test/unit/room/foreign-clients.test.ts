/**
 * Content under the client id of somebody else who is connected: nobody can bring it but they.
 */

import { tasks } from '@syncline/server/internal/compaction/compaction-worker'
import type { Source } from '@syncline/server/internal/room/foreign-clients'
import { largeUpdateBytes, pass, passLarge, walkLimits } from '@syncline/server/internal/room/gate'
import { Known } from '@syncline/server/internal/room/known'
import { encodeAwareness } from '@syncline/shared/presence'
import { closeCodes } from '@syncline/shared/wire/close-codes'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { author, load, textOf, typed } from '../../support/room-author.ts'
import { turn } from '../../support/room-clock.ts'
import { contentOf } from '../../support/room-content.ts'
import { TestMember } from '../../support/room-member.ts'
import { openStage, type RoomStage, say } from '../../support/room-stage.ts'

const ann = { id: 'ann', name: 'Ann', color: null }
const bob = { id: 'bob', name: 'Bob', color: null }
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

describe('in a room with Ann and Bob', () => {
  /** Each has said in presence which client is theirs. */
  async function openWithBoth() {
    const stage = await openStage()
    const enter = async (user: typeof ann, client: number) => {
      const member = await joinAs(stage, user)
      const entry = { client, clock: 1, json: '{}' }
      stage.room.receive(member, { kind: 'awareness', awareness: encodeAwareness([entry]) })
      return member
    }
    return { ...stage, annsMember: await enter(ann, annsClient), bobsMember: await enter(bob, bobsClient) }
  }

  async function joinAs({ room }: RoomStage, user: typeof ann): Promise<TestMember> {
    const member = new TestMember(user.id)
    member.identity = { user }
    member.onClose = () => room.leave(member, 'lost')
    room.enter(member)
    room.receive(member, { kind: 'sync-step-1', vector: Uint8Array.of(0) })
    await turn()
    return member
  }

  test("[AUTH-3] an edit of Bob under Ann's client id ends his connection, and nobody sees it", async () => {
    const { room, log, annsMember, bobsMember, eventsNamed } = await openWithBoth()
    annsMember.news()
    room.receive(bobsMember, say.update(typed(annsClient, 'forged')[0]!))
    await turn()
    expect(bobsMember.closed?.code).toBe(closeCodes.notAllowed)
    expect(bobsMember.closed?.detail).toContain('another user')
    expect(annsMember.documentFrames()).toEqual([])
    expect(annsMember.closed).toBe(null)
    expect(log.appended).toEqual([])
    expect(eventsNamed('updateRefused')).toMatchObject([{ member: 'bob', rule: 'foreign-client' }])
    // What was refused is not known: it is still Ann's to bring.
    room.receive(annsMember, say.update(typed(annsClient, 'ann')[0]!))
    await turn()
    expect(log.appended).toHaveLength(1)
  })

  test('[AUTH-3] what Bob holds of Ann is left to her, counted, and he stays', async () => {
    const { room, annsMember, bobsMember, eventsNamed } = await openWithBoth()
    room.receive(bobsMember, say.syncStep2(heldByBob()))
    await turn()
    expect(bobsMember.closed).toBe(null)
    expect(eventsNamed('updateRefused')).toMatchObject([{ member: 'bob', rule: 'foreign-client' }])
    expect([...contentOf(annsMember.documentFrames().at(-1)!).structs.keys()].sort()).toEqual([11, 9])
    room.receive(annsMember, say.update(typed(annsClient, 'ann')[0]!))
    await turn()
    expect(textOf(load(bobsMember.documentFrames()))).toContain('ann')
  })

  test('what Ann has left is taken from Bob once she has gone', async () => {
    const { room, log, clock, annsMember, bobsMember } = await openWithBoth()
    room.leave(annsMember, 'closed')
    clock.advance(60_000)
    room.receive(bobsMember, say.syncStep2(heldByBob()))
    await turn()
    expect(contentOf(log.appended[0]!.entry.update).structs.has(annsClient)).toBe(true)
  })

  test('where nobody has to say who they are everybody brings everything', async () => {
    const { room, log, join } = await openStage()
    const [one, other] = [await join('one'), await join('other')]
    const entry = { client: annsClient, clock: 1, json: '{}' }
    room.receive(one, { kind: 'awareness', awareness: encodeAwareness([entry]) })
    room.receive(other, say.update(typed(annsClient, 'not mine')[0]!))
    await turn()
    expect(other.closed).toBe(null)
    expect(log.appended).toHaveLength(1)
  })
})
