/**
 * What is not flushed is neither acknowledged nor shown, however the store hangs and whoever comes back meanwhile.
 * `planted/server-tells-too-early.test.ts` shows servers that fail these.
 */
import { expect, test } from 'vitest'
import { editWithoutFlush, returnWhileInFlight } from '../support/held-commit.ts'

test('[LOG-1] [LOG-2] a flush that never returns acknowledges nothing and shows nothing, and everybody is sent away to come back', async () => {
  expect(await editWithoutFlush()).toEqual({
    acknowledged: false,
    shown: false,
    closeCodes: [1013, 1013],
    alive: true,
  })
})

test('[LOG-1] a client that returns while its edit is in flight, with nothing new to say, is told that it is saved only after the flush', async () => {
  expect(await returnWhileInFlight()).toEqual({
    nothingNewToSay: true,
    toldBeforeFlush: false,
    shownBeforeFlush: false,
    savedText: 'in flight',
  })
})
