/** How a room follows a log that others append to: what comes late, twice, in another order, or not at all. */
import { Following } from '@syncline/server/internal/room/following'
import type { StoredEntry } from '@syncline/server/internal/store/entry'
import { createMemoryLog } from '@syncline/server/internal/store/memory-log'
import type { UpdateLog } from '@syncline/server/internal/store/update-log'
import { expect, test } from 'vitest'
import { makeBase, makeEntries, makeEntry, readAll } from '../../contract/log-content.ts'
import { count, Random, testSeed } from '../../support/counts.ts'
import { TestClock, turn, turnsUntil } from '../../support/room-clock.ts'

const document = 'a document'

async function follow(log: UpdateLog, clock = new TestClock()) {
  const taken: number[] = []
  const told: string[] = []
  let looks = 0
  const following = new Following({
    document,
    log: {
      position: name => {
        looks++
        return log.position(name)
      },
      readEntries: log.readEntries,
    },
    clock,
    at: await log.position(document),
    onEntries: entries => taken.push(...entries.map(({ seq }) => seq)),
    onBaseReplaced: async () => void told.push('base replaced'),
    onLost: async () => void told.push('lost'),
    onFault: error => void told.push(String(error)),
  })
  return { following, taken, told, clock, looks: () => looks }
}

async function appended(log: UpdateLog, entries: number): Promise<StoredEntry[]> {
  const { end } = await log.position(document)
  await log.append(document, end.seq, makeEntries(entries))
  return readAll(log, document, end.seq)
}

const memory = () => createMemoryLog({ clock: new TestClock() })

test('[LOG-3] the position is the end of the contiguous prefix, whatever has arrived ahead of it', async () => {
  const log = memory()
  const room = await follow(log)
  const [first, second, third] = await appended(log, 3)
  room.following.entries([third!])
  expect(room.following.end.seq).toBe(0)
  room.following.entries([first!])
  expect(room.following.end.seq).toBe(1)
  room.following.entries([second!])
  expect(room.following.end).toEqual({ seq: 3, link: third!.link })
  expect(room.taken).toEqual([3, 1, 2])
  expect(room.told).toEqual([])
})

test('an entry that comes twice is taken once', async () => {
  const log = memory()
  const room = await follow(log)
  const entries = await appended(log, 3)
  room.following.entries([entries[2]!, entries[2]!])
  room.following.entries(entries)
  room.following.entries(entries)
  expect(room.taken.toSorted()).toEqual([1, 2, 3])
})

test('an own entry that a reading of the log brought first is not fresh when its append is answered', async () => {
  const log = memory()
  const room = await follow(log)
  const answer = await log.append(document, 0, makeEntries(2))
  room.following.entries((await readAll(log, document)).slice(0, 1))
  expect(room.following.own(answer)).toEqual([false, true])
  expect(room.following.end).toEqual(answer.ends[1])
  expect(room.following.history).toEqual({ epoch: answer.epoch, link: answer.ends[1]!.link })
})

test('[REL-1] a gap that the relay left is read from the log 50 ms later', async () => {
  const log = memory()
  const room = await follow(log)
  const entries = await appended(log, 5)
  room.following.entries(entries.slice(3))
  room.clock.advance(49)
  await turn()
  expect(room.taken).toEqual([4, 5])
  room.clock.advance(1)
  await turnsUntil('the gap to be read', () => room.following.end.seq === 5)
  expect(room.taken.toSorted()).toEqual([1, 2, 3, 4, 5])
})

test('[REL-1] a last entry that the relay lost is found by the sweep, and only where nothing was heard', async () => {
  const log = memory()
  const room = await follow(log)
  await appended(log, 1)
  room.following.sweep()
  expect(room.looks()).toBe(0)
  room.clock.advance(1_000)
  room.following.sweep()
  await turnsUntil('the entry to be found', () => room.following.end.seq === 1)
  expect(room.looks()).toBe(1)
})

test('an append that is told of without its bytes is read at once', async () => {
  const log = memory()
  const room = await follow(log)
  const entries = await appended(log, 2)
  room.following.appended(entries[1]!)
  await turnsUntil('both to be read', () => room.taken.length === 2)
})

test('[SYNC-1] whoever asks gets everything that the log had when they asked, and those who ask together share a look', async () => {
  const log = memory()
  const room = await follow(log)
  await appended(log, 3)
  const first = room.following.upToDate()
  const later = Array.from({ length: 100 }, () => room.following.upToDate())
  await appended(log, 1)
  await first
  expect(room.following.end.seq).toBeGreaterThanOrEqual(3)
  await Promise.all(later)
  expect(room.following.end.seq).toBe(4)
  expect(room.looks()).toBe(2)
})

test('[REL-2] a log that ends earlier, or otherwise, is a lost history', async () => {
  const log = memory()
  await appended(log, 3)
  const room = await follow(log)
  const shorter = memory()
  await appended(shorter, 2)
  const { position, readEntries } = shorter
  const other = await follow({ ...log, position, readEntries })
  other.following.restart({
    ...(await log.position(document)),
    epoch: (await shorter.position(document)).epoch,
  })
  await other.following.upToDate()
  expect(other.told).toEqual(['lost'])
  room.following.entries([{ ...(await readAll(log, document)).at(-1)!, link: '00000000000000ff' }])
  await turn()
  expect(room.told).toEqual(['lost'])
})

test('[REL-2] a log that ends before what is known ahead of a gap is a lost history', async () => {
  const log = memory()
  const room = await follow(log)
  room.following.entries((await appended(log, 3)).slice(2))
  const shorter = memory()
  await appended(shorter, 1)
  const other = await follow(shorter)
  other.following.entries((await readAll(log, document)).slice(2))
  await Promise.all([room.following.upToDate(), other.following.upToDate()])
  expect([room.told, other.told]).toEqual([[], ['lost']])
})

test('[REL-2] a history that was rewritten and has overtaken before anybody looked is told by the link of what follows', async () => {
  const log = memory()
  const room = await follow(log)
  const [first, second] = await appended(log, 2)
  room.following.entries([first!])
  room.following.entries([{ ...second!, previousLink: '00000000000000ff' }])
  await turn()
  expect(room.told).toEqual(['lost'])
})

test('a document that was replaced is told, and its entries are not taken', async () => {
  const log = memory()
  await appended(log, 3)
  const room = await follow(log)
  const { through: _, ...content } = makeBase(1)
  await log.replaceDocument(document, null, { ...content, lacks: { structs: new Map(), deletes: new Map() } })
  await room.following.upToDate()
  expect(room.told).toEqual(['lost'])
})

test('a base that somebody else put under the log is told, and one that has overtaken the room is a lost history', async () => {
  const log = memory()
  await appended(log, 3)
  const room = await follow(log)
  await log.replaceBase(document, null, makeBase(2))
  await room.following.upToDate()
  expect(room.told).toEqual(['base replaced'])
  room.following.hasBase((await log.position(document)).generation)
  await appended(log, 3)
  await log.replaceBase(document, (await log.position(document)).generation, makeBase(6))
  await room.following.upToDate()
  expect(room.told).toEqual(['base replaced', 'lost'])
})

const rounds = count('FOLLOWINGS', 100)

test(`[REL-1] ${rounds} rooms have every entry exactly once, whatever the relay does, seed ${testSeed()}`, async () => {
  const random = new Random(testSeed())
  for (let round = 0; round < rounds; round++) {
    const log = memory()
    const room = await follow(log)
    const late: StoredEntry[] = []
    for (let step = 0; step < 30; step++) {
      if (random.below(3) === 0) {
        const answer = await log.append(
          document,
          room.following.end.seq,
          [makeEntry()],
          room.following.history,
        )
        const fresh = room.following.own(answer)
        room.taken.push(...answer.ends.filter((_, i) => fresh[i]).map(({ seq }) => seq))
      } else late.push(...(await appended(log, 1 + random.below(3))))
      const brought = late.splice(random.below(late.length + 1), random.below(4))
      if (random.below(4) > 0) room.following.entries(brought)
      room.clock.advance(random.below(60))
      await turn()
    }
    await room.following.upToDate()
    const { end } = await log.position(document)
    expect(room.following.end).toEqual(end)
    expect(room.taken.toSorted((a, b) => a - b)).toEqual(Array.from({ length: end.seq }, (_, i) => i + 1))
    expect(room.told).toEqual([])
  }
})
