import { execFileSync, spawnSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Worker } from 'node:worker_threads'
import { systemClock } from '@syncline/server/internal/foundation/clock'
import { openDiskLog, storeFileName } from '@syncline/server/internal/store/disk-log'
import type { Entry } from '@syncline/server/internal/store/entry'
import type { StoreEvent } from '@syncline/server/internal/store/store-event'
import type { StoreHealth, UpdateLog } from '@syncline/server/internal/store/update-log'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { makeBase, makeEntries, makeEntry, readAll } from '../contract/log-content.ts'
import { Random, testSeed } from '../support/counts.ts'
import { waitUntil } from '../support/wait-until.ts'
import { checkFile } from './store-evidence.ts'

/**
 * Trouble that passes: a full disk, a lock of another program, a store thread that dies. What is asked meanwhile waits, in
 * its order, and nothing that was answered is lost.
 */
const KiB = 1024
const mayMount = tryMount()
const seed = testSeed()

let folder: string
let log: UpdateLog
let health: StoreHealth[]
let events: StoreEvent[]

async function open(): Promise<void> {
  health = []
  events = []
  log = await openDiskLog({ folder, clock: systemClock, onEvent: event => events.push(event) })
  log.onHealth(now => health.push(now))
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'syncline-away-'))
})
afterEach(async () => {
  await log.close()
  // The thread that a test has let die may still be writing its last file.
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
})

const away = () => waitUntil('the store to be away', () => log.health.at === 'away')
const here = () => waitUntil('the store to be here', () => log.health.at === 'here')

/** Locks the store file against writing, once the store thread is between two transactions. */
function lockStore(): DatabaseSync {
  const other = new DatabaseSync(join(folder, storeFileName), { timeout: 10_000 })
  other.exec('BEGIN IMMEDIATE')
  return other
}

/** Appends entry after entry to a document and keeps what was answered. */
function startWriter(document: string, size: number) {
  const answered: { nonce: string; seq: number; link: string }[] = []
  let going = true
  const done = (async () => {
    for (let since = 0; going; ) {
      const entries: Entry[] = [makeEntry({ update: new Uint8Array(size) }), makeEntry()]
      const { ends } = await log.append(document, since, entries)
      answered.push(...ends.map((end, i) => ({ ...end, nonce: entries[i]!.nonce })))
      since = ends.at(-1)!.seq
    }
  })()
  // Whoever stops it hears of a failure; a test that failed before that is not to be drowned out by it.
  done.catch(() => {})
  const stop = () => {
    going = false
    return done
  }
  return { document, answered, stop }
}

async function expectAllThere(writers: readonly ReturnType<typeof startWriter>[]): Promise<void> {
  for (const { document, answered } of writers) {
    const entries = await readAll(log, document)
    expect(entries.map(({ nonce, seq, link }) => ({ nonce, seq, link }))).toEqual(answered)
  }
}

/** Not even root may mount everywhere: in most containers it may not. */
function tryMount(): boolean {
  const place = mkdtempSync(join(tmpdir(), 'syncline-mount-'))
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', place])
  if (status === 0) execFileSync('umount', [place])
  rmSync(place, { recursive: true })
  return status === 0
}

// Where no small disk can be mounted, these lines are shown as skipped, with their reason.
describe.runIf(mayMount)('a full disk (needs the right to mount, for a tmpfs of 8 MB)', () => {
  const ballast = () => join(folder, 'ballast')
  beforeEach(async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', folder])
    await open()
  })
  afterEach(async () => {
    await log.close()
    execFileSync('umount', [folder])
  })

  test('[LOG-1] appends wait for room, reads are answered, and with room everything resolves', async () => {
    writeFileSync(ballast(), new Uint8Array(4 * 1024 * KiB))
    const writers = ['a', 'b', 'c'].map((name, i) => startWriter(name, [20, 32, 64][i]! * KiB))
    await away()
    expect(log.health).toMatchObject({ at: 'away', reason: expect.stringContaining('the disk is full') })
    const saved = writers.map(({ answered }) => answered.length)
    for (const [i, { document, answered }] of writers.entries()) {
      const entries = await readAll(log, document)
      expect(entries.map(({ nonce }) => nonce)).toEqual(answered.map(({ nonce }) => nonce))
      expect(entries.length).toBe(saved[i])
    }
    expect((await log.list(null, 10)).length).toBeGreaterThan(0)
    const waiting = log.append('late', 0, makeEntries(1))
    expect(log.health.at).toBe('away')

    rmSync(ballast())
    await here()
    expect((await waiting).ends[0]!.seq).toBe(1)
    await Promise.all(writers.map(({ stop }) => stop()))
    expect(writers.map(({ answered }, i) => answered.length > saved[i]!)).toEqual([true, true, true])
    await expectAllThere(writers)
    expect(events.map(({ kind }) => kind)).toContain('here')
    await log.close()
    expect(checkFile(folder)).toEqual([])
    await open()
    await expectAllThere(writers)
  })

  test('a base that does not fit is away at once, and gives the room back to the appends', async () => {
    await log.append('a', 0, makeEntries(2))
    const pieces = Array.from({ length: 60 }, () => new Uint8Array(256 * KiB))
    expect(await log.replaceBase('a', null, makeBase(1, { pieces }))).toEqual({ ok: false, reason: 'away' })
    expect(await log.load('a')).toMatchObject({ base: null, end: { seq: 2 } })
    const entries = [makeEntry({ update: new Uint8Array(900 * KiB) }), ...makeEntries(3)]
    expect((await log.append('a', 2, entries)).ends.map(({ seq }) => seq)).toEqual([3, 4, 5, 6])
    expect(await log.replaceBase('a', null, makeBase(6))).toMatchObject({ ok: true })
  })

  test('a base that runs out of room halfway is given up, and its room is used again', async () => {
    const free = () => statfsSync(folder).bavail * statfsSync(folder).bsize
    await log.append('a', 0, makeEntries(2))
    const pieces = Array.from({ length: 20 }, () => new Uint8Array(256 * KiB))
    const before = free()
    const replaced = log.replaceBase('a', null, makeBase(1, { pieces }))
    await new Promise(setImmediate)
    // Not waited for: this thread has to be quicker than the store's, which writes 20 slices.
    for (let looks = 0; looks < 1_000_000 && free() > before - 1024 * KiB; looks++);
    // In parts, as the store takes its share meanwhile; a slice that is under way has to find room as well.
    for (let left = free(); left > 2048 * KiB; left = free())
      appendFileSync(ballast(), new Uint8Array(Math.min(left - 2048 * KiB, 128 * KiB)))
    expect(await replaced).toEqual({ ok: false, reason: 'away' })
    for (let seq = 3; seq < 30; seq++) {
      const entry = makeEntry({ update: new Uint8Array(30 * KiB) })
      expect((await log.append('a', seq - 1, [entry])).ends[0]!.seq).toBe(seq)
    }
    await log.close()
    expect(checkFile(folder)).toEqual([])
  })

  test('an entry that does not fit does not keep the others from being saved', async () => {
    writeFileSync(ballast(), new Uint8Array(4 * 1024 * KiB))
    const large = log.append('large', 0, [makeEntry({ update: new Uint8Array(4 * 1024 * KiB) })])
    await away()
    for (let seq = 1; seq <= 5; seq++)
      expect((await log.append('small', seq - 1, makeEntries(1))).ends[0]!.seq).toBe(seq)
    expect(log.health.at).toBe('away')
    rmSync(ballast())
    expect((await large).ends[0]!.seq).toBe(1)
    await here()
    expect((await readAll(log, 'large'))[0]!.update.length).toBe(4 * 1024 * KiB)
  })
})

describe('a store file that another program has locked', () => {
  test('appends wait until it lets go, in the order in which they were asked for', async () => {
    await open()
    const other = lockStore()
    const waiting = Array.from({ length: 5 }, () => log.append('a', 0, makeEntries(1)))
    await away()
    expect(log.health).toMatchObject({ reason: expect.stringContaining('locked by another program') })
    waiting.push(log.append('a', 0, makeEntries(1)))
    expect(await log.load('a')).toMatchObject({ epoch: null })
    other.exec('ROLLBACK')
    other.close()
    const ends = (await Promise.all(waiting)).map(({ ends }) => ends[0]!.seq)
    expect(ends).toEqual([1, 2, 3, 4, 5, 6])
    await here()
    expect(health.map(({ at }) => at)).toEqual(['away', 'here'])
  })
})

describe('a store thread that dies', () => {
  /** The newest store thread of this process. */
  let thread: Worker | null = null
  const remember = (worker: Worker) => {
    thread = worker
  }
  beforeEach(async () => {
    process.on('worker', remember)
    await open()
  })
  afterEach(() => {
    process.off('worker', remember)
  })

  test(`[LOG-4] is replaced, and every append resolves once (seed ${seed})`, async () => {
    const random = new Random(seed)
    const writers = ['a', 'b', 'c', 'd'].map((name, i) => startWriter(name, [10, 100, 1_000, 300 * KiB][i]!))
    for (let death = 1; death <= 5; death++) {
      const before = writers[0]!.answered.length
      await waitUntil('some appends', () => writers[0]!.answered.length > before + random.below(50))
      const dying = thread!
      await dying.terminate()
      await waitUntil('another thread', () => thread !== dying)
    }
    const before = writers.map(({ answered }) => answered.length)
    await waitUntil('everybody to go on', () => writers.every((w, i) => w.answered.length > before[i]!))
    await Promise.all(writers.map(({ stop }) => stop()))
    await expectAllThere(writers)
    await here()
    expect(events.filter(({ kind }) => kind === 'thread-died').length).toBe(5)
    expect(health.filter(({ at }) => at === 'away').length).toBeGreaterThanOrEqual(5)
  })

  test('everything that it had not answered is asked again: reads, bases, deletions', async () => {
    await log.append('a', 0, makeEntries(3))
    await log.append('b', 0, makeEntries(3))
    const pieces = Array.from({ length: 80 }, () => new Uint8Array(256 * KiB))
    const answers = Promise.all([
      log.replaceBase('a', null, makeBase(2, { pieces })),
      log.delete('b'),
      log.load('a'),
      log.readEntries('a', 0, 1_000),
      log.append('b', 0, makeEntries(1)),
      log.backup(join(folder, 'copy')),
    ])
    await new Promise(setImmediate)
    await thread!.terminate()
    const [replaced, , , , appended] = await answers
    expect(replaced).toMatchObject({ ok: true })
    expect((await log.load('a')).base).toMatchObject({ through: 2, pieces: 80 })
    expect(appended.ends[0]!.seq).toBe(1)
    expect((await readAll(log, 'b')).length).toBe(1)
  })

  test('closing ends in bounded time, and what was not done is refused by name', async () => {
    const dying = thread!
    const other = lockStore()
    const appended = expect(log.append('a', 0, makeEntries(1))).rejects.toThrow('the store was closed before')
    await away()
    await log.close()
    await appended
    other.close()
    expect(dying.threadId).toBe(-1)
    await open()
    expect(await log.list(null, 1)).toEqual([])
  })
})
