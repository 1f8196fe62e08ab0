import { Pace, windowMsMax } from '@syncline/server/internal/room/pace'
import { describe, expect, test } from 'vitest'

/** A room in which so many updates a second have come for two seconds. */
function paceAt(updatesPerSecond: number): Pace {
  const pace = new Pace(0)
  for (let i = 0; i < updatesPerSecond * 2; i++) pace.note(1, (i * 1000) / updatesPerSecond)
  return pace
}

describe('[ROOM-2] the window', () => {
  test('is 0 in a quiet room', () => {
    expect(new Pace(0).windowMs(1_000, 0)).toBe(0)
    expect(paceAt(8).windowMs(1, 0)).toBe(0)
  })

  test('is 0 for ten people who type before fifty readers', () => {
    expect(paceAt(100).windowMs(60, 0)).toBe(0)
  })

  test('is 10 ms for a hundred who type', () => {
    expect(paceAt(1_000).windowMs(150, 0)).toBe(10)
  })

  test('grows with the members, as long as 50,000 frames a second need', () => {
    expect(paceAt(4_800).windowMs(530, 0)).toBeCloseTo(10.6)
    expect(paceAt(10_000).windowMs(1_050, 0)).toBeCloseTo(21)
  })

  test('is never longer than 30 ms', () => {
    expect(paceAt(10_000).windowMs(100_000, 0)).toBe(windowMsMax)
  })

  test('is 30 ms while the event loop is late, but 0 still for who writes alone', () => {
    expect(paceAt(1_000).windowMs(150, 20)).toBe(windowMsMax)
    expect(paceAt(8).windowMs(2, 200)).toBe(0)
  })

  test('is 0 again soon after the crowd has stopped', () => {
    const pace = paceAt(4_800)
    pace.note(1, 4_000)
    expect(pace.windowMs(530, 0)).toBe(0)
  })
})
