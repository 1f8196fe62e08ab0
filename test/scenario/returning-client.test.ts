/**
 * A returning client is sent what it lacks, and little more, however large the document is.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { applyUpdate, Doc, encodeStateAsUpdate, encodeStateVector } from 'yjs'
import { Random, testSeed } from '../support/counts.ts'
import { held } from '../support/evidence.ts'
import { joinFresh } from '../support/fresh-client.ts'
import { returnWith } from '../support/returning-client.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { areEqual } from '../support/typing-crowd.ts'
import { write } from '../support/written-document.ts'

const KiB = 1024
/** What a room may send in one piece without cutting it. */
const chunkBytes = 256 * KiB
const slack = 1.2
const document = 'returning'
const clients = [11, 22, 33]
/** Far more than the slack of any case, so that sending the document instead of the difference is noticed. */
const baseCharacters = 3_000_000

describe('a client that returns to a large compacted document', () => {
  const random = new Random(testSeed())
  let server: ServerProcess
  /** As it was left, oldest first; `newest` is what the server has. */
  const left: Record<string, Doc> = {}
  let newest: Doc

  beforeAll(async () => {
    server = await startServer()
    const doc = new Doc()
    const leave = (when: string) => {
      left[when] = copyOf(doc)
    }
    write(doc, random, { characters: baseCharacters * 0.9, clients, insertion: 1_000 })
    leave('before the last tenth of the base was written')
    write(doc, random, { characters: baseCharacters * 0.1, clients: [...clients, 44], insertion: 1_000 })
    leave('before the last words of the base were written')
    write(doc, random, { characters: 1_000, clients: [55], insertion: 10 })
    await upload(doc)
    await server.waitForLog('a compaction', ({ msg }) => msg === 'compacted')
    leave('when the base was complete')
    for (let window = 0; window < 100; window++) {
      write(doc, random, { characters: 30, clients: [...clients, 66], insertion: 10 })
      await upload(doc)
      if (window === 50) leave('in the middle of the tail')
    }
    expect(server.logs.filter(({ msg }) => msg === 'compacted')).toHaveLength(1)
    newest = (await joinFresh(server.wsUrl, document)).doc
    expect(areEqual([newest, doc])).toBe(true)
    left['with all there is'] = copyOf(newest)
  })

  afterAll(() => server[Symbol.asyncDispose]())

  async function upload(doc: Doc): Promise<void> {
    const { client } = await returnWith(server.wsUrl, document, doc)
    client.close()
  }

  test.each([
    'before the last tenth of the base was written',
    'before the last words of the base were written',
    'when the base was complete',
    'in the middle of the tail',
    'with all there is',
  ])(
    '[SYNC-2] having left %s, is sent at most 1.2 times the difference, the delete set and one chunk',
    async when => {
      const doc = left[when]!
      const difference = encodeStateAsUpdate(newest, encodeStateVector(doc))
      const deleteSet = deleteSetBytes(newest)
      using returned = await returnWith(server.wsUrl, document, doc)
      console.log(
        `left ${when}: sent ${returned.bytes} bytes in ${returned.updates.length} updates, ` +
          `difference ${difference.byteLength}, delete set ${deleteSet}, document ${encodeStateAsUpdate(newest).byteLength}`,
      )
      expect(returned.bytes).toBeLessThanOrEqual(slack * difference.byteLength + deleteSet + chunkBytes)
      for (const update of returned.updates) applyUpdate(doc, update)
      expect(areEqual([doc, newest])).toBe(true)
    },
  )

  test('[SYNC-2] with edits of its own, is sent as little, and its edits arrive', async () => {
    const doc = copyOf(left['when the base was complete']!)
    write(doc, random, { characters: 200, clients: [77], insertion: 20 })
    const difference = encodeStateAsUpdate(newest, encodeStateVector(doc))
    using returned = await returnWith(server.wsUrl, document, doc)
    expect(returned.bytes).toBeLessThanOrEqual(
      slack * difference.byteLength + deleteSetBytes(newest) + chunkBytes,
    )
    for (const update of returned.updates) applyUpdate(doc, update)
    const fresh = await joinFresh(server.wsUrl, document)
    expect(areEqual([doc, fresh.doc])).toBe(true)
    expect(held(returned.upload).structs.has(77)).toBe(true)
  })
})

function copyOf(doc: Doc): Doc {
  const copy = new Doc()
  applyUpdate(copy, encodeStateAsUpdate(doc))
  return copy
}

/** What every SyncStep2 of Yjs carries, however little is new. */
function deleteSetBytes(doc: Doc): number {
  return encodeStateAsUpdate(doc, encodeStateVector(doc)).byteLength
}
