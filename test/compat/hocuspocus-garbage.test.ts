/**
 * Frames of the Hocuspocus framing that no honest provider sends. What comes under the key of an open document ends that document
 * alone, anything else its socket, and honest people who write in the same room notice neither.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as Y from 'yjs'
import { connectHocuspocus, type HocuspocusClient } from '../support/hocuspocus-client.ts'
import { awarenessUpdate } from '../support/raw-client.ts'
import { connectRawHocuspocus, keyed } from '../support/raw-hocuspocus.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { connectStock, type StockClient } from '../support/stock-client.ts'
import { waitUntil } from '../support/wait-until.ts'

const MiB = 1024 * 1024
const key = 'honest people'
const other = 'another document'

let server: ServerProcess
let writer: HocuspocusClient
let reader: StockClient

beforeAll(async () => {
  server = await startServer()
  writer = connectHocuspocus(4, server.wsUrl, key)
  reader = connectStock(server.wsUrl, key)
  await Promise.all([writer.synced(), reader.synced()])
})
afterAll(async () => {
  writer?.destroy()
  reader?.destroy()
  await server?.[Symbol.asyncDispose]()
})

const bytes = (...list: number[]) => Uint8Array.of(...list)
const raw = keyed(key)

function realUpdate(): Uint8Array {
  const doc = new Y.Doc()
  doc.clientID = 7_777
  doc.getText('text').insert(0, 'never to be seen')
  return Y.encodeStateAsUpdate(doc)
}

const presence = (json: string) => raw.awareness(awarenessUpdate([{ client: 7_779, clock: 1, json }]))
const realFrame = raw.update(realUpdate())

/** They end the socket: for which of its documents they were meant cannot be known. */
const unreadable: Record<string, Uint8Array | string> = {
  'a text frame': 'hello',
  'an empty frame': bytes(),
  garbage: Uint8Array.from({ length: 500 }, (_, at) => (at * 151 + 255) & 255),
  'one byte that is no ping': bytes(8),
  'a key alone': bytes(3, 0x64, 0x6f, 0x63),
  'a key longer than the frame': bytes(0xff, 0x7f, 1, 2, 3),
  'a key of no UTF-8': bytes(2, 0xc3, 0x28, 3),
  'a varint that never ends': Uint8Array.from({ length: 40 }, () => 0xff),
  'a key of 20,000 bytes': keyed('x'.repeat(20_000)).syncStep1(),
  'a frame of 16 MiB and more': new Uint8Array(16 * MiB + 1_000).fill(1),
}

/** They end the document under whose key they come. */
const wrong: Record<string, Uint8Array> = {
  'an unknown type': raw.any(99),
  'a type beyond 2^53': bytes(...raw.any(), 255, 255, 255, 255, 255, 255, 255, 255, 1),
  'an unknown sync step': raw.any(0, 3, bytes(0)),
  'a length that promises more than there is': bytes(...raw.any(0, 2), 200, 1, 1, 2),
  'a real update cut in the middle': realFrame.subarray(0, realFrame.length - 6),
  'two messages in one frame': bytes(...realFrame, ...realFrame),
  'bytes behind a message': bytes(...raw.queryAwareness(), 0),
  'what only servers say to each other (SyncReply)': raw.any(4, 0, bytes(0)),
  'what only servers say to each other (BroadcastStateless)': raw.any(6, 'to all'),
  'a status': raw.any(8, 1),
  'a refusal that only a server may send': raw.any(2, 1, 'no'),
  'leave that only a server may give': raw.any(2, 2, 'read-write'),
  'a stateless text of no UTF-8': raw.any(5, bytes(0xc3, 0x28)),
  'a state vector that is none': raw.syncStep1(bytes(200, 1, 2)),
  'an update of garbage': raw.update(bytes(9, 9, 9, 9, 9, 9)),
  'an empty update buffer': raw.update(bytes()),
  'an update with trailing bytes': raw.update(bytes(...realUpdate(), 1, 2, 3)),
  'an update that claims 2^31 structs': raw.update(bytes(1, 128, 128, 128, 128, 8, 1, 0)),
  'a SyncStep2 of garbage': raw.syncStep2(bytes(250, 250, 250)),
  'presence with invalid JSON': presence('{"name":'),
  'presence with invalid UTF-8': raw.awareness(bytes(1, 1, 1, 2, 0xc3, 0x28)),
  'presence that claims a million entries': raw.awareness(bytes(192, 132, 61, 1, 1, 2, 0x7b, 0x7d)),
  'presence over 64 KiB': presence(JSON.stringify({ name: 'x'.repeat(70_000) })),
}

/** They are no reason to end anything. */
const harmless: Record<string, Uint8Array> = {
  'a pong that nobody has asked for': bytes(10),
  'CLOSE of a document that is not open': keyed('never opened').close(),
  'an update for a document that is not open': keyed('never opened').update(realUpdate()),
  'a blank key': keyed('').update(realUpdate()),
  'a reason behind CLOSE': keyed('never opened').any(7, 'bye'),
}

test('there are more than 20 kinds', () => {
  const kinds = [unreadable, wrong, harmless].flatMap(kind => Object.keys(kind))
  expect(new Set(kinds).size).toBeGreaterThan(20)
})

/** A socket with two documents, one of them that of the honest people. */
async function joinedTwice() {
  const sender = await connectRawHocuspocus(server.wsUrl)
  sender.begin(key)
  sender.begin(other)
  await waitUntil('both documents to be open', () =>
    [key, other].every(one => sender.kindsOf(one).includes('sync-step-1')),
  )
  return sender
}

async function honestPeopleGoOn(mark: string): Promise<void> {
  writer.doc.getText('text').insert(0, mark)
  await writer.saved()
  const text = reader.doc.getText('text')
  await waitUntil('the honest edit to arrive', () => text.toString().startsWith(mark), {
    found: () => text.toString().slice(0, 200),
  })
  text.delete(0, mark.length)
  await waitUntil(
    'the honest deletion to arrive',
    () => !writer.doc.getText('text').toString().includes(mark),
  )
  expect([writer.socket.ends, reader.ends]).toEqual([[], []])
  expect(text.toString()).not.toContain('never to be seen')
  expect(server.running).toBe(true)
}

test.each(Object.entries(unreadable))(
  '[ROOM-3] %s ends its socket for good and harms nobody',
  async (what, frame) => {
    using sender = await joinedTwice()
    sender.send(frame)
    sender.send(raw.update(realUpdate()))
    const { code, reason } = await sender.waitForClose()
    expect(String(code), reason).toMatch(/^44\d\d$/)
    expect(sender.frames.filter(({ kind }) => kind === 'status')).toEqual([])
    await honestPeopleGoOn(`<${what}>`)
  },
)

test.each(Object.entries(wrong))(
  '[ROOM-3] %s ends its document, not its socket, and harms nobody',
  async (what, frame) => {
    using sender = await joinedTwice()
    sender.send(frame)
    sender.send(raw.update(realUpdate()))
    const denied = await sender.waitForFrame('the refusal', ({ kind }) => kind === 'permission-denied')
    expect(denied.key).toBe(key)
    expect(denied.text).toMatch(/.{10,}/)
    await sender.heard()
    expect(sender.kindsOf(key).at(-1)).toBe('permission-denied')
    expect(sender.kindsOf(key)).not.toContain('status')
    // The other document of the socket goes on.
    sender.send(keyed(other).update(bytes(0, 0)))
    await sender.waitForFrame('its status', one => one.kind === 'status' && one.key === other)
    expect(sender.closed).toBe(undefined)
    await honestPeopleGoOn(`<${what}>`)
  },
)

test.each(Object.entries(harmless))('%s is dropped without a word', async (what, frame) => {
  using sender = await joinedTwice()
  const before = sender.frames.length
  sender.send(frame)
  await sender.heard()
  expect(
    sender.frames
      .slice(before)
      .map(({ kind }) => kind)
      .filter(kind => kind !== 'awareness'),
  ).toEqual(['pong'])
  expect(sender.closed).toBe(undefined)
  await honestPeopleGoOn(`<${what}>`)
})
