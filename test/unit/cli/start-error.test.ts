import { startErrorLine } from '@syncline/server/internal/cli/start-error'
import { AppError } from '@syncline/server/internal/foundation/errors'
import { expect, test } from 'vitest'

test('an error of the table is one line with its code, what is wrong and who must act', () => {
  expect(startErrorLine(new AppError('PORT_IN_USE', { port: 1234, host: '::1' }))).toBe(
    'syncline: PORT_IN_USE: Port 1234 of ::1 is in use by another process. ' +
      'Whoever starts the server must stop that process or choose another port with --port or PORT (0 for any).\n',
  )
})

test('an error of the store keeps its own words, on one line', () => {
  const error = Object.assign(new Error('The folder is in use\nby process 7.'), {
    code: 'DATA_FOLDER_IN_USE',
  })
  expect(startErrorLine(error)).toBe('syncline: DATA_FOLDER_IN_USE: The folder is in use by process 7.\n')
})

test('an error that nobody foresaw brings its stack', () => {
  const line = startErrorLine(Object.assign(new Error('odd'), { code: 'EODD' }))
  expect(line).toMatch(/^syncline: INTERNAL: .*\nError: odd\n {4}at /)
  expect(startErrorLine('thrown text')).toContain('thrown text')
})
