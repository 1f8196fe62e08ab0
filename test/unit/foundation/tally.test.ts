import { Tally } from '@syncline/server/internal/foundation/tally'
import { expect, test } from 'vitest'

const from = (counted: string, isLocal = false) => ({ counted, isLocal })

test('an address is forgotten with the last that came from it', () => {
  const tally = new Tally({ max: 10, perAddressMax: 2 })
  const taken = ['a', 'a', 'b'].map(address => tally.take(from(address)))
  expect([tally.all, tally.addresses]).toEqual([3, 2])
  for (const one of taken) if (one.ok) one.release()
  expect([tally.all, tally.addresses]).toEqual([0, 0])
})

test('what is refused is not counted', () => {
  const tally = new Tally({ max: 2, perAddressMax: 1 })
  tally.take(from('a'))
  expect(tally.take(from('a'))).toEqual({ ok: false, full: 'address' })
  tally.take(from('b'))
  expect(tally.take(from('c'))).toEqual({ ok: false, full: 'all' })
  expect([tally.all, tally.addresses]).toEqual([2, 2])
})

test('a program of this machine is taken, whoever has come from its address through somebody else', () => {
  const tally = new Tally({ max: 3, perAddressMax: 1 })
  expect(tally.take(from('127.0.0.1')).ok).toBe(true)
  expect(tally.take(from('127.0.0.1')).ok).toBe(false)
  expect(tally.take(from('127.0.0.1', true)).ok).toBe(true)
})
