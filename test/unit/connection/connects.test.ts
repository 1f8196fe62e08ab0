/**
 * The library that counts has the clock of the machine, which is moved here together with ours.
 */
import { Connects } from '@syncline/server/internal/connection/connects'
import { settingsWith } from '@syncline/server/internal/foundation/settings'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { TestClock } from '../../support/room-clock.ts'

const from = (counted: string) => ({ address: counted, counted, isLocal: false })
const office = from('192.0.2.1')
const thisMachine = { address: '127.0.0.1', counted: '127.0.0.1', isLocal: true }

let clock: TestClock
let connects: Connects
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] })
  clock = new TestClock()
  const { limitConnectsPerAddressAndSecond } = settingsWith()
  connects = new Connects({ perAddressAndSecondMax: limitConnectsPerAddressAndSecond }, clock)
})

afterEach(() => {
  vi.useRealTimers()
})

function pass(ms: number): void {
  clock.advance(ms)
  vi.advanceTimersByTime(ms)
}

/** How many of `perSecond` that come each second were let in, second by second. */
async function come(seconds: number, perSecond: number, address = office): Promise<number[]> {
  const letIn: number[] = []
  for (let second = 0; second < seconds; second++) {
    const answers = await Promise.all(Array.from({ length: perSecond }, () => connects.note(address)))
    letIn.push(answers.filter(answer => answer === null).length)
    pass(1_000)
  }
  return letIn
}

test('[LIM-1 connects-per-address-and-second] a thousand people in one office who come back within two seconds get in', async () => {
  expect(await come(2, 1_500)).toEqual([1_500, 1_500])
})

test('[LIM-1 connects-per-address-and-second] 2,000 a second are refused until ten seconds have passed', async () => {
  expect(await come(10, 2_000)).toEqual([2_000, 2_000, 1_000, 0, 0, 0, 0, 0, 0, 0])
  expect(await come(3, 2_000)).toEqual([2_000, 2_000, 1_000])
})

test('[LIM-1 connects-per-address-and-second] a refusal is HTTP 429 with the limit and its error', async () => {
  connects = new Connects({ perAddressAndSecondMax: 1 }, clock)
  expect(await come(1, 10)).toEqual([10])
  expect(await connects.note(office)).toMatchObject({
    ok: false,
    limit: 'limitConnectsPerAddressAndSecond',
    refusal: { code: 'TOO_MANY_CONNECTS', entry: { status: 429, retry: true } },
  })
})

test('[LIM-1 connects-per-address-and-second] other addresses are counted apart, and this machine is not', async () => {
  await come(1, 6_000)
  expect(await connects.note(office)).not.toBeNull()
  expect(await connects.note(from('192.0.2.2'))).toBeNull()
  expect(await come(1, 6_000, thisMachine)).toEqual([6_000])
})

test('addresses are counted up to a bound; then new ones pass, known ones are still counted, and all are forgotten', async () => {
  connects = new Connects({ perAddressAndSecondMax: 1 }, clock, 100)
  await come(1, 10)
  for (let address = 0; address < 99; address++) await connects.note(from(`new ${address}`))
  expect(vi.getTimerCount()).toBe(100)
  expect(await come(1, 20, from('one more'))).toEqual([20])
  expect(await connects.note(office)).not.toBeNull()
  expect(vi.getTimerCount()).toBe(100)
  pass(10_000)
  expect(vi.getTimerCount()).toBe(0)
  expect(await come(1, 20, from('one more'))).toEqual([10])
})
