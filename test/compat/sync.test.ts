/**
 * Stock clients, imported unmodified, against a real server: they sync both ways, alone and together, late and after a restart.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hocuspocusVersionOf, hocuspocusVersions } from '../support/hocuspocus-client.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { installedVersion, stockVersions } from '../support/stock-client.ts'
import { waitUntil } from '../support/wait-until.ts'
import { connectPeer, contentOf, converged, pairs, stackNames } from './stacks.ts'

let server: ServerProcess

beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server?.[Symbol.asyncDispose]())

test('[SYNC-3] the stock clients are the versions that are promised', () => {
  console.log(`stock clients: ${stockVersions()}`)
  expect(installedVersion('y-websocket')).toBe('3.1.0')
  expect(installedVersion('@y/websocket')).toBe('4.0.0-3')
  expect(installedVersion('@y/y')).toMatch(/^14\./)
  expect(hocuspocusVersions.map(hocuspocusVersionOf)).toEqual(['2.15.3', '3.4.4', '4.8.0'])
})

test.each(pairs)('[SYNC-3] %s and %s sync both ways', async (one, other) => {
  const room = `both ways ${one} ${other}`
  using first = connectPeer(one, server.wsUrl, room)
  using second = connectPeer(other, server.wsUrl, room)
  await first.synced()
  await second.synced()
  first.insertText(0, 'from the first')
  await waitUntil('the text of the first', () => second.text === 'from the first', {
    found: () => second.text,
  })
  second.insertText(0, 'and the second, ')
  await waitUntil('the text of the second', () => first.text === 'and the second, from the first', {
    found: () => first.text,
  })
  first.transact(() => {
    first.setKey('key', { nested: [1, 2] })
    first.insertItems(0, [1, 'two', null])
    first.insertElement(0, 'paragraph', 'in a tree')
    first.addSubdocument('sub', 'guid-1')
  })
  second.formatText(0, 3, { bold: true })
  const content = await converged([first, second])
  for (const part of ['"nested":[1,2]', 'in a tree', 'guid-1', '"bold":true']) expect(content).toContain(part)
})

test.each(pairs)(
  '[SYNC-1] what %s wrote is in the synced of %s that comes after everybody left',
  async (one, other) => {
    const room = `late joiner ${one} ${other}`
    {
      using first = connectPeer(one, server.wsUrl, room)
      using witness = connectPeer(one, server.wsUrl, room)
      await first.synced()
      await witness.synced()
      first.insertText(0, 'left behind')
      first.deleteText(0, 5)
      await waitUntil('the edit to be delivered', () => witness.text === 'behind')
    }
    using late = connectPeer(other, server.wsUrl, room)
    await late.synced()
    expect(late.text).toBe('behind')
  },
)

test.each(stackNames)(
  '[SYNC-1] what %s wrote is there after the server was stopped and started',
  async stack => {
    await using first = await startServer()
    const room = 'restart'
    let content: string
    {
      using writer = connectPeer(stack, first.wsUrl, room)
      using witness = connectPeer(stack, first.wsUrl, room)
      await writer.synced()
      await witness.synced()
      writer.insertText(0, 'survives')
      writer.setKey('key', 1)
      writer.addSubdocument('sub', 'guid-1')
      content = await converged([writer, witness])
      await waitUntil('the edit to be delivered', () => witness.text === 'survives')
      content = contentOf(witness.state())
    }
    expect(await first.stop()).toBe(0)
    await using second = await startServer({ dataFolder: first.dataFolder })
    using late = connectPeer(stack, second.wsUrl, room)
    await late.synced()
    expect(contentOf(late.state())).toBe(content)
  },
)

test.each(pairs)('[SYNC-3] offline edits of %s and %s are merged on both sides', async (one, other) => {
  const room = `offline ${one} ${other}`
  using first = connectPeer(one, server.wsUrl, room)
  using second = connectPeer(other, server.wsUrl, room)
  await first.synced()
  await second.synced()
  first.insertText(0, 'middle')
  await waitUntil('the common text', () => second.text === 'middle')
  first.provider.disconnect()
  second.provider.disconnect()
  first.insertText(0, 'left ')
  first.setKey('first', true)
  second.insertText(second.text.length, ' right')
  second.deleteText(0, 1)
  second.setKey('second', true)
  // A Hocuspocus provider that is still closing its socket takes no notice of being told to connect.
  await waitUntil('both to be offline', () => ![first, second].some(({ provider }) => provider.wsconnected))
  first.provider.connect()
  second.provider.connect()
  await waitUntil('the merged text', () => first.text === 'left iddle right' && second.text === first.text, {
    found: () => [first.text, second.text],
  })
  const content = await converged([first, second])
  expect(content).toContain('"map":{"first":true,"second":true}')
})

test('[SYNC-3] an update comes back to its author, which Yjs 14 clients take as the acknowledgement', async () => {
  using writer = connectPeer('@y/websocket', server.wsUrl, 'echo')
  const frames: number[] = []
  await writer.synced()
  const socket = writer.provider.ws as unknown as {
    addEventListener(type: string, listener: (e: never) => void): void
  }
  socket.addEventListener('message', ({ data }: { data: ArrayBuffer }) => {
    const [type, step] = new Uint8Array(data)
    if (type === 0 && step !== undefined) frames.push(step)
  })
  writer.insertText(0, 'mine')
  await waitUntil('an update frame with the own edit', () => frames.includes(2), { found: () => frames })
})

test('two documents of one server do not know each other', async () => {
  using first = connectPeer('y-websocket', server.wsUrl, 'document one')
  using second = connectPeer('y-websocket', server.wsUrl, 'document two')
  using firstAgain = connectPeer('y-websocket', server.wsUrl, 'document one')
  await Promise.all([first.synced(), second.synced(), firstAgain.synced()])
  first.insertText(0, 'one')
  second.insertText(0, 'two')
  await waitUntil('the text of the first document', () => firstAgain.text === 'one')
  expect([first.text, second.text]).toEqual(['one', 'two'])
})
