import { systemClock } from '@syncline/server/internal/foundation/clock'
import { createMemoryLog } from '@syncline/server/internal/store/memory-log'
import { LogRefusal } from '@syncline/server/internal/store/update-log'
import { expect, test } from 'vitest'
import { updateLogSuite } from './update-log.suite.ts'

updateLogSuite({
  name: 'memory log',
  open: async () => {
    const log = createMemoryLog({ clock: systemClock })
    return { log, remove: () => log.close() }
  },
})

test('a log in memory refuses to be backed up: there would be nothing to trust in', async () => {
  await expect(createMemoryLog({ clock: systemClock }).backup('/nowhere')).rejects.toThrow(LogRefusal)
})
