import { Gathering } from '@syncline/server/internal/store/gathering'
import { describe, expect, test } from 'vitest'

/** What the last of so many requests a second waits, after half a second of them. */
function waitAt(perSecond: number): number {
  const gathering = new Gathering()
  let waitMs = 0
  for (let i = 0; i < perSecond / 2; i++) waitMs = gathering.note(1_000 + (i * 1000) / perSecond)
  return waitMs
}

describe('requests to the store thread', () => {
  test('[ROOM-2] go over at once as long as few come', () => {
    expect([waitAt(2), waitAt(100), waitAt(900)]).toEqual([0, 0, 0])
  })

  test('are gathered for two milliseconds when a thousand and more come in a second', () => {
    expect([waitAt(1_200), waitAt(50_000)]).toEqual([2, 2])
  })

  test('[ROOM-2] go over at once again after a pause', () => {
    const gathering = new Gathering()
    for (let i = 0; i < 1_000; i++) gathering.note(1_000 + i / 2)
    expect(gathering.note(5_000)).toBe(0)
  })
})
