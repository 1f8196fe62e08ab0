import { verifyDocument } from '@syncline/server/internal/api/verify-document'
import { checkContent } from '@syncline/server/internal/content/check-content'
import { createMemoryLog } from '@syncline/server/internal/store/memory-log'
import { expect, test } from 'vitest'
import { TestClock } from '../../support/room-clock.ts'

test('a document that the list has and its name does not find is a finding', async () => {
  const log = createMemoryLog({ clock: new TestClock() })
  const workers = {
    checkContent: async (content: Parameters<typeof checkContent>[0]) => checkContent(content),
  }
  const found: unknown[] = []
  await verifyDocument({ log, workers }, 'listed', finding => found.push(finding))
  expect(found).toEqual([
    {
      document: 'listed',
      place: 'the row',
      problem: 'is in the list of documents, and is not found under its name',
    },
  ])
})
