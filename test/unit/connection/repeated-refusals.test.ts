import { RepeatedRefusals } from '@syncline/server/internal/connection/repeated-refusals'
import { beforeEach, describe, expect, test } from 'vitest'
import { TestClock } from '../../support/room-clock.ts'

const from = (counted: string) => ({ address: counted, counted, isLocal: false })
const home = from('192.0.2.1')
const thisMachine = { address: '127.0.0.1', counted: '127.0.0.1', isLocal: true }

let clock: TestClock
let refusals: RepeatedRefusals
beforeEach(() => {
  clock = new TestClock()
  refusals = new RepeatedRefusals(clock)
})

const hows = (count: number, note: () => { how: string }) => Array.from({ length: count }, () => note().how)

describe('a refusal', () => {
  test('is told at once the first time, and after five seconds when it is repeated', () => {
    expect(refusals.note('token', home)).toEqual({ how: 'at-once' })
    expect(refusals.note('token', home)).toMatchObject({ how: 'later', delayMs: 5_000 })
  })

  test('is repeated within a minute of the one before, not of the first', () => {
    refusals.note('token', home)
    for (let time = 0; time < 3; time++) {
      clock.advance(59_999)
      expect(refusals.note('token', home).how).toBe('later')
    }
    clock.advance(60_000)
    expect(refusals.note('token', home).how).toBe('at-once')
  })

  test('is not repeated with another token, or from another address', () => {
    refusals.note('token', home)
    expect(refusals.note('another', home).how).toBe('at-once')
    expect(refusals.note('token', from('192.0.2.2')).how).toBe('at-once')
  })

  test('is repeated without a token too, and on this machine', () => {
    refusals.note(null, thisMachine)
    expect(refusals.note('none', thisMachine).how).toBe('at-once')
    expect(refusals.note(null, thisMachine).how).toBe('later')
  })
})

describe('what is remembered', () => {
  test('is forgotten after a minute', () => {
    for (let token = 0; token < 100; token++) refusals.note(`token ${token}`, home)
    clock.advance(60_000)
    refusals.note('another', home)
    expect(refusals.remembered).toBe(1)
  })

  test('has a bound, and the oldest is forgotten first', () => {
    for (let token = 0; token < 10_001; token++) refusals.note(`token ${token}`, home)
    expect(refusals.remembered).toBe(10_000)
    expect(refusals.note('token 10000', home).how).toBe('later')
    expect(refusals.note('token 0', home).how).toBe('at-once')
  })
})

test('who was refused again a moment ago is not the first to be forgotten', () => {
  for (let token = 0; token < 10_000; token++) refusals.note(`token ${token}`, home)
  refusals.note('token 0', home)
  refusals.note('one more', home)
  expect(refusals.note('token 0', home).how).toBe('later')
  expect(refusals.note('token 1', home).how).toBe('at-once')
})

describe('those who wait to be told', () => {
  test('are at most 200 from one address; more are told nothing', () => {
    refusals.note(null, home)
    const [first] = [refusals.note(null, home)]
    expect(new Set(hows(199, () => refusals.note(null, home)))).toEqual(new Set(['later']))
    expect(refusals.note(null, home)).toEqual({ how: 'never' })
    expect(refusals.waiting).toBe(200)
    for (let time = 0; time < 2; time++) if (first?.how === 'later') first.release()
    expect(hows(2, () => refusals.note(null, home))).toEqual(['later', 'never'])
  })

  test('are at most 2,000 in all, this machine included', () => {
    refusals.note(null, thisMachine)
    expect(new Set(hows(2_000, () => refusals.note(null, thisMachine)))).toEqual(new Set(['later']))
    expect(refusals.note(null, thisMachine).how).toBe('never')
    refusals.note(null, home)
    expect(refusals.note(null, home).how).toBe('never')
    expect(refusals.waiting).toBe(2_000)
  })
})
