import { createAppender } from '@syncline/server/internal/store/disk-append'
import { createBases } from '@syncline/server/internal/store/disk-base'
import { createContents } from '@syncline/server/internal/store/disk-content'
import { createDocuments } from '@syncline/server/internal/store/disk-document'
import { createFormerEpochs } from '@syncline/server/internal/store/disk-former-epoch'
import { createReader } from '@syncline/server/internal/store/disk-read'
import { createRecent, type RecentLimits } from '@syncline/server/internal/store/disk-recent'
import type { RequestOf } from '@syncline/server/internal/store/disk-requests'
import { openStoreFile } from '@syncline/server/internal/store/disk-schema'
import { encodeAppend } from '@syncline/server/internal/store/encode-append'
import { type Appended, noLink } from '@syncline/server/internal/store/update-log'
import { describe, expect, test } from 'vitest'
import { makeEntries } from '../../contract/log-content.ts'
import { Random, testSeed } from '../../support/counts.ts'

type Database = ReturnType<typeof openStoreFile>

const limits: RecentLimits = { rowsEachMax: 8, behindRowsMax: 1_000, rowsMax: 2_000 }

/** The parts of a store thread that have to do with entries, on a store in memory. */
function open(some: Partial<RecentLimits> = {}, database: Database = openStoreFile(':memory:')) {
  const recent = createRecent(database, { ...limits, ...some })
  const contents = createContents(database)
  const documents = createDocuments(database, recent)
  const bases = createBases(database, { documents, contents, recent })
  const formerEpochs = createFormerEpochs(database, contents)
  const reader = createReader(database, { documents, bases, contents, formerEpochs, recent })
  const append = createAppender(database, { documents, contents, recent })
  const count = (sql: string) =>
    database.prepare(`SELECT count(*) AS count FROM ${sql}`).get()!.count as number
  return {
    database,
    recent,
    /** One entry for each of these documents, in one transaction. */
    append(...names: string[]) {
      const requests = names.map((document, id) => {
        const entries = encodeAppend(makeEntries(1))
        return {
          id,
          kind: 'append',
          document,
          since: 0,
          entries,
          history: undefined,
        } satisfies RequestOf<'append'>
      })
      return append(requests.map(request => ({ request, contents: new Map() })))
    },
    /** The seqs of a document's entries, whose links have to be a chain that ends where the document does. */
    seqs(document: string): number[] {
      const stored = reader.readEntries({ id: 0, kind: 'read', document, after: 0, bytesMax: 1e9 })
      let link = noLink
      for (const { previousLink, link: next } of stored) {
        expect(previousLink).toBe(link)
        link = next
      }
      expect(reader.load({ id: 0, kind: 'load', document }).end).toEqual({ seq: stored.length, link })
      return stored.map(({ seq }) => seq)
    },
    rows: (table: 'recent' | 'entry') => count(table),
    filed: (document: string) =>
      count(`entry WHERE document = (SELECT id FROM document WHERE name = CAST('${document}' AS BLOB))`),
  }
}

const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1)
const names = (count: number) => Array.from({ length: count }, (_, i) => `room ${i}`)

describe('recent entries', () => {
  test('stand one behind the other, and those of a document are filed together', () => {
    const store = open()
    for (let i = 0; i < 8; i++) store.append('a', 'b')
    expect([store.rows('recent'), store.rows('entry')]).toEqual([16, 0])
    store.append('a')
    expect([store.filed('a'), store.filed('b')]).toEqual([9, 0])
    store.append('a')
    expect([store.filed('a'), store.rows('recent')]).toEqual([9, 17])
    expect([store.seqs('a'), store.seqs('b')]).toEqual([upTo(10), upTo(8)])
  })

  test('are told from those that are filed when the store is opened again', () => {
    const store = open()
    for (let i = 0; i < 20; i++) store.append('a', 'b', 'c')
    store.append('a')
    const again = open({}, store.database)
    again.append('b')
    for (const [name, last] of [
      ['a', 21],
      ['b', 21],
      ['c', 20],
    ] as const)
      expect(again.seqs(name)).toEqual(upTo(last))
  })

  test('of a document that others have left behind are filed, a share in each transaction', () => {
    const store = open({ behindRowsMax: 600 })
    const quiet = names(500)
    store.append(...quiet)
    for (let i = 0; i < 4; i++) store.append(...names(120).map(name => `busy ${name}`))
    const filed: number[] = []
    while (store.filed('room 499') === 0) {
      const before = store.rows('entry')
      store.append(...names(120).map(name => `busy ${name}`))
      filed.push(store.rows('entry') - before)
    }
    // A share of 256, and what the busy ones file for themselves while they append.
    expect(Math.max(...filed)).toBeLessThanOrEqual(256 + 2 * 8)
    for (const name of quiet) expect(store.seqs(name)).toEqual([1])
  })

  test(`stay within their limit, whoever writes how often (seed ${testSeed()})`, () => {
    const random = new Random(testSeed())
    const store = open({ behindRowsMax: 300, rowsMax: 600 })
    const written = new Map<string, number>()
    for (let i = 0; i < 150; i++) {
      const tick = names(1 + random.below(200)).map(() => `room ${Math.floor(500 * random.fraction() ** 3)}`)
      store.append(...tick)
      for (const name of tick) written.set(name, (written.get(name) ?? 0) + 1)
      expect(store.rows('recent')).toBeLessThanOrEqual(600 + 200)
    }
    for (const [name, last] of written) expect(store.seqs(name)).toEqual(upTo(last))
    const again = open({}, store.database)
    for (const [name, last] of written) expect(again.seqs(name)).toEqual(upTo(last))
  })

  test('of a document whose place cannot be written stay, and hold up nobody', () => {
    const store = open({ behindRowsMax: 300, rowsMax: 600 })
    store.append('stuck')
    store.database.exec(`CREATE TRIGGER planted BEFORE INSERT ON entry WHEN NEW.document = 1
      BEGIN SELECT RAISE(ABORT, 'planted'); END`)
    for (let i = 0; i < 100; i++) expect(store.append(...names(30)).every(({ ok }) => ok)).toBe(true)
    expect(store.rows('recent')).toBeLessThanOrEqual(600 + 30)
    expect([store.filed('stuck'), store.seqs('stuck')]).toEqual([0, [1]])
    // Once more of them belong to that place, its appends are refused, and only those.
    for (let i = 0; i < 7; i++) store.append('stuck')
    const [refused, taken] = store.append('stuck', 'another')
    expect(refused).toMatchObject({ ok: false, refused: true, message: 'planted' })
    expect(taken).toMatchObject({ ok: true })
    expect(store.seqs('stuck')).toEqual(upTo(8))
  })

  test('are what they were when a transaction fails', () => {
    const store = open()
    for (let i = 0; i < 8; i++) store.append('a', 'b')
    const fail = Object.assign(new Error('planted'), { errcode: 13 })
    const { settle } = store.recent
    store.recent.settle = () => {
      throw fail
    }
    expect(() => store.append('a', 'b', 'new')).toThrow('planted')
    store.recent.settle = settle
    expect([store.rows('entry'), store.seqs('a'), store.seqs('b')]).toEqual([0, upTo(8), upTo(8)])
    const [first] = store.append('a', 'b')
    expect((first as { value: Appended }).value.ends[0]!.seq).toBe(9)
    expect([store.seqs('a'), store.seqs('b'), store.filed('a')]).toEqual([upTo(9), upTo(9), 9])
  })
})
