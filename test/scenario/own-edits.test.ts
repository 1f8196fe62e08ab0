/**
 * What comes back to the one who wrote it. Clients of Yjs 14 take their own update coming back as the acknowledgement, so it
 * comes back whole.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Doc, encodeStateAsUpdate, encodeStateVector } from 'yjs'
import { Random, testSeed } from '../support/counts.ts'
import { held } from '../support/evidence.ts'
import { connectRaw, frame, type RawClient } from '../support/raw-client.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'

/** Large enough that nobody could mistake the whole for a part. */
const partBytes = 8 * 1024
const ownClient = 11

let server: ServerProcess
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server[Symbol.asyncDispose]())

async function join(document: string): Promise<RawClient> {
  const client = await connectRaw(server.wsUrl, document)
  client.send(frame.syncStep1())
  await client.waitForFrame('the document', ({ kind }) => kind === 'sync-step-2')
  return client
}

/** All before it has been answered and sent. */
async function settled(client: RawClient): Promise<void> {
  const token = Uint8Array.of(client.frames.length & 0x7f, 1)
  client.send(frame.saved(token))
  await client.waitForFrame('the answer', ({ kind, body }) => kind === 'saved' && equal(body, token))
}

/** Frames that carry edits, SyncStep2 of the join left out. */
const updates = (client: RawClient) => client.frames.filter(({ kind }) => kind === 'update')
const equal = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0

test('an edit comes back to its author as it came, once', async () => {
  using author = await join('echo')
  using other = await join('echo')
  const doc = new Doc()
  doc.getText('text').insert(0, 'hello')
  const update = encodeStateAsUpdate(doc)
  author.send(frame.update(update))
  for (const client of [author, other]) {
    await client.waitForFrame('the edit', ({ kind, body }) => kind === 'update' && equal(body, update))
  }
  expect(updates(author)).toHaveLength(1)
  expect(updates(other)).toHaveLength(1)
})

test('an edit that is known comes back to its author and to nobody else', async () => {
  using author = await join('known')
  using other = await join('known')
  const doc = new Doc()
  doc.getText('text').insert(0, 'hello')
  author.send(frame.update(encodeStateAsUpdate(doc)))
  author.send(frame.update(encodeStateAsUpdate(doc)))
  await settled(author)
  await settled(other)
  expect(updates(author)).toHaveLength(2)
  expect(updates(other)).toHaveLength(1)
})

test('a live edit of which a part is known comes back whole to its author, and only what is new goes to the others', async () => {
  using author = await join('cut')
  using other = await join('cut')
  const doc = new Doc()
  doc.clientID = ownClient
  const random = new Random(testSeed())
  const write = () => doc.getText('text').insert(doc.getText('text').length, random.text(partBytes))
  write()
  author.send(frame.update(encodeStateAsUpdate(doc)))
  await author.waitForFrame('the first part', ({ kind }) => kind === 'update')
  const knownEnd = doc.getText('text').length
  const vector = encodeStateVector(doc)
  write()
  const whole = encodeStateAsUpdate(doc)
  author.send(frame.update(whole))
  await settled(author)
  await settled(other)
  await other.waitForFrame('the second part', ({ kind, body }) => {
    return kind === 'update' && held(body).structs.get(ownClient)?.[0] === knownEnd
  })
  expect(updates(author).some(({ body }) => equal(body, whole))).toBe(true)
  expect(updates(other)).toHaveLength(2)
  expect(updates(other)[1]!.body.byteLength).toBeLessThanOrEqual(
    encodeStateAsUpdate(doc, vector).byteLength + 16,
  )
})
