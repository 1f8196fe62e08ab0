/**
 * SIGTERM under people who type: everybody is told to come back, what was accepted is flushed, and the process ends well.
 */
import { expect, test } from 'vitest'
import { Doc, encodeStateAsUpdate } from 'yjs'
import { Random, testSeed } from '../support/counts.ts'
import { Failpoints } from '../support/failpoints.ts'
import { joinFresh } from '../support/fresh-client.ts'
import { connectRaw, frame } from '../support/raw-client.ts'
import { startServer } from '../support/server-process.ts'
import { TypingCrowd } from '../support/typing-crowd.ts'
import { waitUntil } from '../support/wait-until.ts'

const restart = 1012

test('[OPS-1] SIGTERM while people type ends with code 0, closes everybody with 1012, and loses nothing acknowledged or delivered', async () => {
  await using server = await startServer()
  const { wsUrl, port, dataFolder } = server
  const random = new Random(testSeed())
  using crowd = new TypingCrowd({ wsUrl, random, documents: ['one', 'two', 'three'], editsPerSecond: 60 })
  await crowd.goOnline()
  crowd.startTyping()
  await waitUntil('something to be saved', () => crowd.evidence.every(one => one.acknowledgements > 20))
  expect(await server.stop()).toBe(0)
  await crowd.goOffline()
  crowd.stopTyping()
  for (const { ends } of crowd.typists) expect(ends[0]).toBe(restart)
  expect(server.logs.at(-1)?.msg).toBe('stopped')
  expect(server.stderr).toBe('')

  await using again = await startServer({ dataFolder, port })
  for (const evidence of crowd.evidence) {
    const fresh = await joinFresh(again.wsUrl, evidence.document)
    expect(evidence.lostFrom(fresh.state)).toEqual([])
  }
  await crowd.goOnline()
  await crowd.whenConverged()
})

test('[OPS-1] an edit whose commit is in flight at SIGTERM is flushed before the process ends', async () => {
  using failpoints = new Failpoints()
  await using server = await startServer(failpoints.options)
  using author = await connectRaw(server.wsUrl, 'one')
  author.send(frame.syncStep1())
  await author.waitForFrame('the document', ({ kind }) => kind === 'sync-step-2')
  const doc = new Doc()
  doc.getText('text').insert(0, 'in flight')
  failpoints.arm('before-append-commit', 'hold')
  author.send(frame.update(encodeStateAsUpdate(doc)))
  await failpoints.waitUntilFired(server, 'before-append-commit')
  const stopped = server.stop()
  expect((await author.waitForClose()).code).toBe(restart)
  failpoints.disarm()
  expect(await stopped).toBe(0)
  await using again = await startServer({ dataFolder: server.dataFolder })
  const fresh = await joinFresh(again.wsUrl, 'one')
  expect(fresh.doc.getText('text').toString()).toBe('in flight')
})
