/**
 * A room with load: edits and presence are collected, and what one member does not read costs nobody anything.
 */
import { encodeAwareness } from '@syncline/shared/presence'
import { closeCodes } from '@syncline/shared/wire/close-codes'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { turn } from '../../support/room-clock.ts'
import type { TestMember } from '../../support/room-member.ts'
import { openStage, type RoomStage, say } from '../../support/room-stage.ts'

const KiB = 1024

/** Somebody who types one character after the other; each call gives the update. */
function typist(): { doc: Y.Doc; type: (text?: string) => Uint8Array } {
  const doc = new Y.Doc()
  let last: Uint8Array = new Uint8Array()
  doc.on('update', update => {
    last = update
  })
  const type = (text = 'x') => {
    doc.getText('t').insert(doc.getText('t').length, text)
    return last
  }
  return { doc, type }
}

/** Types at so many updates a second for `ms`, and lets commits and broadcasts happen as they fall due. */
async function typeFor(
  stage: RoomStage,
  member: TestMember,
  type: () => Uint8Array,
  rate: number,
  ms: number,
) {
  const stepMs = 5
  for (let passed = 0; passed < ms; passed += stepMs) {
    for (let i = 0; i < (rate * stepMs) / 1000; i++) stage.room.receive(member, say.update(type()))
    await turn()
    stage.clock.advance(stepMs)
    await turn()
  }
}

async function crowdedStage(members: number) {
  const stage = await openStage()
  const all: TestMember[] = []
  for (let i = 0; i < members; i++) all.push(await stage.join(`member ${i}`))
  return { stage, all, first: all[0]! }
}

function textOf(member: TestMember): string {
  const doc = new Y.Doc()
  for (const update of member.documentFrames()) Y.applyUpdate(doc, update)
  return doc.getText('t').toString()
}

describe('[ROOM-2] a crowded room', () => {
  test('writes far fewer frames than it receives updates, and a quiet one each at once', async () => {
    const { stage, all, first } = await crowdedStage(100)
    const { doc, type } = typist()
    await typeFor(stage, first, type, 1_000, 1_000)
    for (const member of all) member.news()
    await typeFor(stage, first, type, 1_000, 1_000)
    const frames = all[1]!.documentFrames().length
    // 1,000 updates in windows of 10 ms and more: one frame each.
    expect(frames).toBeLessThanOrEqual(100)
    expect(frames).toBeGreaterThan(20)
    stage.clock.advance(1_000)
    await turn()
    all[1]!.news()
    for (let i = 0; i < 3; i++) {
      stage.clock.advance(1_000)
      stage.room.receive(first, say.update(type()))
      await turn()
      await turn()
      expect(all[1]!.documentFrames()).toHaveLength(i + 1)
    }
    expect(doc.getText('t').length).toBe(2_003)
  })

  test('tells presence once a window, with the newest state of each', async () => {
    const { stage, all, first } = await crowdedStage(100)
    let clock = 0
    const move = () => encodeAwareness([{ client: 7, clock: ++clock, json: `{"at":${clock}}` }])
    const moveFor = async (ms: number) => {
      for (let passed = 0; passed < ms; passed++) {
        stage.room.receive(first, { kind: 'awareness', awareness: move() })
        await turn()
        stage.clock.advance(1)
      }
    }
    await moveFor(500)
    for (const member of all) member.news()
    await moveFor(500)
    const told = all[1]!.sent.filter(({ kind }) => kind === 'awareness')
    expect(told.length).toBeLessThanOrEqual(50)
    expect(told.length).toBeGreaterThan(10)
  })
})

describe('[SLOW-1] a member that does not read', () => {
  test('is skipped, and sent what it missed as soon as it has read', async () => {
    const { stage, all, first } = await crowdedStage(3)
    const slow = all[2]!
    const { doc, type } = typist()
    await typeFor(stage, first, type, 200, 100)
    const before = slow.documentFrames().length
    slow.waitingBytes = 2 * KiB * KiB
    await typeFor(stage, first, type, 200, 500)
    expect(slow.documentFrames()).toHaveLength(before)
    expect(stage.eventsNamed('memberLagged')).toHaveLength(1)
    slow.take()
    for (let turns = 0; turns < 20; turns++) await turn()
    await typeFor(stage, first, type, 200, 100)
    expect(slow.closed).toBeNull()
    expect(textOf(slow)).toBe(doc.getText('t').toString())
    expect(slow.kinds().filter(kind => kind === 'sync-step-1')).toHaveLength(1)
  })

  test('is told no presence while a little waits, and all of it later', async () => {
    const { stage, all, first } = await crowdedStage(3)
    const slow = all[2]!
    slow.waitingBytes = 100 * KiB
    slow.news()
    stage.room.receive(first, {
      kind: 'awareness',
      awareness: encodeAwareness([{ client: 7, clock: 1, json: '{}' }]),
    })
    await turn()
    expect([slow.kinds(), all[1]!.kinds().includes('awareness')]).toEqual([[], true])
    slow.waitingBytes = 2 * KiB * KiB
    stage.room.receive(first, say.update(typist().type()))
    await turn()
    await turn()
    slow.take()
    for (let turns = 0; turns < 20; turns++) await turn()
    expect(slow.kinds()).toContain('awareness')
  })

  test('is closed as too slow when its socket takes nothing for long', async () => {
    const { stage, all, first } = await crowdedStage(2)
    const slow = all[1]!
    slow.waitingBytes = 2 * KiB * KiB
    stage.room.receive(first, say.update(typist().type()))
    await turn()
    await turn()
    stage.clock.advance(14_000)
    expect(slow.closed).toBeNull()
    stage.clock.advance(2_000)
    expect(slow.closed?.code).toBe(closeCodes.tooSlow)
    expect(first.closed).toBeNull()
  })

  test('is closed as too slow when it was brought up to date in vain, and not when it lags now and then', async () => {
    const { stage, all, first } = await crowdedStage(2)
    const slow = all[1]!
    const { type } = typist()
    const lagOnce = async () => {
      slow.waitingBytes = 2 * KiB * KiB
      stage.room.receive(first, say.update(type()))
      await turn()
      await turn()
      slow.take()
      for (let turns = 0; turns < 20; turns++) await turn()
    }
    for (let times = 0; times < 5; times++) {
      await lagOnce()
      stage.clock.advance(60_000)
    }
    expect(slow.closed).toBeNull()
    for (let times = 0; times < 4 && slow.closed === null; times++) await lagOnce()
    expect(slow.closed?.code).toBe(closeCodes.tooSlow)
  })
})

describe('limits that one member cannot turn against others', () => {
  test('[SLOW-1] a joiner that only trickles is closed as too slow in the end', async () => {
    const stage = await openStage()
    const first = await stage.join('first')
    for (let i = 0; i < 3; i++) stage.room.receive(first, say.update(typist().type('y'.repeat(300 * KiB))))
    for (let turns = 0; turns < 20; turns++) await turn()
    const trickling = stage.enter('trickling')
    trickling.waitingBytes = 512 * KiB
    stage.room.receive(trickling, { kind: 'sync-step-1', vector: Uint8Array.of(0) })
    for (let turns = 0; turns < 20; turns++) await turn()
    stage.clock.advance(4 * 60_000)
    expect(trickling.closed).toBeNull()
    stage.clock.advance(2 * 60_000)
    expect(trickling.closed?.code).toBe(closeCodes.tooSlow)
  })

  test('[LOG-1] who asks too often whether it is saved is told to come back, and nobody else', async () => {
    const stage = await openStage()
    const [asking, writing] = [await stage.join('asking'), await stage.join('writing')]
    stage.log.hold()
    stage.room.receive(writing, say.update(typist().type()))
    for (let i = 0; i < 1_001; i++) stage.room.receive(asking, say.saved(7))
    stage.room.receive(writing, say.saved(8))
    expect(asking.closed?.code).toBe(closeCodes.overload)
    stage.log.release()
    for (let turns = 0; turns < 5; turns++) await turn()
    expect(writing.closed).toBeNull()
    expect(writing.kinds()).toContain('saved')
  })

  test('a relayed state cannot raise the clock of somebody who is here beyond what they could reach', async () => {
    const stage = await openStage()
    const [owner, other] = [await stage.join('owner'), await stage.join('other')]
    const tell = (member: TestMember, clock: number) =>
      stage.room.receive(member, {
        kind: 'awareness',
        awareness: encodeAwareness([{ client: 7, clock, json: `{"clock":${clock}}` }]),
      })
    tell(owner, 5)
    tell(other, Number.MAX_SAFE_INTEGER)
    tell(owner, 6)
    await turn()
    const told = other.sent.filter(({ kind }) => kind === 'awareness').length
    expect(told).toBe(2)
    expect(stage.room.held.presenceEntries).toBe(1)
  })
})
