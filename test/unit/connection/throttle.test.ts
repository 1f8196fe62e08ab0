import { Throttle } from '@syncline/server/internal/connection/throttle'
import { beforeEach, expect, test } from 'vitest'
import { TestClock } from '../../support/room-clock.ts'

const limits = { messagesPerSecondMax: 10, bytesPerSecondMax: 1_000, burstMs: 1_000, tooFastAfterMs: 3_000 }

let clock: TestClock
let told: string[]
let throttle: Throttle
beforeEach(() => {
  clock = new TestClock()
  told = []
  throttle = new Throttle(limits, clock, {
    setReading: reading => told.push(reading ? 'read' : 'not read'),
    held: limit => told.push(limit),
    tooFast: ({ refusal }) => told.push(refusal.code),
  })
})

const note = (count: number) => {
  for (let noted = 0; noted < count; noted++) throttle.note(1, clock.monotonic())
}

test('[LIM-1 messages-per-second] a socket is not read while there is a debt, and that is told once', () => {
  note(10)
  expect([told, throttle.isHeld]).toEqual([[], false])
  note(3)
  expect([told, throttle.isHeld]).toEqual([['not read', 'limitMessagesPerSecond'], true])
  clock.advance(299)
  expect(told).toHaveLength(2)
  clock.advance(1)
  expect([told.slice(2), throttle.isHeld, clock.timers]).toEqual([['read'], false, 0])
})

test('[LIM-1 messages-per-second] what was read before adds to the time', () => {
  note(12)
  clock.advance(100)
  note(4)
  clock.advance(499)
  expect(told).toEqual(['not read', 'limitMessagesPerSecond'])
  clock.advance(1)
  expect(told.at(-1)).toBe('read')
})

test('[LIM-1 bytes-per-second] large messages hold up their sender too', () => {
  throttle.note(1_500, clock.monotonic())
  expect(told).toEqual(['not read', 'limitBytesPerSecond'])
})

test('[LIM-1 messages-per-second] who goes on and on is to be closed', () => {
  for (let second = 0; second < 4; second++) {
    note(20)
    clock.advance(1_000)
  }
  expect(told.at(-1)).toBe('TOO_MANY_MESSAGES')
})

test('nothing is called when the connection is over', () => {
  note(12)
  throttle.stop()
  clock.advance(10_000)
  expect(told).not.toContain('read')
  expect(clock.timers).toBe(0)
})
