/**
 * The tests of `fault/stalled-flush.test.ts` can fail: servers that tell or show an edit before its flush are caught.
 */
import { expect, test } from 'vitest'
import { editWithoutFlush, returnWhileInFlight } from '../support/held-commit.ts'
import { assertPlanted, plant } from '../support/plant.ts'

const planted = (name: string, file: string) => ({
  imports: [plant(name)],
  onServer: (server: Parameters<typeof assertPlanted>[0]) => assertPlanted(server, name, file),
})

test('a server that acknowledges before the flush is caught by a flush that never returns', async () => {
  const told = await editWithoutFlush(planted('acknowledge-before-flush', 'server/src/room/committer.ts'))
  expect(told).toMatchObject({ acknowledged: true, shown: false })
})

test('a server that broadcasts before the commit is caught by a flush that never returns', async () => {
  const told = await editWithoutFlush(planted('broadcast-before-commit', 'server/src/room/committer.ts'))
  expect(told).toMatchObject({ acknowledged: false, shown: true })
})

test('a server that acknowledges at once whoever brings nothing is caught by a client that returns while its edit is in flight', async () => {
  const told = await returnWhileInFlight(planted('acknowledge-own-only', 'server/src/room/room.ts'))
  expect(told).toMatchObject({ nothingNewToSay: true, toldBeforeFlush: true })
})
