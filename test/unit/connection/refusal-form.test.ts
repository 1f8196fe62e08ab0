import { refusalForm } from '@syncline/server/internal/connection/refusal-form'
import { AppError } from '@syncline/server/internal/foundation/errors'
import { expect, test } from 'vitest'

const expired = new AppError('TOKEN_EXPIRED', { until: 'yesterday' })
const notGranted = new AppError('DOCUMENT_NOT_GRANTED', {})
const keysAway = new AppError('KEYS_UNAVAILABLE', { reason: 'no answer' })
const missing = new AppError('TOKEN_MISSING', {})
const program = { origin: null, token: 'x' }
const page = { origin: 'https://example.org', token: 'x' }

test('[AUTH-1] a program is told over HTTP what is wrong with its token, and a page by a close code, which it can see', () => {
  expect(refusalForm('auto', expired, program)).toBe('http')
  expect(refusalForm('auto', keysAway, program)).toBe('http')
  expect(refusalForm('auto', expired, page)).toBe('close')
  expect(refusalForm('auto', keysAway, page)).toBe('close')
})

test('[AUTH-1] who may still bring a token, or ask for another document, is heard first', () => {
  expect(refusalForm('auto', missing, { ...program, token: null })).toBe('close')
  expect(refusalForm('auto', notGranted, program)).toBe('close')
})

test('a setting makes it one form for everybody', () => {
  expect(refusalForm('http', expired, page)).toBe('http')
  expect(refusalForm('close', expired, program)).toBe('close')
})
