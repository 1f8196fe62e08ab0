/**
 * A thread dies while people type: the one that compacts, the one that inspects a large update, the one that writes to the disk.
 * Nobody is sent away, nothing is lost, and nothing is written twice.
 */
import { addClientRanges, type ClientRanges, intersectRanges } from '@syncline/shared/update/ranges'
import { expect, test } from 'vitest'
import { Doc, encodeStateAsUpdate } from 'yjs'
import { Random, testSeed } from '../support/counts.ts'
import { held } from '../support/evidence.ts'
import { Failpoints } from '../support/failpoints.ts'
import { joinFresh } from '../support/fresh-client.ts'
import { plant } from '../support/plant.ts'
import { connectRaw, frame } from '../support/raw-client.ts'
import { scrape } from '../support/scrape.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { readStoredEntries } from '../support/stored-entries.ts'
import { TypingCrowd } from '../support/typing-crowd.ts'
import { waitUntil } from '../support/wait-until.ts'

test.each(['exit', 'throw'] as const)(
  'a compaction that ends with %s keeps nobody waiting, is named in log and metric, and is made up for later',
  async ending => {
    using failpoints = new Failpoints()
    const { imports, env } = failpoints.options
    await using server = await startServer({ imports: [...imports, plant('eager-compaction')], env })
    using crowd = await typingCrowd(server)
    failpoints.arm('worker-buildBase', ending)
    await failpoints.waitUntilFired(server, 'worker-buildBase')
    const atDeath = acknowledgements(crowd)
    await waitUntil('edits to be saved after that', () => acknowledgements(crowd) > atDeath + 20)
    await waitUntil('a compaction after the failed one', () => {
      const failed = server.logs.findIndex(({ msg }) => msg === 'compaction failed')
      return failed >= 0 && server.logs.slice(failed).some(({ msg }) => msg === 'compacted')
    })
    expect(server.logs).toContainEqual(expect.objectContaining({ msg: 'worker lost', task: 'buildBase' }))
    expect(await scrape(server.url, 'syncline_worker_restarts_total', 'task="buildBase"')).toBe(1)
    expect(await scrape(server.url, 'syncline_compactions_total', 'outcome="failed"')).toBe(1)
    await expectNothingLost(server, crowd)
  },
)

test('a large update whose inspection lost its worker is inspected again and arrives', async () => {
  using failpoints = new Failpoints()
  await using server = await startServer(failpoints.options)
  const doc = new Doc()
  doc.getText('text').insert(0, new Random(testSeed()).text(600_000))
  using author = await connectRaw(server.wsUrl, 'large')
  using reader = await connectRaw(server.wsUrl, 'large')
  for (const client of [author, reader]) {
    client.send(frame.syncStep1())
    await client.waitForFrame('the document', ({ kind }) => kind === 'sync-step-2')
  }
  failpoints.arm('worker-inspect', 'exit')
  author.send(frame.update(encodeStateAsUpdate(doc)))
  author.send(frame.saved(Uint8Array.of(1)))
  await author.waitForFrame('it to be saved', ({ kind }) => kind === 'saved')
  const { body } = await reader.waitForFrame('it to be shown', ({ kind }) => kind === 'update')
  expect(held(body).structs).toEqual(held(encodeStateAsUpdate(doc)).structs)
  expect(failpoints.fired(server, 'worker-inspect')).toBe(1)
  expect(server.logs).toContainEqual(expect.objectContaining({ msg: 'worker lost', task: 'inspect' }))
})

test.each(['before-append-commit', 'append-committed'] as const)(
  '[LOG-1] [LOG-3] a store thread that dies at %s is replaced, and every edit is in the log once',
  async failpoint => {
    using failpoints = new Failpoints()
    await using server = await startServer(failpoints.options)
    using crowd = await typingCrowd(server)
    failpoints.arm(failpoint, 'exit', 20)
    await failpoints.waitUntilFired(server, failpoint)
    const atDeath = acknowledgements(crowd)
    await waitUntil('edits to be saved after that', () => acknowledgements(crowd) > atDeath + 20)
    expect(server.logs).toContainEqual(expect.objectContaining({ msg: 'worker lost', task: 'store' }))
    await expectNothingLost(server, crowd)
    await server.kill()
    expectEachOnce(server.dataFolder, crowd)
  },
)

async function typingCrowd({ wsUrl }: ServerProcess): Promise<TypingCrowd> {
  const random = new Random(testSeed())
  const crowd = new TypingCrowd({ wsUrl, random, documents: ['one'], editsPerSecond: 50 })
  await crowd.goOnline()
  crowd.startTyping()
  await waitUntil('something to be saved', () => acknowledgements(crowd) > 5)
  return crowd
}

const acknowledgements = (crowd: TypingCrowd) =>
  crowd.evidence.reduce((sum, one) => sum + one.acknowledgements, 0)

async function expectNothingLost(server: ServerProcess, crowd: TypingCrowd): Promise<void> {
  crowd.stopTyping()
  await crowd.whenConverged()
  expect(crowd.typists.flatMap(typist => typist.ends)).toEqual([])
  for (const evidence of crowd.evidence) {
    const fresh = await joinFresh(server.wsUrl, evidence.document)
    expect(evidence.lostFrom(fresh.state)).toEqual([])
  }
}

/** The log has seqs from 1 on without a hole, every nonce once, and every clock of every writer once. */
function expectEachOnce(dataFolder: string, crowd: TypingCrowd): void {
  const entries = readStoredEntries(dataFolder)
  expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, i) => i + 1))
  expect(new Set(entries.map(({ nonce }) => nonce)).size).toBe(entries.length)
  const seen: ClientRanges = new Map()
  for (const { seq, update } of entries) {
    const { structs } = held(update)
    for (const [client, ranges] of structs) {
      expect(intersectRanges(ranges, seen.get(client) ?? []), `entry ${seq}, client ${client}`).toEqual([])
    }
    addClientRanges(seen, structs)
  }
  const [evidence] = crowd.evidence
  expect(seen).toEqual(evidence!.delivered.structs)
}
