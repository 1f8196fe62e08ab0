/**
 * A wait ends, and says what was missing.
 */
import { expect, test } from 'vitest'
import { waitUntil, within } from '../../support/wait-until.ts'

test('a condition that comes true is waited for and given back', async () => {
  let asked = 0
  expect(await waitUntil('the third time', () => ++asked === 3 && 'there')).toBe('there')
})

test('a condition that never comes true fails with what is there instead', async () => {
  const waiting = waitUntil('the moon', () => false, { timeoutMs: 30, found: () => ({ sky: 'dark' }) })
  await expect(waiting).rejects.toThrow('waited 30 ms in vain for the moon; instead there is {"sky":"dark"}')
})

test('a condition that throws is not fulfilled, and its error is the cause', async () => {
  const waiting = waitUntil(
    'a value',
    () => {
      throw new Error('not yet')
    },
    { timeoutMs: 30 },
  )
  await expect(waiting).rejects.toMatchObject({ cause: { message: 'not yet' } })
})

test('a promise that never settles ends', async () => {
  await expect(within('an answer', new Promise(() => {}), { timeoutMs: 30 })).rejects.toThrow('an answer')
  expect(await within('an answer', Promise.resolve(7))).toBe(7)
})
