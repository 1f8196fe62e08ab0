import type { ErrorEntry } from '@syncline/server/internal/foundation/error-entry'
import { AppError, errors, isErrorCode } from '@syncline/server/internal/foundation/errors'
import { closeCodes } from '@syncline/shared/wire/close-codes'
import { describe, expect, test } from 'vitest'

const table = Object.entries(errors) as [string, ErrorEntry][]

describe('the table of errors', () => {
  test.each(table)('%s says what is wrong and who must act, in sentences', (code, entry) => {
    expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/)
    expect(entry.title).toMatch(/^[A-Z].*[^.]$/)
    expect(entry.detail).toMatch(/\.$/)
    expect(entry.act).toMatch(/^(The client|The operator|Whoever) .*\.$/)
  })

  test.each(table)('%s is told the same over HTTP and over a WebSocket', (_, { status, close, retry }) => {
    if (status !== null) expect(status).toSatisfy((code: number) => code >= 400 && code <= 599)
    if (close === null) return
    expect(Object.values(closeCodes)).toContain(close)
    expect(close.retry).toBe(retry)
  })
})

describe('an AppError', () => {
  test('is filled in with what came', () => {
    const error = new AppError('PORT_IN_USE', { port: 1234, host: '127.0.0.1' })
    expect(error.message).toBe('Port 1234 of 127.0.0.1 is in use by another process.')
    expect(error.entry).toBe(errors.PORT_IN_USE)
  })

  test('does not fill in what the text of a client contains', () => {
    const error = new AppError('DOCUMENT_NAME_INVALID', { reason: 'odd {reason} $& $1' })
    expect(error.message).toBe('The path does not name a document: odd {reason} $& $1.')
  })

  test('keeps its cause', () => {
    const cause = new Error('disk on fire')
    expect(new AppError('INTERNAL', {}, { cause }).cause).toBe(cause)
  })
})

test('a code is one of the table only if it is there by name', () => {
  expect(isErrorCode('NOT_FOUND')).toBe(true)
  for (const stranger of ['toString', '__proto__', 'EADDRINUSE', undefined, 404]) {
    expect(isErrorCode(stranger)).toBe(false)
  }
})
