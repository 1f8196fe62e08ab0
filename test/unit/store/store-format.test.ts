import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { systemClock } from '@syncline/server/internal/foundation/clock'
import { openDiskLog, storeFileName } from '@syncline/server/internal/store/disk-log'
import { expect, test } from 'vitest'
import { describeStore } from '../../support/make-store-fixture.ts'

/** Every format that was ever released stays readable: `make-store-fixture.ts` says how these files came to be. */
const fixtures = resolve(import.meta.dirname, '../../fixtures')
const formats = readdirSync(fixtures).flatMap(name => /^store-format-(\d+)\.sqlite$/.exec(name)?.[1] ?? [])

test('there is a fixture of format 1', () => {
  expect(formats).toContain('1')
})

test.each(formats)('a store of format %s is opened with all that is in it, and goes on', async format => {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-format-'))
  copyFileSync(join(fixtures, `store-format-${format}.sqlite`), join(folder, storeFileName))
  const log = await openDiskLog({ folder, clock: systemClock })
  const content = await describeStore(log)
  const { end } = await log.load('notes')
  const entry = {
    kind: 'update' as const,
    timeMs: 1,
    update: new Uint8Array([1]),
    authors: [],
    instance: 'i',
    nonce: 'ffffffffffffffff',
  }
  const appended = await log.append('notes', end.seq, [entry])
  await log.close()
  rmSync(folder, { recursive: true })
  expect(content).toEqual(JSON.parse(readFileSync(join(fixtures, `store-format-${format}.json`), 'utf8')))
  expect(appended.ends[0]!.seq).toBe(end.seq + 1)
})
