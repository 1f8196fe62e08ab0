/**
 * Both halves of LOG-3 are needed: without the memory of former epochs what was replaced comes back, and without new client ids
 * nobody could delete on purpose what a former epoch had deleted by accident.
 */
import { expect, test } from 'vitest'
import { joinFresh } from '../support/fresh-client.ts'
import { operatorOf } from '../support/operator.ts'
import { assertPlanted, plant } from '../support/plant.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { connectStock } from '../support/stock-client.ts'
import { waitUntil } from '../support/wait-until.ts'

async function replacedOn(server: ServerProcess) {
  await using operator = await operatorOf(server.dataFolder)
  const anna = connectStock(server.wsUrl, 'notes')
  await anna.synced()
  const text = anna.doc.getText('text')
  const saved = (expected: string) =>
    waitUntil(
      'it to be saved',
      async () => (await operator.export('notes')).doc.getText('text').toString() === expected,
    )
  text.insert(0, 'yesterday')
  await saved('yesterday')
  const { file } = await operator.export('notes')
  text.delete(0, 9)
  text.insert(0, 'today')
  await saved('today')
  await operator.do('docs', 'replace', 'notes', file)
  return anna
}

test('a server that forgets former epochs lets what was replaced come back', async () => {
  await using server = await startServer({ imports: [plant('forget-former-epochs')] })
  using anna = await replacedOn(server)
  assertPlanted(server, 'forget-former-epochs', 'server/src/room/read-stored.ts')
  await waitUntil('what was replaced to be back', async () =>
    (await joinFresh(server.wsUrl, 'notes')).doc.getText('text').toString().includes('today'),
  )
  expect(anna.ends.map(({ code }) => code)).not.toContain(4409)
})

test('a server that keeps the client ids of the file refuses those who load the document anew', async () => {
  await using server = await startServer({ imports: [plant('keep-client-ids')] })
  using anna = await replacedOn(server)
  using ben = connectStock(server.wsUrl, 'notes')
  await ben.synced()
  ben.doc.getText('text').delete(0, 3)
  await waitUntil('ben to be refused', () => ben.ends.at(-1)?.code === 4409)
  assertPlanted(server, 'keep-client-ids', 'server/src/content/prepare-replacement.ts')
  await waitUntil('anna to be refused', () => anna.ends.at(-1)?.code === 4409)
})
