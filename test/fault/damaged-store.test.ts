/**
 * Damage planted in the bytes of a store, by SQL and byte by byte: `verify` finds it and names document and place, nobody is served
 * what is damaged, and a replacement makes a damaged document whole.
 */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Finding, Operations, Verified } from '@syncline/server/internal/api/operations'
import { openOperations } from '@syncline/server/internal/engine'
import { settingsWith } from '@syncline/server/internal/foundation/settings'
import { entryChecksum, sliceChecksum } from '@syncline/server/internal/store/disk-checksum'
import { storeFileName } from '@syncline/server/internal/store/disk-log'
import { encodeVector } from '@syncline/shared/update/vector'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { count, Random, testSeed } from '../support/counts.ts'
import { joinFresh } from '../support/fresh-client.ts'
import { operatorOf } from '../support/operator.ts'
import { startServer } from '../support/server-process.ts'

const seed = testSeed()
const flips = count('STORE_FLIPS', 40)

/** A store with everything in it that a store has; copied for each test. */
let original: string
let folder: string
beforeAll(async () => {
  original = mkdtempSync(path.join(tmpdir(), 'syncline-sound-'))
  const server = await startServer({ dataFolder: original })
  await server.stop()
  await using operator = await operatorOf(original)
  const importText = async (document: string, text: string, client: number) =>
    operator.do('docs', 'import', document, await operator.file('import', typed(text, client)))
  // `based` has a base in several pieces and a former epoch, `logged` is log only; one of its entries is large.
  await importText('based', 'former text', 5)
  const text = await operator.file('text', typed('a text in several pieces '.repeat(30_000), 5))
  await operator.do('docs', 'replace', 'based', text)
  for (const [i, word] of ['one', 'two', 'three'].entries()) await importText('based', word, 10 + i)
  for (const [i, word] of ['one', 'two', 'three', 'four', 'five'].entries())
    await importText('logged', word, 20 + i)
  fileEntries(path.join(original, storeFileName))
})
afterAll(() => rmSync(original, { recursive: true, force: true }))
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'syncline-damaged-'))
  copyFileSync(path.join(original, storeFileName), path.join(folder, storeFileName))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Moves all entries to their documents' places, where others' would have sent them. Before that they are the contract's: `disk-log.test.ts`. */
function fileEntries(file: string): void {
  const database = new DatabaseSync(file)
  const columns = 'document, seq, link, previous_link, nonce, checksum, body'
  database.exec(`INSERT OR IGNORE INTO entry (${columns}) SELECT ${columns} FROM recent
    WHERE seq > coalesce((SELECT through FROM base WHERE base.document = recent.document), 0)
      AND document IN (SELECT id FROM document)`)
  database.exec('DELETE FROM recent')
  database.close()
}

function typed(text: string, client: number): Uint8Array {
  const doc = new Y.Doc()
  doc.clientID = client
  doc.getText(`by ${client}`).insert(0, text)
  return Y.encodeStateAsUpdate(doc)
}

type Row = Record<string, Uint8Array & number>

/** Changes the store behind its back. */
function tamper(change: (database: DatabaseSync) => void): void {
  const database = new DatabaseSync(path.join(folder, storeFileName))
  try {
    change(database)
  } finally {
    database.close()
  }
}

async function withStore<T>(work: (operations: Operations) => Promise<T>): Promise<T> {
  const { operations, close } = await openOperations(settingsWith({ data: folder }))
  try {
    return await work(operations)
  } finally {
    await close()
  }
}

async function verify(): Promise<{ findings: string[]; verified: Verified }> {
  return withStore(async operations => {
    const found: Finding[] = []
    const verified = await operations.verify(null, { onFinding: finding => found.push(finding) })
    return {
      verified,
      findings: found.map(({ document, place, problem }) => `${document}: ${place} ${problem}`),
    }
  })
}

/** The id of the row of a document, and the contents of its base. */
const documentId = (database: DatabaseSync, name: string) =>
  (database.prepare('SELECT id FROM document WHERE name = ?').get(Buffer.from(name)) as Row).id!

const baseOf = (database: DatabaseSync, name: string) =>
  database.prepare('SELECT * FROM base WHERE document = ?').get(documentId(database, name)) as Row

/** Other bytes, with the checksum that they would have had if they had been written. */
function rewriteContent(database: DatabaseSync, content: number, bytes: Uint8Array): void {
  database.prepare('DELETE FROM slice WHERE content = ?').run(content)
  database
    .prepare('INSERT INTO slice (content, number, checksum, bytes) VALUES (?, 0, ?, ?)')
    .run(content, sliceChecksum(content, 0, bytes), bytes)
}

test('a store that nothing happened to has no findings', async () => {
  const { findings, verified } = await verify()
  expect(findings).toEqual([])
  expect(verified).toEqual({ documents: 2, entries: 8, pieces: expect.any(Number), findings: 0 })
  expect(verified.pieces).toBeGreaterThan(2)
})

describe('verify finds, by document and place,', () => {
  const sql: [string, (database: DatabaseSync) => void, string[]][] = [
    [
      'a flipped byte in an entry',
      database =>
        database
          .prepare(
            "UPDATE entry SET body = CAST(replace(body, 'three', 'thref') AS BLOB) WHERE document = ? AND seq = 3",
          )
          .run(documentId(database, 'logged')),
      ['logged: entry 3 is not what was written: its checksum differs'],
    ],
    [
      'a missing entry',
      database =>
        database
          .prepare('DELETE FROM entry WHERE document = ? AND seq = 2')
          .run(documentId(database, 'logged')),
      ['logged: entry 2 missing: entry 3 comes next'],
    ],
    [
      'several missing entries, and one that is damaged behind them',
      database => {
        const id = documentId(database, 'logged')
        database.prepare('DELETE FROM entry WHERE document = ? AND seq IN (1, 2)').run(id)
        database.prepare("UPDATE entry SET body = x'00' WHERE document = ? AND seq = 4").run(id)
      },
      [
        'logged: entries 1 to 2 missing: entry 3 comes next',
        'logged: entry 4 is not what was written: its checksum differs',
      ],
    ],
    [
      'a flipped byte in a piece',
      database => {
        const { generation } = baseOf(database, 'based')
        const { content } = database
          .prepare('SELECT content FROM piece WHERE generation = ? AND number = 1')
          .get(generation!) as Row
        database
          .prepare(
            "UPDATE slice SET bytes = CAST(replace(bytes, 'several', 'severam') AS BLOB) WHERE content = ?",
          )
          .run(content!)
      },
      ['based: piece 1 of the base is not what was written: the checksum of its slice at byte 0 differs'],
    ],
    [
      'a vector that was damaged',
      database =>
        database
          .prepare("UPDATE slice SET bytes = x'010509' WHERE content = ?")
          .run(baseOf(database, 'based').byte_vector!),
      ['based: the base is not what was written: the checksum of its slice at byte 0 differs'],
    ],
    [
      'a vector that was written wrong',
      database =>
        rewriteContent(database, baseOf(database, 'based').byte_vector!, encodeVector(new Map([[77, 5]]))),
      ['based: the base has a wrong byte vector: client 77 stands at 5, its pieces reach 0'],
    ],
    [
      'a document vector that was written wrong',
      database =>
        rewriteContent(
          database,
          baseOf(database, 'based').document_vector!,
          encodeVector(new Map([[77, 5]])),
        ),
      ['based: the base has a wrong document vector: client 77 stands at 5, its pieces reach 0'],
    ],
    [
      'an entry that was written wrong',
      database => {
        const id = documentId(database, 'logged')
        const row = database.prepare('SELECT * FROM entry WHERE document = ? AND seq = 2').get(id) as Row
        const body = new Uint8Array(row.body!)
        // The last byte is the number of clients that delete something.
        body[body.length - 1] = 9
        const place = {
          document: id,
          seq: 2,
          link: row.link!,
          previousLink: row.previous_link!,
          nonce: row.nonce!,
        }
        database
          .prepare('UPDATE entry SET body = ?, checksum = ? WHERE document = ? AND seq = 2')
          .run(body, entryChecksum(place, body), id)
      },
      ['logged: entry 2 cannot be read: the update is malformed: it ends in the middle'],
    ],
    [
      'entries that do not follow each other',
      database => {
        const id = documentId(database, 'logged')
        const row = database.prepare('SELECT * FROM entry WHERE document = ? AND seq = 4').get(id) as Row
        const previousLink = Buffer.from('00112233445566ff', 'hex')
        const place = { document: id, seq: 4, link: row.link!, previousLink, nonce: row.nonce! }
        database
          .prepare('UPDATE entry SET previous_link = ?, checksum = ? WHERE document = ? AND seq = 4')
          .run(previousLink, entryChecksum(place, row.body!), id)
      },
      ['logged: entry 4 follows an entry with the link 00112233445566ff, the one before it has'],
    ],
    [
      'a base that is gone',
      database => database.prepare('DELETE FROM base WHERE document = ?').run(documentId(database, 'based')),
      ['based: the base is missing', 'based: the base is missing'],
    ],
    [
      'a piece that is gone',
      database =>
        database
          .prepare('DELETE FROM piece WHERE generation = ? AND number = 0')
          .run(baseOf(database, 'based').generation!),
      ['based: piece 0 of the base cannot be read: '],
    ],
    [
      'a former epoch that was changed',
      database => database.prepare("UPDATE former_epoch SET epoch = x'0011223344556677'").run(),
      ['based: the row names a former epoch (number 0) that is not what was written'],
    ],
    [
      'an epoch that was changed',
      database =>
        database
          .prepare("UPDATE document SET epoch = x'0011223344556677' WHERE name = ?")
          .run(Buffer.from('logged')),
      ['logged: the row is not what was written: its checksum differs'],
    ],
  ]

  test.each(sql)('%s', async (_, change, expected) => {
    tamper(change)
    const { findings, verified } = await verify()
    expect(findings).toEqual(expected.map(said => expect.stringContaining(said)))
    expect(verified).toMatchObject({ documents: 2, findings: expected.length })
  })

  test('what the command line tells of it, with exit code 2', async () => {
    tamper(sql[1]![1])
    await using operator = await operatorOf(folder)
    const { code, stdout, stderr } = await operator.run('verify')
    expect([code, stderr]).toEqual([2, ''])
    expect(stdout.split('\n')[0]).toBe('logged: entry 2 missing: entry 3 comes next.')
    expect(stdout).toContain(': 1 findings.')
    const asked = await operator.run('verify', 'logged', '--json')
    expect([asked.code, JSON.parse(asked.stdout)]).toMatchObject([
      2,
      { documents: 1, findings: [{ document: 'logged', place: 'entry 2' }] },
    ])
    expect((await operator.run('verify', 'based')).code).toBe(0)
  })
})

test(`${flips} flipped bits anywhere in the file are found, or change nothing that is read, seed ${seed}`, async () => {
  const random = new Random(seed)
  const read = () =>
    withStore(async operations => {
      const all: unknown[] = []
      for await (const listed of operations.list())
        all.push(listed, Buffer.from(await operations.export(listed.document, 'update')).toString('base64'))
      return all
    })
  const before = await read()
  const file = path.join(folder, storeFileName)
  const outcomes = { found: 0, refused: 0, unused: 0 }
  for (let flip = 0; flip < flips; flip++) {
    copyFileSync(path.join(original, storeFileName), file)
    const at = flipBit(file, random)
    const outcome = await verify().then(
      ({ findings }) => (findings.length > 0 ? 'found' : 'unused'),
      () => 'refused' as const,
    )
    outcomes[outcome]++
    // Whatever is not found is not there for any reader.
    if (outcome === 'unused') expect(await read(), `flipped a bit of byte ${at}`).toEqual(before)
  }
  expect(outcomes.found).toBeGreaterThan(flips / 3)
}, 600_000)

const pageBytes = 4_096
/** Where pages of SQLite's trees begin with their kind; the others hold nothing but long contents. */
const treeKinds = [2, 5, 10, 13]

/** Flips a bit, half of the time somewhere in the tables and indexes, which are small beside what people wrote. */
function flipBit(file: string, random: Random): number {
  const bytes = readFileSync(file)
  const starts = Array.from({ length: bytes.length / pageBytes }, (_, page) => page * pageBytes)
  const trees = starts.filter(start => start === 0 || treeKinds.includes(bytes[start]!))
  const at =
    random.fraction() < 0.5 ? random.below(bytes.length) : random.pick(trees) + random.below(pageBytes)
  bytes[at]! ^= 1 << random.below(8)
  writeFileSync(file, bytes)
  return at
}

describe('a damaged document', () => {
  test('is not served and harms no other, and is whole again once it is replaced', async () => {
    tamper(database => {
      const { generation } = baseOf(database, 'based')
      const { content } = database
        .prepare('SELECT content FROM piece WHERE generation = ? AND number = 1')
        .get(generation!) as Row
      database
        .prepare(
          "UPDATE slice SET bytes = CAST(replace(bytes, 'several', 'severam') AS BLOB) WHERE content = ?",
        )
        .run(content!)
      database.prepare('DELETE FROM entry WHERE document = ? AND seq = 2').run(documentId(database, 'logged'))
    })
    await using server = await startServer({ dataFolder: folder })
    await using operator = await operatorOf(folder)
    for (const document of ['based', 'logged']) {
      await expect(joinFresh(server.wsUrl, document)).rejects.toThrow(
        `${document} is not served: closed with 1013`,
      )
      const said = await operator.run('docs', 'export', document)
      expect([said.code, said.stderr]).toEqual([1, expect.stringContaining('syncline: DOCUMENT_DAMAGED: ')])
    }
    await operator.do('docs', 'import', 'another', await operator.file('another', typed('sound', 30)))
    expect((await joinFresh(server.wsUrl, 'another')).doc.getText('by 30').toString()).toBe('sound')
    // One by a file that shares no id with it, one by its own: what is left of it still tells whose ids those are.
    const other = await operator.file('other', typed('made whole', 40))
    const own = await operator.file('own', typed('one', 20))
    expect(await operator.ask('docs', 'replace', 'based', other)).toMatchObject({
      renamed: false,
      unreadable: [expect.stringContaining('piece 1 of the base')],
    })
    expect(await operator.ask('docs', 'replace', 'logged', own)).toMatchObject({
      renamed: true,
      unreadable: ['entry 2 missing: entry 3 comes next'],
    })
    expect((await joinFresh(server.wsUrl, 'based')).doc.getText('by 40').toString()).toBe('made whole')
    expect((await joinFresh(server.wsUrl, 'logged')).doc.getText('by 20').toString()).toBe('one')
    expect(await operator.ask('verify')).toMatchObject({ documents: 3, findings: [] })
  })
})
