/**
 * A document that an operator replaces stays replaced, whoever comes back with what it was [LOG-3].
 */
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { joinFresh } from '../support/fresh-client.ts'
import { type Operator, operatorOf } from '../support/operator.ts'
import { connectRaw, frame } from '../support/raw-client.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { connectStock, connectStock14, type StockClient } from '../support/stock-client.ts'
import { waitUntil } from '../support/wait-until.ts'

const otherEpoch = 4409
const comeBack = 1012

const textOf = (doc: Y.Doc) => doc.getText('text').toString()

async function saved(operator: Operator, document: string, text: string): Promise<void> {
  await waitUntil(
    `${JSON.stringify(text)} to be saved`,
    async () => (await operator.do('docs', 'export', document, '--format', 'text')).trim() === text,
  )
}

const freshText = async (server: ServerProcess, document: string) =>
  textOf((await joinFresh(server.wsUrl, document)).doc)

/** Somebody who was refused for good: it does not come back by itself. */
async function expectRefused(client: Pick<StockClient, 'ends' | 'provider'>): Promise<void> {
  await waitUntil('the client to be refused', () => client.ends.at(-1)?.code === otherEpoch, {
    found: () => client.ends,
  })
  expect(client.provider.shouldConnect).toBe(false)
}

/** A client that was refused, and that its user tells to connect all the same. */
async function expectRefusedAgain(client: StockClient): Promise<void> {
  const before = client.ends.length
  client.provider.connect()
  await waitUntil('the client to be refused again', () => client.ends.length > before)
  await expectRefused(client)
}

/** A document that Anna wrote, exported, and then damaged by `accident` while she was connected. */
async function replacedAfter(server: ServerProcess, accident: (doc: Y.Doc) => void) {
  const operator = await operatorOf(server.dataFolder)
  const anna = connectStock(server.wsUrl, 'notes')
  await anna.synced()
  anna.doc.getText('text').insert(0, 'what was written yesterday')
  await saved(operator, 'notes', 'what was written yesterday')
  const { file } = await operator.export('notes')
  accident(anna.doc)
  await saved(operator, 'notes', textOf(anna.doc))
  await operator.do('docs', 'replace', 'notes', file)
  return { operator, anna }
}

const accidents: [string, (doc: Y.Doc) => void][] = [
  ['emptied', doc => doc.getText('text').delete(0, doc.getText('text').length)],
  [
    'written on by a client id that both epochs know',
    doc => doc.getText('text').insert(26, ' and today, all of it wrong'),
  ],
  [
    'partly deleted, then written on',
    doc => {
      doc.getText('text').delete(0, 9)
      doc.getText('text').insert(0, 'Nobody knows what was ')
    },
  ],
]

describe('a document that was replaced by its export of yesterday', () => {
  test.each(accidents)(
    '[LOG-3] after it was %s stays so when stock clients that still hold that come back',
    async (_, accident) => {
      await using server = await startServer()
      const { operator, anna } = await replacedAfter(server, accident)
      const damaged = textOf(anna.doc)
      // She was there when it happened: sent away, back at once, refused before she was shown anything of the new one.
      await expectRefused(anna)
      expect(anna.ends.map(({ code }) => code)).toEqual([comeBack, otherEpoch])
      expect(textOf(anna.doc)).toBe(damaged)
      expect(await freshText(server, 'notes')).toBe('what was written yesterday')
      // She tries again by hand, has typed meanwhile, and another tab of hers was never online since.
      anna.doc.getText('text').insert(0, 'typed offline ')
      await expectRefusedAgain(anna)
      using tab = connectStock(server.wsUrl, 'notes', { doc: anna.doc })
      await expectRefused(tab)
      expect(await freshText(server, 'notes')).toBe('what was written yesterday')
      expect(await operator.ask('verify')).toMatchObject({ entries: 0, findings: [] })
      anna.destroy()
      await operator[Symbol.asyncDispose]()
    },
  )

  test('[LOG-3] stays so after a restart, after a compaction and after a second replacement', async () => {
    const first = await startServer()
    const { operator, anna } = await replacedAfter(first, accidents[0]![1])
    const { file } = await operator.export('notes')
    await operator.do('docs', 'replace', 'notes', file)
    await operator.do('docs', 'import', 'notes', await operator.file('more', moreText()))
    await first.stop()
    await using server = await startServer({ dataFolder: first.dataFolder, port: first.port })
    const before = await freshText(server, 'notes')
    await expectRefusedAgain(anna)
    // Enough for a compaction while people write.
    using ben = connectStock(server.wsUrl, 'notes')
    await ben.synced()
    for (let i = 0; i < 70; i++) ben.doc.getMap('map').set(`key ${i}`, 'x'.repeat(1_000))
    await server.waitForLog('a compaction', ({ msg }) => msg === 'compacted')
    await expectRefusedAgain(anna)
    expect(await freshText(server, 'notes')).toBe(before)
    expect(await operator.ask('verify')).toMatchObject({ findings: [] })
    anna.destroy()
    await operator[Symbol.asyncDispose]()
    await first[Symbol.asyncDispose]()
  })

  test('[LOG-3] is a document like any other for those who load it anew: what was deleted once can be deleted again', async () => {
    await using server = await startServer()
    const { operator, anna } = await replacedAfter(server, accidents[0]![1])
    using ben = connectStock(server.wsUrl, 'notes')
    using cleo = connectStock14(server.wsUrl, 'notes')
    await Promise.all([ben.synced(), cleo.synced()])
    expect(textOf(ben.doc)).toBe('what was written yesterday')
    ben.doc.getText('text').delete(0, 17)
    await waitUntil('the deletion to be seen', () => String(cleo.doc.get('text')).includes('yesterday'))
    // Offline, and back with a deletion of what the former epoch had deleted too.
    ben.provider.disconnect()
    ben.doc.getText('text').delete(0, 4)
    ben.doc.getText('text').insert(0, 'Y')
    ben.provider.connect()
    await ben.synced()
    await saved(operator, 'notes', 'Yerday')
    expect(ben.ends.filter(({ code }) => code === otherEpoch)).toEqual([])
    expect(cleo.ends).toEqual([])
    anna.destroy()
    await operator[Symbol.asyncDispose]()
  })
})

describe('a document that was replaced by something else', () => {
  test('[LOG-3] keeps the ids of a file that has none in common with it', async () => {
    await using server = await startServer()
    await using operator = await operatorOf(server.dataFolder)
    await operator.do('docs', 'import', 'notes', await operator.file('first', typed(5, 'first')))
    const file = await operator.file('second', typed(7, 'second'))
    expect(await operator.ask('docs', 'replace', 'notes', file)).toMatchObject({ renamed: false })
    const { doc } = await operator.export('notes')
    expect([...doc.store.clients.keys()]).toEqual([7])
  })

  test('[LOG-3] takes nothing from a client with the id and the clocks of a former one, and other content', async () => {
    await using server = await startServer()
    await using operator = await operatorOf(server.dataFolder)
    await operator.do('docs', 'import', 'notes', await operator.file('first', typed(5, 'first')))
    // An application that gives its clients fixed ids: the same id, other content at the same clocks.
    const file = await operator.file('second', typed(5, 'second'))
    expect(await operator.ask('docs', 'replace', 'notes', file)).toMatchObject({ renamed: true })
    for (const update of [typed(5, 'first'), typed(5, 'second'), typed(5, 'third, and longer')]) {
      using client = await connectRaw(server.wsUrl, 'notes')
      client.send(frame.syncStep1())
      await client.waitForFrame('to be joined', ({ kind }) => kind === 'sync-step-2')
      client.send(frame.syncStep2(update))
      expect(await client.waitForClose()).toMatchObject({ code: otherEpoch })
    }
    expect(await freshText(server, 'notes')).toBe('second')
    const said = await operator.run('docs', 'import', 'notes', file)
    expect([said.code, said.stderr]).toEqual([1, expect.stringContaining('syncline: OTHER_EPOCH: ')])
    expect(await operator.ask('verify')).toMatchObject({ entries: 0, findings: [] })
  })

  test('[LOG-3] sends nobody away for good who has nothing of it', async () => {
    await using server = await startServer()
    await using operator = await operatorOf(server.dataFolder)
    using anna = connectStock(server.wsUrl, 'notes')
    await anna.synced()
    await operator.do('docs', 'replace', 'notes', await operator.file('new', typed(7, 'new')))
    await waitUntil('the new content to arrive', () => textOf(anna.doc) === 'new')
    expect(anna.ends.map(({ code }) => code)).toEqual([comeBack])
  })
})

function typed(client: number, text: string): Uint8Array {
  const doc = new Y.Doc()
  doc.clientID = client
  doc.getText('text').insert(0, text)
  return Y.encodeStateAsUpdate(doc)
}

function moreText(): Uint8Array {
  const doc = new Y.Doc()
  doc.getText('text').insert(0, 'and more; ')
  return Y.encodeStateAsUpdate(doc)
}
