import { tellOpenFiles } from '@syncline/server/internal/cli/open-files'
import type { EventFields, EventName, Logger } from '@syncline/server/internal/observe/logger'
import { expect, test } from 'vitest'

function told(limitConnections: number, ...filesMax: [number | null] | []) {
  const lines: { name: EventName; fields: EventFields | undefined }[] = []
  const logger: Logger = { event: (name, fields) => lines.push({ name, fields }), flush() {} }
  tellOpenFiles({ limitConnections }, logger, ...filesMax)
  return lines
}

test('how many files may be open is told beside what a full server needs, with a warning when it is less', () => {
  expect(told(20_000, 21_200)).toEqual([
    { name: 'open files', fields: { filesMax: 21_200, filesNeeded: 21_200 } },
  ])
  expect(told(20_000, 1_024)).toEqual([
    { name: 'open files too few', fields: { filesMax: 1_024, filesNeeded: 21_200 } },
  ])
})

test('where there is no limit nothing is told', () => {
  expect(told(20_000, null)).toEqual([])
})

test('the limit is the one of this process', () => {
  const [line] = told(1)
  expect(line === undefined || Number(line.fields?.filesMax) > 0).toBe(true)
})
