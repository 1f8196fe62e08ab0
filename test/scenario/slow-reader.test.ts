/**
 * Readers that do not keep up: what waits for them is bounded, they are told so and come back, and the others notice nothing.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectPeer, type Peer } from '../compat/stacks.ts'
import { closedConnection } from '../support/closed-connection.ts'
import { connectRaw, frame } from '../support/raw-client.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { waitUntil } from '../support/wait-until.ts'

const tooSlow = 4508
const chunk = 'x'.repeat(200_000)
/** 40 MB: far more than the setting (1 MiB) and what the operating system takes for a socket (some MiB). */
const chunks = 200

let server: ServerProcess

beforeAll(async () => {
  server = await startServer({ args: ['--limit-waiting-bytes', '1048576'] })
})
afterAll(() => server?.[Symbol.asyncDispose]())

/** Writes and takes away again, so that the traffic is large and the document is not. */
async function writeMuch(writer: Peer, reader: Peer): Promise<void> {
  for (let written = 0; written < chunks; written++) {
    writer.insertText(0, `${written}:${chunk}`)
    await waitUntil('the reader that keeps up', () => reader.text.startsWith(`${written}:`))
    writer.deleteText(0, writer.text.length)
  }
}

/** Who does not read does not hear the goodbye, so the log says why it was cut off. */
async function codeOfFirstClosed(room: string): Promise<unknown> {
  const closed = await closedConnection(server, room)
  return closed.code
}

test('[SLOW-1] a reader that stops reading is closed with 4508, and nobody else is', async () => {
  const room = 'stops reading'
  using writer = connectPeer('y-websocket', server.wsUrl, room)
  using reader = connectPeer('@y/websocket', server.wsUrl, room)
  using stuck = await connectRaw(server.wsUrl, room)
  await Promise.all([writer.synced(), reader.synced()])
  stuck.send(frame.syncStep1())
  await stuck.waitForFrame('the answer', ({ kind }) => kind === 'sync-step-2')
  stuck.stopReading()
  await writeMuch(writer, reader)
  expect(await codeOfFirstClosed(room)).toBe(tooSlow)
  writer.insertText(0, 'after')
  await waitUntil('the reader that keeps up', () => reader.text === 'after')
  expect([writer.ends, reader.ends]).toEqual([[], []])
})

test('[SLOW-1] a stock client that was too slow comes back by itself and has everything', async () => {
  const room = 'comes back'
  await using line = await startTcpProxy({ targetPort: server.port })
  using writer = connectPeer('y-websocket', server.wsUrl, room)
  using reader = connectPeer('y-websocket', server.wsUrl, room)
  using slow = connectPeer('y-websocket', line.wsUrl, room)
  await Promise.all([writer.synced(), reader.synced(), slow.synced()])
  line.pause()
  await writeMuch(writer, reader)
  writer.insertText(0, 'all that is left')
  expect(await codeOfFirstClosed(room)).toBe(tooSlow)
  line.resume()
  await waitUntil(
    'the slow one to have come back',
    () => line.accepted > 1 && slow.text === 'all that is left',
    {
      found: () => ({ ends: slow.ends, text: slow.text.slice(0, 100) }),
    },
  )
  expect([writer.ends, reader.ends]).toEqual([[], []])
})
