/**
 * Everybody comes back at once with what the server has already: nothing is written for it, and nobody else hears of it.
 */
import { expect, test } from 'vitest'
import { applyUpdate, Doc, encodeStateAsUpdate, encodeStateVector, mergeUpdates } from 'yjs'
import { Random, testSeed } from '../support/counts.ts'
import { held } from '../support/evidence.ts'
import { joinFresh } from '../support/fresh-client.ts'
import { connectRaw, frame, type RawClient } from '../support/raw-client.ts'
import { isUpdate, returnWith } from '../support/returning-client.ts'
import { scrape } from '../support/scrape.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { connectStock } from '../support/stock-client.ts'
import { readLastSeqs } from '../support/stored-entries.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { waitUntil } from '../support/wait-until.ts'
import { writtenDocument } from '../support/written-document.ts'

const returnsAtOnce = 200
const stockClients = 20
const witnesses = 3
const clients = [11, 22, 33]

test.each([
  { what: 'a document in the tail', characters: 20_000, compacted: false, pending: false },
  { what: 'a compacted document', characters: 200_000, compacted: true, pending: false },
  { what: 'a tail with structs behind gaps', characters: 20_000, compacted: false, pending: true },
  {
    what: 'a compacted document with structs behind gaps',
    characters: 200_000,
    compacted: true,
    pending: true,
  },
])(
  `[SYNC-2] ${returnsAtOnce} clients that return to $what with what is there append nothing and send nothing to others`,
  async ({ characters, compacted, pending }) => {
    await using server = await startServer()
    const doc = writtenDocument(new Random(testSeed()), { characters, clients })
    if (pending) applyUpdate(doc, updateBehindGap())
    using author = await returnWith(server.wsUrl, 'storm', doc)
    expect(held(author.upload).deletes.size).toBeGreaterThan(0)
    if (compacted) await server.waitForLog('a compaction', ({ msg }) => msg === 'compacted')
    // Once: what Yjs deleted while it integrated is in no update, and may arrive with the first who has it.
    const { doc: integrated } = await joinFresh(server.wsUrl, 'storm')
    expect(integrated.store.pendingStructs !== null).toBe(pending)
    using first = await returnWith(server.wsUrl, 'storm', integrated)
    using watched = await watch(server)

    const returned = await Promise.all(
      Array.from({ length: returnsAtOnce }, () => returnWith(server.wsUrl, 'storm', integrated)),
    )

    expect(watched.heard()).toEqual([])
    expect(await watched.written()).toEqual({ seqs: 0, windows: 0 })
    // They did bring something: their delete sets, and what lies behind gaps.
    for (const { upload } of returned) expect(held(upload)).toEqual(held(first.upload))
    expect(held(first.upload).deletes.size).toBeGreaterThan(0)
    expect(held(first.upload).structs.size > 0).toBe(pending)
    for (const { client } of returned) client.close()
  },
)

test(`[SYNC-2] [SYNC-3] ${stockClients} stock clients whose line is cut return without appending anything or sending anything to others`, async () => {
  await using server = await startServer()
  await using proxy = await startTcpProxy({ targetPort: server.port })
  const doc = writtenDocument(new Random(testSeed()), { characters: 20_000, clients })
  const author = await returnWith(server.wsUrl, 'storm', doc)
  author.client.close()
  const stock = Array.from({ length: stockClients }, () => connectStock(proxy.wsUrl, 'storm'))
  await Promise.all(stock.map(client => client.synced()))
  const allBack = async () => {
    const received = await updatesReceived(server)
    proxy.cut()
    await waitUntil('all to have lost their connection', () =>
      stock.every(({ provider }) => !provider.synced),
    )
    await Promise.all(stock.map(client => client.synced()))
    // `synced` does not say that the server has what they answered.
    const all = received + stockClients
    await waitUntil('all answers to have arrived', async () => (await updatesReceived(server)) >= all)
  }
  await allBack()
  using watched = await watch(server)
  await allBack()
  expect(watched.heard()).toEqual([])
  expect(await watched.written()).toEqual({ seqs: 0, windows: 0 })
  for (const client of stock) {
    expect([...encodeStateVector(client.doc)]).toEqual([...encodeStateVector(doc)])
    client.destroy()
  }
})

interface Watched extends Disposable {
  /** Updates that the witnesses were sent since. */
  heard(): readonly Uint8Array[]
  /** What was appended since, by the store file and by the server's own count. */
  written(): Promise<{ seqs: number; windows: number }>
}

async function watch(server: ServerProcess): Promise<Watched> {
  const clients: RawClient[] = []
  for (let i = 0; i < witnesses; i++) {
    const client = await connectRaw(server.wsUrl, 'storm')
    client.send(frame.syncStep1())
    await client.waitForFrame('the document', ({ kind }) => kind === 'sync-step-2')
    clients.push(client)
  }
  const framesBefore = clients.map(({ frames }) => frames.length)
  const lastSeq = () => readLastSeqs(server.dataFolder).storm!
  const windowsCommitted = () => scrape(server.url, 'syncline_windows_committed_total')
  const seqBefore = lastSeq()
  const windowsBefore = await windowsCommitted()
  return {
    heard: () =>
      clients
        .flatMap(({ frames }, i) => frames.slice(framesBefore[i]).filter(isUpdate))
        .map(({ bytes }) => bytes),
    written: async () => ({
      seqs: lastSeq() - seqBefore,
      windows: (await windowsCommitted()) - windowsBefore,
    }),
    [Symbol.dispose]() {
      for (const client of clients) client.terminate()
    },
  }
}

const updatesReceived = (server: ServerProcess) => scrape(server.url, 'syncline_updates_received_total')

/** Structs that lean on others which nobody has, and deletions of what nobody has. */
function updateBehindGap(): Uint8Array {
  const writer = new Doc()
  writer.clientID = 77
  writer.getText('text').insert(0, 'never sent')
  const before = encodeStateVector(writer)
  writer.getText('text').insert(10, ' and after it')
  const behind = encodeStateAsUpdate(writer, before)
  const deleter = new Doc()
  deleter.clientID = 88
  deleter.getText('text').insert(0, 'never sent')
  const written = encodeStateVector(deleter)
  deleter.getText('text').delete(0, 5)
  return mergeUpdates([behind, encodeStateAsUpdate(deleter, written)])
}
