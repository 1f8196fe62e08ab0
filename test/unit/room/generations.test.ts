import { Generations } from '@syncline/server/internal/room/generations'
import type { Base } from '@syncline/server/internal/store/update-log'
import { beforeEach, expect, test } from 'vitest'
import { TestClock } from '../../support/room-clock.ts'

const keepMs = 60_000
let clock: TestClock
let dropped: number[]
let generations: Generations
beforeEach(() => {
  clock = new TestClock()
  dropped = []
  generations = new Generations(base(1), clock, keepMs, generation => dropped.push(generation))
})

function base(generation: number): Base {
  const bytes = new Uint8Array()
  return {
    generation,
    through: generation,
    link: '0'.repeat(16),
    byteVector: bytes,
    documentVector: bytes,
    catchUp: bytes,
    pieces: 1,
    bytes: 1,
  }
}

test('a former base that nobody is being sent is dropped 60 s after it was replaced', () => {
  generations.replace(base(2))
  expect(generations.current?.generation).toBe(2)
  clock.advance(keepMs - 1)
  expect(dropped).toEqual([])
  clock.advance(1)
  expect(dropped).toEqual([1])
})

test('a former base that joiners are being sent is dropped when the last of them has it', () => {
  const releases = [generations.hold(base(1)), generations.hold(base(1))]
  generations.replace(base(2))
  clock.advance(10 * keepMs)
  releases[0]!()
  expect(dropped).toEqual([])
  releases[1]!()
  expect(dropped).toEqual([1])
})

test('a former base that joiners have had is still kept for its 60 s', () => {
  const release = generations.hold(base(1))
  generations.replace(base(2))
  release()
  expect(dropped).toEqual([])
  clock.advance(keepMs)
  expect(dropped).toEqual([1])
})

test('the present base is never dropped', () => {
  generations.hold(base(1))()
  clock.advance(10 * keepMs)
  expect(dropped).toEqual([])
})

test('a base held by one joiner after another is dropped once', () => {
  const first = generations.hold(base(1))
  generations.replace(base(2))
  clock.advance(keepMs)
  const second = generations.hold(base(1))
  first()
  expect(dropped).toEqual([])
  second()
  expect(dropped).toEqual([1])
})

test('of several former bases each goes in its own time', () => {
  generations.replace(base(2))
  clock.advance(keepMs / 2)
  generations.replace(base(3))
  clock.advance(keepMs / 2)
  expect(dropped).toEqual([1])
  clock.advance(keepMs / 2)
  expect(dropped).toEqual([1, 2])
})

test('the first base replaces none', () => {
  generations = new Generations(null, clock, keepMs, generation => dropped.push(generation))
  generations.replace(base(1))
  clock.advance(10 * keepMs)
  expect(dropped).toEqual([])
  expect(generations.current?.generation).toBe(1)
})
