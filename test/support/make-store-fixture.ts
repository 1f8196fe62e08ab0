/**
 * Writes the fixture of the store format that this server writes: a small store with everything in it that a format has, and a
 * list of what a reader must find. Run once per released format, never over an older fixture:
 *
 *     node --conditions=syncline-source test/support/make-store-fixture.ts
 */
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { systemClock } from '@syncline/server/internal/foundation/clock'
import { openDiskLog, storeFileName } from '@syncline/server/internal/store/disk-log'
import type { Entry } from '@syncline/server/internal/store/entry'
import type { Head, UpdateLog } from '@syncline/server/internal/store/update-log'

const fixtures = resolve(import.meta.dirname, '../fixtures')
const readBytesMax = 8 * 1024 * 1024

/** What a store holds, in a form that can be written down and compared. */
export interface StoreContent {
  readonly document: string
  readonly head: Pick<Head, 'epoch' | 'end'> & { readonly formerEpochs: readonly object[] }
  readonly base: object | null
  readonly entries: readonly object[]
}

export async function describeStore(log: UpdateLog): Promise<StoreContent[]> {
  const content: StoreContent[] = []
  for (const { document } of await log.list(null, 100)) {
    const { epoch, end, base, formerEpochs } = await log.load(document)
    const pieces: string[] = []
    for (let piece = 0; piece < (base?.pieces ?? 0); piece++)
      pieces.push(digest((await log.readPiece(document, base!.generation, piece)) as Uint8Array))
    const { byteVector, documentVector, catchUp, ...numbers } = base ?? {}
    const vectors = [byteVector, documentVector, catchUp].map(bytes => digest(bytes ?? new Uint8Array()))
    const entries = (await log.readEntries(document, 0, readBytesMax)).map(entry => ({
      ...entry,
      update: digest(entry.update),
      authors: entry.authors.map(({ name, structs, deletes }) => ({
        name,
        structs: [...structs],
        deletes: [...deletes],
      })),
    }))
    content.push({
      document,
      head: {
        epoch,
        end,
        formerEpochs: formerEpochs.map(({ epoch, structs, deletes }) => ({
          epoch,
          structs: [...structs],
          deletes: [...deletes],
        })),
      },
      base: base === null ? null : { ...numbers, pieces, vectors },
      entries,
    })
  }
  return content
}

function digest(bytes: Uint8Array): string {
  return `${bytes.length} bytes, sha256 ${createHash('sha256').update(bytes).digest('hex')}`
}

function entry(number: number, some: Partial<Entry> = {}): Entry {
  return {
    kind: 'update',
    timeMs: 1_790_000_000_000 + number,
    update: new Uint8Array([number, 0, 255]),
    authors: [{ name: 'ann', structs: new Map([[number, [0, 2]]]), deletes: new Map([[7, [1, 2, 5, 9]]]) }],
    instance: 'fixture',
    nonce: number.toString(16).padStart(16, '0'),
    ...some,
  }
}

async function fill(log: UpdateLog): Promise<void> {
  await log.append(
    'notes',
    0,
    [1, 2, 3, 4, 5].map(number => entry(number)),
  )
  const base = {
    byteVector: new Uint8Array([1]),
    documentVector: new Uint8Array([2]),
    catchUp: new Uint8Array([3]),
  }
  const replaced = await log.replaceBase('notes', null, { ...base, through: 2, pieces: [new Uint8Array(10)] })
  const generation = replaced.ok ? replaced.generation : null
  const pieces = [new Uint8Array(300_000), new Uint8Array([4, 5])]
  await log.replaceBase('notes', generation, { ...base, through: 3, pieces })
  const large = entry(7, { update: new Uint8Array(300_000) })
  await log.append('a\0 👩‍🚀/__proto__', 0, [entry(6, { kind: 'restore-mark', authors: [] }), large])
  await log.append('empty', 0, [])
  await log.append('replaced', 0, [entry(8)])
  const lacks = { structs: new Map([[8, [0, 2]]]), deletes: new Map([[7, [1, 2, 5, 9]]]) }
  await log.replaceDocument('replaced', null, { ...base, pieces: [new Uint8Array([6])], lacks })
  await log.append('replaced', 1, [entry(9)])
}

async function makeFixture(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-fixture-'))
  const log = await openDiskLog({ folder, clock: systemClock })
  await fill(log)
  const content = await describeStore(log)
  await log.close()
  const file = join(folder, storeFileName)
  const database = new DatabaseSync(file)
  const format = database.prepare('PRAGMA user_version').get()!.user_version
  database.exec('VACUUM')
  database.close()
  const fixture = join(fixtures, `store-format-${format}`)
  if (existsSync(`${fixture}.sqlite`))
    throw new Error(`${fixture}.sqlite exists: released formats do not change`)
  copyFileSync(file, `${fixture}.sqlite`)
  writeFileSync(`${fixture}.json`, `${JSON.stringify(content, null, 2)}\n`)
  rmSync(folder, { recursive: true })
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await makeFixture()
