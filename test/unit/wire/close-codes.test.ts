import { closeWith } from '@syncline/server/internal/connection/close-reason'
import { closeCodes } from '@syncline/shared/wire/close-codes'
import { expect, test } from 'vitest'

const all = Object.values(closeCodes)
const closeReasonBytesMax = 123

test('no code is used for two things', () => {
  expect(new Set(all.map(({ code }) => code)).size).toBe(all.length)
})

test('codes from 4400 to 4499 stop a stock client, and all others let it come back', () => {
  for (const { code, retry } of all) expect(retry).toBe(code < 4400 || code > 4499)
})

test('codes may be sent by an application, and their sentences fit into a close frame', () => {
  for (const { code, reason } of all) {
    expect([1001, 1009, 1012, 1013].includes(code) || (code >= 4000 && code <= 4999)).toBe(true)
    expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(closeReasonBytesMax)
  }
})

test('a detail takes the place of the sentence behind what the code is called', () => {
  expect(closeWith(closeCodes.tooLarge, 'a message of 5 bytes came')).toEqual({
    code: 4413,
    reason: 'too large: a message of 5 bytes came',
  })
  expect(closeWith(closeCodes.tooLarge).reason).toBe(closeCodes.tooLarge.reason)
})

test('a detail is cut to what fits into a close frame, and never inside a character', () => {
  for (let length = 90; length < 140; length++) {
    const { reason } = closeWith(closeCodes.malformed, `${'x'.repeat(length)}😀😀😀😀😀😀😀😀😀😀`)
    expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(closeReasonBytesMax)
    expect(reason).not.toContain('\ufffd')
    expect(reason.isWellFormed()).toBe(true)
  }
})
