/**
 * Readers, against a real server: stock clients that type although they may only read, and one that sends whatever it likes. They see
 * everything live and change nothing, and what they try neither loops nor fills the log.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { applyUpdate, Doc, encodeStateAsUpdate } from 'yjs'
import { connectPeer, contentOf, converged, type Peer, stackNames } from '../compat/stacks.ts'
import { joinFresh } from '../support/fresh-client.ts'
import { docs, liveToken, secretEnv, withToken } from '../support/live-tokens.ts'
import { operatorOf } from '../support/operator.ts'
import { connectRaw, frame } from '../support/raw-client.ts'
import { scrape } from '../support/scrape.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { waitUntil } from '../support/wait-until.ts'

const edits = 100
const tries = 3
/** Handshakes, presence and its renewals, for a handful of clients. */
const otherFramesMax = 60

let server: ServerProcess
beforeAll(async () => {
  server = await startServer({ env: secretEnv })
})
afterAll(() => server?.[Symbol.asyncDispose]())

const tokenOf = (user: string, access: 'read' | 'write') =>
  liveToken({ sub: user, name: user, docs: docs(access) })

async function join(stack: Peer['stack'], document: string, user: string, access: 'read' | 'write') {
  const params = { token: await tokenOf(user, access) }
  const peer = connectPeer(stack, server.wsUrl, document, { params, awareness: { at: user } })
  await peer.synced()
  return peer
}

const framesOf = async () =>
  (await scrape(server.url, 'syncline_frames_received_total')) +
  (await scrape(server.url, 'syncline_frames_sent_total'))

const dropped = () => scrape(server.url, 'syncline_updates_refused_total', 'rule="read-only"')

/** What the store has, as an operator exports it. */
async function stored(document: string): Promise<string> {
  await using operator = await operatorOf(server.dataFolder)
  const { doc } = await operator.export(document)
  return contentOf(encodeStateAsUpdate(doc))
}

describe.each(stackNames)('a reader with %s', stack => {
  const document = `read with ${stack}`

  test(`[AUTH-2] reads live and is here, while ${edits} edits of its own reach nobody, cost a frame and an answer each at most, and leave the log quiet`, async () => {
    using writer = await join('y-websocket', document, 'ada', 'write')
    using reader = await join(stack, document, 'bob', 'read')
    using witness = await join('@y/websocket', document, 'cleo', 'write')
    const [frames, lines] = [await framesOf(), server.logs.length]
    for (let edit = 0; edit < edits; edit++) {
      reader.insertText(0, 'forbidden ')
      if (edit % 10 === 0) writer.insertText(writer.text.length, `line ${edit}\n`)
      // A turn, so that each edit is a frame of its own and answers can come between them.
      await new Promise(resolve => setImmediate(resolve))
    }
    writer.setKey('last', true)
    await converged([writer, witness])
    await waitUntil('the reader to have read all', () => reader.text.includes('line 90'))
    expect([reader.provider.wsconnected, reader.ends]).toEqual([true, []])
    // Each of the writer's frames comes in once and goes out to three; the reader's go nowhere. A provider is told of each.
    const told = stack.startsWith('hocuspocus') ? edits : 0
    const spent = (await framesOf()) - frames
    expect(spent).toBeGreaterThan(edits)
    expect(spent).toBeLessThan(edits + told + (edits / 10 + 1) * 4 + otherFramesMax)
    expect(server.logs.slice(lines).length).toBeLessThan(10)
    for (const honest of [writer, witness]) expect(honest.text).not.toContain('forbidden')
    for (const other of [writer, witness]) {
      const seen = () => other.awareness.getStates().get(reader.clientId)
      await waitUntil('the reader to be seen', () => seen()?.at === 'bob', { found: seen })
      await waitUntil('the reader to see', () => reader.awareness.getStates().has(other.clientId))
    }
    expect(await stored(document)).toBe(contentOf(writer.state()))
  })

  test('[AUTH-2] comes back with what it typed offline, and that goes nowhere either', async () => {
    using writer = await join('y-websocket', document, 'ada', 'write')
    const before = writer.text
    using reader = await join(stack, document, 'bob', 'read')
    reader.provider.disconnect()
    reader.insertText(0, 'forbidden offline ')
    reader.deleteText(20, 10)
    writer.insertText(0, 'meanwhile ')
    const frames = await framesOf()
    reader.provider.connect()
    await reader.synced()
    await waitUntil('what came meanwhile', () => reader.text.includes('meanwhile '))
    writer.insertText(0, 'and after ')
    await waitUntil('what came after', () => reader.text.includes('and after '))
    expect((await framesOf()) - frames).toBeLessThan(otherFramesMax)
    expect(writer.text).toBe(`and after meanwhile ${before}`)
    expect(await stored(document)).toBe(contentOf(writer.state()))
  })
})

test.each([
  ['an update', frame.update],
  ['a SyncStep2', frame.syncStep2],
] as const)('[AUTH-2] a reader that writes by %s changes nothing and goes on reading', async (_, asFrame) => {
  const document = `written by ${asFrame.name}`
  using writer = await join('y-websocket', document, 'ada', 'write')
  writer.insertText(0, 'kept')
  const forbidden = new Doc()
  forbidden.getText('text').insert(0, 'forbidden')
  using reader = await connectRaw(server.wsUrl, withToken(document, await tokenOf('bob', 'read')))
  reader.send(frame.syncStep1())
  await reader.waitForFrame('the document', ({ kind }) => kind === 'sync-step-2')
  const refused = await dropped()
  for (let one = 0; one < tries; one++) reader.send(asFrame(encodeStateAsUpdate(forbidden)))
  // Behind them in the order of what it said: once this is answered they have been dealt with.
  reader.send(frame.syncStep1())
  await waitUntil(
    'the second answer',
    () => reader.frames.filter(({ kind }) => kind === 'sync-step-2').length === 2,
  )
  // It is never asked for what it has, or it would send that again and again.
  expect(reader.frames.filter(({ kind }) => kind === 'sync-step-1')).toEqual([])
  expect(reader.closed).toBeUndefined()
  writer.insertText(4, ', too')
  const shown = () => {
    const doc = new Doc()
    for (const { kind, body } of reader.frames)
      if (kind === 'update' || kind === 'sync-step-2') applyUpdate(doc, body)
    return doc.getText('text').toString()
  }
  await waitUntil('what the writer typed to be read', () => shown() === 'kept, too', { found: shown })
  expect(writer.text).toBe('kept, too')
  const token = await tokenOf('dan', 'read')
  const fresh = await joinFresh(server.wsUrl, withToken(document, token))
  expect(fresh.doc.getText('text').toString()).toBe('kept, too')
  expect(await dropped()).toBe(refused + tries)
})
