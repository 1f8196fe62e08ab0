import { PresenceFrames } from '@syncline/server/internal/room/presence-frames'
import { WindowQueue } from '@syncline/server/internal/room/window-queue'
import { type AwarenessEntry, decodeAwareness, encodeAwareness } from '@syncline/shared/presence'
import { beforeEach, expect, test } from 'vitest'
import { TestClock } from '../../support/room-clock.ts'

let clock: TestClock
let queue: WindowQueue
let told: AwarenessEntry[][]
let said: Uint8Array[]
let toldBytes: Uint8Array[]
let windowMs: number
let frames: PresenceFrames
beforeEach(() => {
  clock = new TestClock()
  queue = new WindowQueue()
  told = []
  said = []
  toldBytes = []
  windowMs = 0
  frames = new PresenceFrames(
    queue,
    clock,
    () => windowMs,
    message => {
      if (message.kind !== 'awareness') throw new Error(`it told ${message.kind}`)
      const decoded = decodeAwareness(message.awareness, 100)
      if (!decoded.ok) throw new Error(decoded.reason)
      told.push(decoded.entries)
      toldBytes.push(message.awareness)
    },
    awareness => void said.push(awareness),
  )
})

const entry = (client: number, at: number): AwarenessEntry => ({ client, clock: at, json: '{}' })

/** An edit arrives; it is saved by the returned function. */
function edit(): () => void {
  const content = { update: new Uint8Array(1), structs: new Map(), deletes: new Map() }
  queue.push({ kind: 'new', ...content, cut: false, author: 'somebody' })
  return () => {
    queue.commit(queue.takeWindows(1).flat())
    frames.afterCommit()
  }
}

test('with nothing to wait for an entry is told at once', () => {
  frames.add([entry(1, 1), entry(2, 1)], [])
  expect(told).toEqual([[entry(1, 1), entry(2, 1)]])
  expect(clock.timers).toBe(0)
})

test('nothing is told of nobody', () => {
  frames.add([], [])
  frames.afterCommit()
  expect(told).toEqual([])
})

test('an entry waits for the edits that preceded it, and not for later ones', () => {
  edit()
  frames.add([entry(1, 1)], [])
  const inFlight = queue.takeWindows(1).flat()
  const saveLater = edit()
  frames.add([entry(2, 1)], [])
  frames.afterCommit()
  expect(told).toEqual([])
  queue.commit(inFlight)
  frames.afterCommit()
  expect(told).toEqual([[entry(1, 1)]])
  saveLater()
  expect(told).toEqual([[entry(1, 1)], [entry(2, 1)]])
})

test('of each client the newest entry alone is told, all in one frame', () => {
  const save = edit()
  frames.add([entry(1, 1), entry(2, 1)], [])
  frames.add([entry(1, 2)], [])
  frames.add([entry(3, 1), entry(1, 3)], [])
  save()
  expect(told).toEqual([[entry(1, 3), entry(2, 1), entry(3, 1)]])
})

test('a store that does not answer is waited for 250 ms and no longer', () => {
  const save = edit()
  frames.add([entry(1, 1)], [])
  clock.advance(249)
  frames.add([entry(2, 1)], [])
  expect(told).toEqual([])
  clock.advance(1)
  expect(told).toEqual([[entry(1, 1), entry(2, 1)]])
  save()
  expect(told).toHaveLength(1)
  expect(clock.timers).toBe(0)
})

test('the next entry has its own 250 ms', () => {
  edit()
  frames.add([entry(1, 1)], [])
  clock.advance(250)
  frames.add([entry(1, 2)], [])
  clock.advance(249)
  expect(told).toHaveLength(1)
  clock.advance(1)
  expect(told).toHaveLength(2)
})

test('[ROOM-2] in a crowded room what comes within one window is one frame at its end', () => {
  windowMs = 30
  frames.add([entry(1, 1)], [])
  expect(told).toHaveLength(1)
  for (let at = 2; at <= 10; at++) frames.add([entry(1, at)], [])
  frames.add([entry(2, 1)], [])
  clock.advance(29)
  expect(told).toHaveLength(1)
  clock.advance(1)
  expect(told.slice(1)).toEqual([[entry(1, 10), entry(2, 1)]])
})

test('what other instances are told is in the same bytes where it is all that is told here', () => {
  frames.add([entry(1, 1), entry(2, 1)], [])
  expect(said).toEqual([])
  const own = [entry(1, 2), entry(2, 2)]
  frames.add(own, own)
  expect(said[0]).toBe(toldBytes.at(-1))
  frames.add([entry(1, 3), own[1]!], [own[1]!])
  expect(told.at(-1)).toEqual([entry(1, 3), own[1]])
  expect(said.slice(1)).toEqual([encodeAwareness([own[1]!])])
})

test('what another instance says after a removal here is told, and the removal is still said', () => {
  const save = edit()
  frames.add([entry(1, 2)], [entry(1, 2)])
  frames.add([entry(1, 3)], [])
  save()
  expect(told).toEqual([[entry(1, 3)]])
  expect(said).toEqual([encodeAwareness([entry(1, 2)])])
})

test('[ROOM-2] other instances are told at most once in a window', () => {
  windowMs = 30
  for (let at = 1; at <= 10; at++) frames.add([entry(1, at)], [entry(1, at)])
  clock.advance(29)
  expect(said).toHaveLength(1)
  clock.advance(1)
  expect(said.slice(1)).toEqual([encodeAwareness([entry(1, 10)])])
})

test('[LIM-1 messages-per-second] however much one says in a small room, the others are told a hundred times a second, so that their echoes do not make them too fast', () => {
  const seconds = 5
  for (let at = 1; at <= seconds * 5_000; at++) {
    frames.add([entry(1, at)], [])
    if (at % 5 === 0) clock.advance(1)
  }
  clock.advance(10)
  expect(told.length).toBeLessThanOrEqual(seconds * 100 + 27)
  expect(told.at(-1)).toEqual([entry(1, seconds * 5_000)])
})

test('somebody who moves sixty times a second is told of at once each time', () => {
  for (let at = 1; at <= 120; at++) {
    frames.add([entry(1, at)], [])
    expect(told).toHaveLength(at)
    clock.advance(1000 / 60)
  }
})
