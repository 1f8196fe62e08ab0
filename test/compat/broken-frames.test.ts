/**
 * Frames that no honest client sends. Whoever sends one is closed for good, and nobody else notices: the pair that
 * writes in the same room goes on, on the same connections, and the server stays up.
 */
import * as encoding from 'lib0/encoding'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as Y from 'yjs'
import { awarenessUpdate, connectRaw, frame } from '../support/raw-client.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { waitUntil } from '../support/wait-until.ts'
import { connectPeer, type Peer } from './stacks.ts'

const MiB = 1024 * 1024

let server: ServerProcess
let writer: Peer
let reader: Peer
const room = 'honest people'

beforeAll(async () => {
  server = await startServer()
  writer = connectPeer('y-websocket', server.wsUrl, room)
  reader = connectPeer('@y/websocket', server.wsUrl, room)
  await Promise.all([writer.synced(), reader.synced()])
})
afterAll(async () => {
  writer?.[Symbol.dispose]()
  reader?.[Symbol.dispose]()
  await server?.[Symbol.asyncDispose]()
})

interface BrokenFrame {
  readonly what: string
  readonly send: Uint8Array | string
}

const bytes = (...list: number[]) => Uint8Array.of(...list)

/** `00 02 varBuf(update)` around bytes that are none. */
const updateOf = (...list: number[]) => frame.update(bytes(...list))

function realUpdate(): Uint8Array {
  const doc = new Y.Doc()
  doc.clientID = 7_777
  doc.getText('text').insert(0, 'never to be seen')
  return Y.encodeStateAsUpdate(doc)
}

function realFrame(): Uint8Array {
  return frame.update(realUpdate())
}

/** One update about a client, with structs as given: info byte and body. */
function updateWith(
  clock: number,
  structs: readonly (readonly number[])[],
  deletes: readonly number[] = [0],
): Uint8Array {
  const encoder = encoding.createEncoder()
  for (const number of [1, structs.length, 7_778]) encoding.writeVarUint(encoder, number)
  encoding.writeVarUint(encoder, clock)
  for (const struct of structs) for (const byte of struct) encoding.writeUint8(encoder, byte)
  for (const number of deletes) encoding.writeVarUint(encoder, number)
  return encoding.toUint8Array(encoder)
}

function varUint(value: number): number[] {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, value)
  return [...encoding.toUint8Array(encoder)]
}

/** An item with an origin: info 0x84 (string content), origin client and clock, then the text "a". */
const itemAfter = (client: number, clock: number) => [0x84, ...varUint(client), ...varUint(clock), 1, 0x61]

const presence = (json: string) => frame.awareness(awarenessUpdate([{ client: 7_779, clock: 1, json }]))

const brokenFrames: readonly BrokenFrame[] = [
  { what: 'a text frame', send: 'hello' },
  { what: 'an empty frame', send: bytes() },
  { what: 'an empty text frame', send: '' },
  {
    what: 'garbage',
    send: Uint8Array.from({ length: 500 }, (_, at) => (at * 151 + 255) & 255),
  },
  { what: 'an unknown message type', send: bytes(99, 1, 0) },
  { what: 'an unknown sync step', send: bytes(0, 3, 0) },
  { what: 'a sync message that ends after its type', send: bytes(0) },
  { what: 'a length that promises more than there is', send: bytes(0, 2, 200, 1, 1, 2, 3) },
  { what: 'a varint that never ends', send: bytes(0, 2, ...Array(40).fill(0xff)) },
  {
    what: 'a length beyond 2^53',
    send: bytes(0, 2, 255, 255, 255, 255, 255, 255, 255, 127, 0),
  },
  {
    what: 'a message type beyond 2^53',
    send: bytes(255, 255, 255, 255, 255, 255, 255, 255, 1),
  },
  {
    what: 'a real update cut in the middle',
    send: realFrame().subarray(0, realFrame().length - 6),
  },
  { what: 'two messages in one frame', send: bytes(...realFrame(), ...realFrame()) },
  { what: 'a state vector that is none', send: frame.syncStep1(bytes(200, 1, 2)) },
  {
    what: 'a state vector with more than it says',
    send: frame.syncStep1(bytes(0, 1, 2, 3)),
  },
  { what: 'an update of garbage', send: updateOf(9, 9, 9, 9, 9, 9) },
  { what: 'an empty update buffer', send: frame.update(bytes()) },
  {
    what: 'an update with trailing bytes',
    send: frame.update(bytes(...realUpdate(), 1, 2, 3)),
  },
  {
    what: 'an update that claims 2^31 structs',
    send: updateOf(1, 128, 128, 128, 128, 8, 1, 0),
  },
  {
    what: 'an update with an unknown content kind',
    send: frame.update(updateWith(0, [[0x1f, 1, 0x61]])),
  },
  {
    what: 'an item whose origin is its own future',
    send: frame.update(updateWith(0, [itemAfter(7_778, 5)])),
  },
  { what: 'a struct of no length', send: frame.update(updateWith(0, [[0, 0]])) },
  {
    what: 'a clock beyond 2^53',
    send: frame.update(updateWith(Number.MAX_SAFE_INTEGER, [[0x84, 1, 0, 2, 0x61, 0x61]])),
  },
  {
    what: 'a clock far beyond what is known of the client',
    send: frame.update(updateWith(2 ** 40, [itemAfter(1, 0)])),
  },
  {
    what: 'a delete set with a range of no length',
    send: frame.update(bytes(0, 1, 1, 1, 0, 0)),
  },
  { what: 'a sync step 2 of garbage', send: frame.syncStep2(bytes(250, 250, 250)) },
  { what: 'presence with invalid JSON', send: presence('{"name":') },
  { what: 'presence with no JSON at all', send: presence('') },
  {
    what: 'presence with invalid UTF-8',
    send: frame.awareness(bytes(1, 1, 1, 2, 0xc3, 0x28)),
  },
  {
    what: 'presence that claims a million entries',
    send: frame.awareness(bytes(...varUint(1_000_000), 1, 1, 2, 0x7b, 0x7d)),
  },
  { what: 'presence cut in the middle', send: presence('{"name":"Eve"}').subarray(0, 12) },
  {
    what: 'presence over 64 KiB',
    send: presence(JSON.stringify({ name: 'x'.repeat(70_000) })),
  },
  {
    what: 'a refusal that only a server may send',
    send: bytes(2, 0, 2, 0x6e, 0x6f),
  },
  { what: 'a frame of 16 MiB and more', send: new Uint8Array(16 * MiB + 1_000).fill(1) },
  { what: 'a text frame of a megabyte', send: 'x'.repeat(MiB) },
]

test('there are at least 25 kinds of broken frames', () => {
  expect(new Set(brokenFrames.map(({ what }) => what)).size).toBeGreaterThanOrEqual(25)
})

/** How many kinds were closed with which code, for the record. */
const closed = new Map<number, number>()

/** Sends it after a proper beginning, and looks what becomes of the sender and of the honest pair. */
async function sendBroken({ what, send }: BrokenFrame): Promise<void> {
  using sender = await connectRaw(server.wsUrl, room)
  sender.send(frame.syncStep1())
  await sender.waitForFrame('the answer to an honest beginning', ({ kind }) => kind === 'sync-step-2')
  sender.send(send)
  // Would be answered if the sender were still heard.
  const token = Uint8Array.of(1, 2, 3)
  sender.send(frame.saved(token))
  // Final, since a stock client would send the same again for ever; and without the acknowledgement, which would say that all
  // before it is saved.
  const { code, reason } = await sender.waitForClose()
  expect(String(code), `${what}: ${reason}`).toMatch(/^44\d\d$/)
  expect(sender.frames.filter(({ kind }) => kind === 'saved')).toEqual([])
  closed.set(code, (closed.get(code) ?? 0) + 1)
  const mark = `<${what}>`
  writer.insertText(0, mark)
  await waitUntil('the honest edit to arrive', () => reader.text.startsWith(mark), {
    found: () => reader.text.slice(0, 200),
  })
  reader.deleteText(0, mark.length)
  await waitUntil('the honest deletion to arrive', () => !writer.text.includes(mark))
  expect([writer.ends, reader.ends]).toEqual([[], []])
  expect([writer.text, reader.text].filter(text => text.includes('never to be seen'))).toEqual([])
  expect(server.running).toBe(true)
}

test.each(brokenFrames)('[ROOM-3] $what harms nobody', sendBroken)

test('a frame that WebSocket itself forbids harms nobody', async () => {
  using sender = await connectRaw(server.wsUrl, room)
  sender.send(frame.syncStep1())
  const raw = (sender.socket as unknown as { _socket: NodeJS.WritableStream })._socket
  sender.socket.on('error', () => {})
  // Reserved bits and an opcode that does not exist, masked as a client must.
  raw.write(Uint8Array.of(0xff, 0x84, 1, 2, 3, 4, 5, 6, 7, 8))
  await sender.waitForClose()
  writer.insertText(0, 'after')
  await waitUntil('the honest edit to arrive', () => reader.text.startsWith('after'))
  expect([writer.ends, reader.ends]).toEqual([[], []])
})

test('a socket that sends nothing at all harms nobody, and one that leaves in the middle of a frame neither', async () => {
  using silent = await connectRaw(server.wsUrl, room)
  const leaves = await connectRaw(server.wsUrl, room)
  const raw = (leaves.socket as unknown as { _socket: NodeJS.WritableStream })._socket
  // A binary frame of 1,000 bytes is announced; ten come.
  raw.write(Uint8Array.of(0x82, 0xfe, 3, 0xe8, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9))
  leaves.terminate()
  writer.insertText(0, 'go on ')
  await waitUntil('the honest edit to arrive', () => reader.text.startsWith('go on '))
  expect([writer.ends, reader.ends]).toEqual([[], []])
  expect(silent.closed).toBeUndefined()
})

test('[ROOM-3] after all of that somebody new gets what the honest pair wrote, and nothing else', async () => {
  console.log(
    `${brokenFrames.length} kinds of broken frames: closed with ${[...closed].map(([code, kinds]) => `${code} (${kinds})`).join(', ')}`,
  )
  using late = connectPeer('y-websocket', server.wsUrl, room)
  await late.synced()
  expect(late.text).toBe(writer.text)
  expect(late.text).toBe(reader.text)
  expect(late.awareness.getStates().has(7_779)).toBe(false)
  const crashes = server.logs.filter(({ level }) => level >= 60)
  expect(crashes).toEqual([])
  expect(server.stderr).toBe('')
})
