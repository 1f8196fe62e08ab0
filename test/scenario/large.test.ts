/**
 * What is large takes long, and only for the one whom it concerns.
 */
import { expect, test } from 'vitest'
import { applyUpdate, Doc, encodeStateAsUpdate, encodeStateVector } from 'yjs'
import { Random, testSeed } from '../support/counts.ts'
import { held } from '../support/evidence.ts'
import { Failpoints } from '../support/failpoints.ts'
import { joinFresh } from '../support/fresh-client.ts'
import { plant } from '../support/plant.ts'
import { connectRaw, frame, type RawClient } from '../support/raw-client.ts'
import { returnWith } from '../support/returning-client.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { areEqual, edit } from '../support/typing-crowd.ts'
import { waitUntil } from '../support/wait-until.ts'
import { writtenDocument } from '../support/written-document.ts'

/** More than the operating system takes for a socket that is not read, and less than one message may have. */
const slowBaseCharacters = 14_000_000

async function join(server: ServerProcess, document: string): Promise<RawClient> {
  const client = await connectRaw(server.wsUrl, document)
  client.send(frame.syncStep1())
  await client.waitForFrame('the document', ({ kind }) => kind === 'sync-step-2')
  return client
}

const brings =
  (client: number) =>
  ({ kind, body }: RawClient['frames'][number]) =>
    kind === 'update' && held(body).structs.has(client)

test('[ROOM-1] while a large update is inspected, its author’s later messages wait, and nobody else’s', async () => {
  using failpoints = new Failpoints()
  await using server = await startServer(failpoints.options)
  using author = await join(server, 'large')
  using other = await join(server, 'large')
  const large = new Doc()
  large.clientID = 11
  large.getText('text').insert(0, new Random(testSeed()).text(1_000_000))
  const before = encodeStateVector(large)
  failpoints.arm('worker-inspect', 'hold')
  author.send(frame.update(encodeStateAsUpdate(large)))
  large.getText('text').insert(0, 'later ')
  author.send(frame.update(encodeStateAsUpdate(large, before)))
  author.send(frame.saved(Uint8Array.of(1)))
  await failpoints.waitUntilFired(server, 'worker-inspect')

  const small = new Doc()
  small.clientID = 22
  small.getText('text').insert(0, 'small')
  other.send(frame.update(encodeStateAsUpdate(small)))
  other.send(frame.saved(Uint8Array.of(2)))
  await other.waitForFrame('the small edit to be saved', ({ kind }) => kind === 'saved')
  await author.waitForFrame('the small edit to be shown', brings(22))
  expect(author.frames.some(({ kind }) => kind === 'saved')).toBe(false)
  expect(author.frames.some(brings(11))).toBe(false)

  failpoints.disarm()
  await author.waitForFrame('the large edit to be saved', ({ kind }) => kind === 'saved')
  await waitUntil('both edits of the author to be shown', () => other.frames.filter(brings(11)).length === 2)
  const [first, second] = other.frames.filter(brings(11)).map(({ body }) => held(body).structs.get(11)!)
  expect(first![1]).toBe(second![0])
})

test('[SYNC-1] [ROOM-1] a slow joiner gets the whole document although its base is replaced twice meanwhile', async () => {
  await using server = await startServer({
    imports: [plant('eager-compaction')],
    env: { SYNCLINE_GENERATION_KEEP_MS: '0' },
  })
  const random = new Random(testSeed())
  const writing = { characters: slowBaseCharacters, clients: [11, 22], insertion: 100_000 }
  const doc = writtenDocument(random, writing)
  using writer = (await returnWith(server.wsUrl, 'slow', doc)).client
  const lines = (msg: string) => server.logs.filter(line => line.msg === msg).length
  await waitUntil('the base', () => lines('compacted') === 1)
  expect(lines('member joined')).toBe(1)

  using slow = await connectRaw(server.wsUrl, 'slow')
  slow.send(frame.syncStep1())
  await slow.waitForFrame('the first piece', ({ kind }) => kind === 'update')
  slow.stopReading()
  doc.on('update', (update: Uint8Array) => writer.send(frame.update(update)))
  while (lines('compacted') < 3) {
    edit(doc, random)
    await savedBy(writer)
  }
  // The server is still in the middle of sending it the first base.
  expect(lines('member joined')).toBe(1)
  slow.startReading()
  await slow.waitForFrame('SyncStep2', ({ kind }) => kind === 'sync-step-2', 60_000)
  const joined = new Doc()
  for (const { kind, body } of slow.frames) {
    if (kind === 'update' || kind === 'sync-step-2') applyUpdate(joined, body)
  }
  const fresh = await joinFresh(server.wsUrl, 'slow')
  expect(areEqual([joined, fresh.doc, doc])).toBe(true)
  // It did not have to start over: the base that it was being sent was kept for it.
  const sentBytes = slow.frames.reduce((sum, { bytes }) => sum + bytes.byteLength, 0)
  expect(sentBytes).toBeLessThan(1.2 * fresh.state.byteLength)
})

let tokens = 0

async function savedBy(client: RawClient): Promise<void> {
  const token = new TextEncoder().encode(String(++tokens))
  client.send(frame.saved(token))
  await client.waitForFrame(
    'edits to be saved',
    ({ kind, body }) => kind === 'saved' && Buffer.compare(body, token) === 0,
  )
}
