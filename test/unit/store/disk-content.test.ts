import { createContents } from '@syncline/server/internal/store/disk-content'
import { openStoreFile } from '@syncline/server/internal/store/disk-schema'
import { transact } from '@syncline/server/internal/store/disk-transaction'
import { describe, expect, test } from 'vitest'

const KiB = 1024

function open() {
  const database = openStoreFile(':memory:')
  const sum = (sql: string) => (database.prepare(sql).get()!.sum as number | null) ?? 0
  return {
    contents: createContents(database),
    database,
    bytes: () => sum('SELECT sum(length(bytes)) AS sum FROM slice'),
    loose: () => sum('SELECT count(*) AS sum FROM loose'),
  }
}

/** Bytes added by each step. */
function writeAll(parts: Uint8Array[], { contents, bytes }: ReturnType<typeof open>) {
  const job = contents.writeAhead(parts)
  const steps: number[] = []
  for (let done = false; !done; ) {
    const before = bytes()
    done = job.step()
    steps.push(bytes() - before)
  }
  return { job, steps }
}

describe('contents', () => {
  test.each([
    ['one large part', [1_000 * KiB]],
    ['parts of one slice each', [256 * KiB, 256 * KiB, 200 * KiB]],
    ['many small parts', Array<number>(3_000).fill(500)],
    ['empty parts', [0, 0, 5, 0]],
    ['no parts', []],
  ])('%s are written in steps of at most 256 KiB, and read back', (_, lengths) => {
    const store = open()
    const parts = lengths.map((length, i) => new Uint8Array(length).fill(i))
    const { job, steps } = writeAll(parts, store)
    expect(Math.max(...steps)).toBeLessThanOrEqual(256 * KiB)
    expect(job.contents.length).toBe(parts.length)
    for (const [i, part] of parts.entries())
      expect(Buffer.compare(store.contents.read(job.contents[i]!), part)).toBe(0)
  })

  test('what nothing refers to is swept once its job is released, in small steps', () => {
    const store = open()
    const { contents } = store
    const { job } = writeAll([new Uint8Array(900 * KiB), new Uint8Array(3), new Uint8Array(4)], store)
    expect(contents.sweep()).toBe(false)
    transact(store.database, () => contents.refer(job.contents[1]!))
    job.release()
    const removed: number[] = []
    for (let before = store.bytes(); contents.sweep(); before = store.bytes())
      removed.push(before - store.bytes())
    expect(removed.length).toBeGreaterThan(1)
    expect(Math.max(...removed)).toBeLessThanOrEqual(512 * KiB)
    expect([store.bytes(), store.loose()]).toEqual([3, 0])
    transact(store.database, () => contents.letGo(job.contents[1]!))
    while (contents.sweep());
    expect([store.bytes(), store.loose()]).toEqual([0, 0])
  })

  test('a step that fails has written nothing, and the next one goes on where it was', () => {
    const store = open()
    const parts = [new Uint8Array(300 * KiB).fill(1), new Uint8Array(40).fill(2), new Uint8Array(50).fill(3)]
    const job = store.contents.writeAhead(parts)
    job.step()
    const before = store.bytes()
    store.database.exec(`CREATE TRIGGER planted BEFORE INSERT ON slice WHEN NEW.content = 3
      BEGIN SELECT RAISE(ABORT, 'planted'); END`)
    expect(() => {
      while (!job.step());
    }).toThrow('planted')
    expect([store.bytes(), store.loose()]).toEqual([before, 1])
    store.database.exec('DROP TRIGGER planted')
    while (!job.step());
    expect(store.bytes()).toBe(300 * KiB + 90)
    for (const [i, part] of parts.entries())
      expect(Buffer.compare(store.contents.read(job.contents[i]!), part)).toBe(0)
  })
})
