/**
 * A server that is killed while an operator replaces a document, or merges something large into one.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { type Failpoint, Failpoints } from '../support/failpoints.ts'
import { joinFresh } from '../support/fresh-client.ts'
import { type Operator, operatorOf } from '../support/operator.ts'
import { startServer } from '../support/server-process.ts'
import { connectStock } from '../support/stock-client.ts'
import { waitUntil, within } from '../support/wait-until.ts'

/** Several pieces. */
const lengthOfLarge = 1_500_000

let dataFolder: string
let failpoints: Failpoints
let operator: Operator
beforeEach(async () => {
  dataFolder = await mkdtemp(path.join(tmpdir(), 'syncline-replace-'))
  failpoints = new Failpoints()
  operator = await operatorOf(dataFolder)
})
afterEach(async () => {
  failpoints[Symbol.dispose]()
  await operator[Symbol.asyncDispose]()
  await rm(dataFolder, { recursive: true, force: true })
})

const start = (port = 0) => startServer({ dataFolder, port, ...failpoints.options })

function typed(text: string): Uint8Array {
  const doc = new Y.Doc()
  doc.clientID = 5
  doc.getText('text').insert(0, text)
  return Y.encodeStateAsUpdate(doc)
}

const textOf = (doc: Y.Doc) => doc.getText('text').toString()

describe('a document that was being replaced when the server was killed', () => {
  const places: [Failpoint, 'former' | 'new'][] = [
    ['worker-prepareReplacement', 'former'],
    ['worker-buildBase', 'former'],
    ['replacement-written', 'former'],
    ['before-replacement-commit', 'former'],
    ['document-replaced', 'new'],
  ]

  test.each(places)('[LOG-3] [LOG-4] at %s is the %s one, all of it', async (failpoint, which) => {
    const former = 'former '.repeat(lengthOfLarge / 7)
    const replacement = 'replaced '.repeat(lengthOfLarge / 9)
    const first = await start()
    await operator.do('docs', 'import', 'notes', await operator.file('former', typed(former)))
    const file = await operator.file('new', typed(replacement))
    using anna = connectStock(first.wsUrl, 'notes')
    await anna.synced()
    anna.doc.getText('title').insert(0, 'typed by anna')
    await waitUntil(
      'it to be saved',
      async () => (await operator.export('notes')).doc.getText('title').length > 0,
    )
    failpoints.arm(failpoint, 'kill')
    const said = await operator.run('docs', 'replace', 'notes', file)
    expect(said.code).toBe(1)
    expect(said.stderr).toMatch(/^syncline: [A-Z_]+: /)
    await within('the server to be gone', first.exited)
    expect(failpoints.fired(first, failpoint)).toBe(1)

    await using server = await start(first.port)
    const { doc } = await joinFresh(server.wsUrl, 'notes')
    expect(textOf(doc) === former).toBe(which === 'former')
    expect(textOf(doc) === replacement).toBe(which === 'new')
    expect(doc.getText('title').toString()).toBe(which === 'former' ? 'typed by anna' : '')
    // She comes back by herself: to her document, or to be told that it is another.
    if (which === 'new')
      await waitUntil('her to be refused', () => anna.ends.some(({ code }) => code === 4409))
    else await anna.synced()
    expect(await operator.ask('verify')).toMatchObject({ documents: 1, findings: [] })
    await operator.do('docs', 'replace', 'notes', file)
    expect(textOf((await joinFresh(server.wsUrl, 'notes')).doc) === replacement).toBe(true)
    expect(await operator.ask('verify')).toMatchObject({ documents: 1, findings: [] })
  })
})

test('a document is replaced once, also where the store thread died before it could say so', async () => {
  await using server = await start()
  await operator.do('docs', 'import', 'notes', await operator.file('former', typed('former')))
  failpoints.arm('document-replaced', 'exit')
  const file = await operator.file('new', typed('new'))
  const { epoch } = await operator.ask<{ epoch: string }>('docs', 'replace', 'notes', file)
  expect(failpoints.fired(server, 'document-replaced')).toBe(1)
  expect(await operator.ask('docs', 'list')).toMatchObject([{ document: 'notes', epoch, seq: 1 }])
  expect(textOf((await joinFresh(server.wsUrl, 'notes')).doc)).toBe('new')
  expect(await operator.ask('verify')).toMatchObject({ documents: 1, findings: [] })
})

test('[LOG-4] an import in whose middle the server was killed leaves whole parts, and is completed by importing again', async () => {
  const text = 'imported '.repeat(lengthOfLarge / 9)
  const first = await start()
  const file = await operator.file('large', typed(text))
  failpoints.arm('append-committed', 'kill', 3)
  const said = await operator.run('docs', 'import', 'notes', file)
  expect(said.code).toBe(1)
  await within('the server to be gone', first.exited)
  await using server = await start()
  expect(await operator.ask('verify')).toMatchObject({ documents: 1, entries: 3, findings: [] })
  const part = textOf((await joinFresh(server.wsUrl, 'notes')).doc)
  expect(part.length).toBeGreaterThan(0)
  expect(part.length).toBeLessThan(text.length)
  expect(text.startsWith(part)).toBe(true)
  await operator.do('docs', 'import', 'notes', file)
  expect(textOf((await joinFresh(server.wsUrl, 'notes')).doc) === text).toBe(true)
})
