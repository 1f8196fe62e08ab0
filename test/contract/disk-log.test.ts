import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { systemClock } from '@syncline/server/internal/foundation/clock'
import { entryChecksum } from '@syncline/server/internal/store/disk-checksum'
import { openDiskLog, storeFileName } from '@syncline/server/internal/store/disk-log'
import {
  LogDamage,
  LogRefusal,
  type Progress,
  type UpdateLog,
} from '@syncline/server/internal/store/update-log'
import { afterEach, describe, expect, test } from 'vitest'
import { currentGeneration, makeBase, makeEntries, makeEntry, readAll, readPieces } from './log-content.ts'
import type { OpenedLog } from './log-variant.ts'
import { updateLogSuite } from './update-log.suite.ts'

async function openInNewFolder(): Promise<Required<OpenedLog> & { readonly folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-log-'))
  const openFolder = (): Promise<UpdateLog> => openDiskLog({ folder, clock: systemClock })
  const opened = {
    folder,
    log: await openFolder(),
    async reopen() {
      await opened.log.close()
      opened.log = await openFolder()
      return opened.log
    },
    async remove() {
      await opened.log.close()
      rmSync(folder, { recursive: true })
    },
  }
  return opened
}

updateLogSuite({ name: 'disk log', open: openInNewFolder })

/** What stands in the tables of a store that is closed. */
function countRows(folder: string, table: string): number {
  const database = new DatabaseSync(join(folder, storeFileName), { readOnly: true })
  try {
    return database.prepare(`SELECT count(*) AS count FROM ${table}`).get()!.count as number
  } finally {
    database.close()
  }
}

/** Where entries stand in the store file, and a size of update that goes there. */
const places = [
  ['recent', 24],
  ['entry', 2_000],
] as const

describe('a store on disk', () => {
  let opened: Awaited<ReturnType<typeof openInNewFolder>>
  afterEach(() => opened.remove())

  test('an append does not wait for a base, not even for that of its own document', async () => {
    opened = await openInNewFolder()
    const { log } = opened
    await log.append('large', 0, makeEntries(1))
    const pieces = Array.from({ length: 120 }, () => new Uint8Array(256 * 1024))
    const order: string[] = []
    await Promise.all([
      log.replaceBase('large', null, makeBase(1, { pieces })).then(() => order.push('base')),
      log.append('small', 0, makeEntries(1)).then(() => order.push('append')),
      log.append('large', 1, makeEntries(1)).then(() => order.push('append')),
    ])
    expect(order).toEqual(['append', 'append', 'base'])
    expect((await log.load('large')).end.seq).toBe(2)
  })

  test('[LOG-1] a store that is opened again has what was appended, under the same epochs and links', async () => {
    opened = await openInNewFolder()
    await opened.log.append('a', 0, [...makeEntries(5), makeEntry({ update: new Uint8Array(600_000) })])
    await opened.log.append('a\0', 0, makeEntries(1))
    await opened.log.replaceBase('a', null, makeBase(2))
    const look = async (log: UpdateLog) => ({
      list: await log.list(null, 10),
      heads: [await log.load('a'), await log.load('a\0')],
      pieces: await readPieces(log, 'a'),
      tails: [await readAll(log, 'a'), await readAll(log, 'a\0')],
    })
    const before = await look(opened.log)
    expect(await look(await opened.reopen())).toEqual(before)
  })

  test('a former generation is gone when the store is opened again', async () => {
    opened = await openInNewFolder()
    await opened.log.append('a', 0, makeEntries(2))
    await opened.log.replaceBase('a', null, makeBase(1))
    const former = (await currentGeneration(opened.log, 'a'))!
    await opened.log.replaceBase('a', former, makeBase(2))
    expect(await opened.log.readPiece('a', former, 0)).not.toBe('gone')
    expect(await (await opened.reopen()).readPiece('a', former, 0)).toBe('gone')
  })

  test('what no longer counts is removed: tails, former bases, deleted documents, superseded bases', async () => {
    opened = await openInNewFolder()
    const { log } = opened
    const pieces = [new Uint8Array(600_000), new Uint8Array(100)]
    await log.append('a', 0, [...makeEntries(600), makeEntry({ update: new Uint8Array(600_000) })])
    await log.replaceBase('a', null, makeBase(1, { pieces }))
    await log.replaceBase('a', null, makeBase(1, { pieces }))
    await log.replaceBase(
      'a',
      await currentGeneration(log, 'a'),
      makeBase(601, { pieces: [new Uint8Array(5)] }),
    )
    await log.append('b', 0, [...makeEntries(300), makeEntry({ update: new Uint8Array(600_000) })])
    await log.replaceBase('b', null, makeBase(10, { pieces }))
    await log.delete('b')
    // Closing does not wait for the chores; a store that is opened does them while nobody asks for anything.
    const idle = async () => {
      await opened.reopen()
      await opened.log.close()
      return ['chore', 'loose'].every(table => countRows(opened.folder, table) === 0)
    }
    while (!(await idle())) {}
    const rows = Object.fromEntries(
      ['document', 'entry', 'base', 'piece', 'slice'].map(table => [table, countRows(opened.folder, table)]),
    )
    expect(rows).toEqual({ document: 1, entry: 0, base: 1, piece: 1, slice: 4 })
  })

  test('[OPS-1] a backup taken while people write is a store with everything saved before it', async () => {
    opened = await openInNewFolder()
    const { log, folder } = opened
    for (let i = 0; i < 20; i++) await log.append('old', 0, [makeEntry({ update: new Uint8Array(200_000) })])
    await log.replaceBase('old', null, makeBase(3))
    let backingUp = true
    const copy = join(folder, 'copy', storeFileName)
    mkdirSync(join(folder, 'copy'))
    const writers = ['x', 'y', 'z'].map(async name => {
      let seq = 0
      while (backingUp) seq = (await log.append(name, seq, makeEntries(3))).ends.at(-1)!.seq
      return seq
    })
    const progress: Progress[] = []
    await log.backup(copy, now => progress.push(now))
    backingUp = false
    expect(progress.length).toBeGreaterThan(2)
    for (const { done, total } of progress) expect(done).toBeLessThanOrEqual(total)
    expect(statSync(copy).mode & 0o777).toBe(0o600)
    const seqs = await Promise.all(writers)
    await expect(log.backup(copy)).rejects.toThrow(LogRefusal)

    const copied = await openDiskLog({ folder: join(folder, 'copy'), clock: systemClock })
    expect(await copied.load('old')).toEqual(await log.load('old'))
    expect(await readAll(copied, 'old')).toEqual(await readAll(log, 'old'))
    for (const [i, name] of ['x', 'y', 'z'].entries()) {
      const entries = await readAll(copied, name)
      expect(entries.length).toBeLessThanOrEqual(seqs[i]!)
      expect(entries).toEqual((await readAll(log, name)).slice(0, entries.length))
    }
    await copied.close()
    expect(readdirSync(join(folder, 'copy')).filter(name => name.includes('partial'))).toEqual([])
  })

  test('a backup that cannot be written is an error, and leaves nothing behind', async () => {
    opened = await openInNewFolder()
    await opened.log.append('a', 0, makeEntries(1))
    await expect(opened.log.backup(join(opened.folder, 'no-such-folder', 'copy'))).rejects.toThrow()
    expect(existsSync(join(opened.folder, 'no-such-folder'))).toBe(false)
    expect((await opened.log.append('a', 1, makeEntries(1))).ends[0]!.seq).toBe(2)
  })

  test.each(places)(
    'a document whose rows cannot be written to %s fails alone, in the same tick as others',
    async (table, length) => {
      opened = await openInNewFolder()
      const makeSized = (count: number) =>
        Array.from({ length: count }, () => makeEntry({ update: new Uint8Array(length) }))
      await opened.log.append('bad', 0, makeSized(1))
      await opened.log.close()
      const database = new DatabaseSync(join(opened.folder, storeFileName))
      database.exec(`CREATE TRIGGER planted BEFORE INSERT ON ${table} WHEN NEW.document = 1 AND NEW.seq = 3
    BEGIN SELECT RAISE(ABORT, 'planted'); END`)
      database.close()
      const log = await opened.reopen()
      const results = await Promise.allSettled([
        log.append('good', 0, makeSized(1)),
        log.append('bad', 1, makeSized(2)),
        log.append('other', 0, makeSized(1)),
      ])
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
      expect((results[1] as PromiseRejectedResult).reason).toBeInstanceOf(LogRefusal)
      expect((await readAll(log, 'bad')).length).toBe(1)
      expect((await log.append('bad', 1, makeSized(1))).ends[0]!.seq).toBe(2)
      expect((await readAll(log, 'bad')).length).toBe(2)
    },
  )

  test.each(places)(
    'an entry that is missing from %s is an error for its readers, not a silent gap',
    async (table, length) => {
      opened = await openInNewFolder()
      const entries = Array.from({ length: 4 }, () => makeEntry({ update: new Uint8Array(length) }))
      await opened.log.append('a', 0, entries)
      await opened.log.append('b', 0, makeEntries(1))
      await opened.log.close()
      const database = new DatabaseSync(join(opened.folder, storeFileName))
      database.exec(`DELETE FROM ${table} WHERE document = 1 AND seq = 3`)
      database.close()
      const log = await opened.reopen()
      expect((await log.readEntries('a', 0, 1_000_000)).map(({ seq }) => seq)).toEqual([1, 2])
      const damage = await log.readEntries('a', 2, 1_000_000).catch((error: unknown) => error)
      expect(damage).toBeInstanceOf(LogDamage)
      expect(damage).toMatchObject({ document: 'a', part: { kind: 'entries', from: 3, to: 3 } })
      expect((damage as Error).message).toContain('entry 3 of "a" missing: entry 4 comes next')
      expect((await readAll(log, 'b')).length).toBe(1)
    },
  )

  test.each(places)(
    'an entry whose bytes are damaged in %s is an error that names it',
    async (table, length) => {
      opened = await openInNewFolder()
      const entries = Array.from({ length: 2 }, () => makeEntry({ update: new Uint8Array(length) }))
      await opened.log.append('a', 0, entries)
      await opened.log.close()
      const damage = (sql: string, ...values: (Uint8Array | number)[]) => {
        const database = new DatabaseSync(join(opened.folder, storeFileName))
        database.prepare(sql).run(...values)
        database.close()
      }
      damage(`UPDATE ${table} SET body = x'02' WHERE seq = 2`)
      let log = await opened.reopen()
      await expect(log.readEntries('a', 1, 1_000)).rejects.toThrow(
        'entry 2 of "a" is not what was written: its checksum differs',
      )
      await log.close()
      // As a newer server would have written it.
      const database = new DatabaseSync(join(opened.folder, storeFileName))
      const row = database.prepare(`SELECT * FROM ${table} WHERE seq = 2`).get() as Record<string, Uint8Array>
      database.close()
      const { link, previous_link: previousLink, nonce } = row as { [column: string]: Uint8Array }
      const place = { document: 1, seq: 2, link: link!, previousLink: previousLink!, nonce: nonce! }
      damage(`UPDATE ${table} SET checksum = ? WHERE seq = 2`, entryChecksum(place, new Uint8Array([2])))
      log = await opened.reopen()
      await expect(log.readEntries('a', 1, 1_000)).rejects.toThrow(
        /entry 2 of "a" cannot be read.*format 1, got format 2/,
      )
    },
  )

  test('a copy of the closed store file is the store', async () => {
    opened = await openInNewFolder()
    await opened.log.append('a', 0, makeEntries(2))
    const entries = await readAll(opened.log, 'a')
    await opened.log.close()
    mkdirSync(join(opened.folder, 'copy'))
    copyFileSync(join(opened.folder, storeFileName), join(opened.folder, 'copy', storeFileName))
    const copy = await openDiskLog({ folder: join(opened.folder, 'copy'), clock: systemClock })
    expect(await readAll(copy, 'a')).toEqual(entries)
    await copy.close()
  })
})
