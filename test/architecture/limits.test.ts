/**
 * Every limit of the table of settings has a test that carries its name, and stands in `docs/limits.md`.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { settingNames } from '@syncline/server/internal/foundation/settings-table'
import { expect, test } from 'vitest'
import type { SourceFile } from './source-file.ts'
import { readSource } from './source-file.ts'
import { readRepository, repository } from './workspaces.ts'

/** Limits by time have names that say so. */
const limits = settingNames.filter(
  name => name.startsWith('limit') || ['firstFrameTimeoutMs', 'handshakeTimeoutMs'].includes(name),
)

/** `limitMessageBytes` is `message-bytes` in titles, `firstFrameTimeoutMs` is `first-frame-timeout`. */
function titleName(limit: string): string {
  const words = limit.replace(/^limit/, '').replace(/Ms$/, '')
  return words
    .replace(/^[A-Z]/, first => first.toLowerCase())
    .replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}

/** The names of the limits that no test which runs has in its title. */
function untested(names: readonly string[], files: readonly SourceFile[]): string[] {
  const titles = files.flatMap(({ tests }) => tests.filter(({ runs }) => runs).map(({ title }) => title))
  return names.filter(name => !titles.some(title => title.includes(`[LIM-1 ${titleName(name)}]`)))
}

test('[LIM-1] every limit of the table has a test that names it', () => {
  expect(limits.length).toBeGreaterThanOrEqual(30)
  const tests = readRepository().filter(
    file => file.path.startsWith('test/') && !file.path.startsWith('test/architecture/'),
  )
  expect(untested(limits, tests)).toEqual([])
})

test('[LIM-1] every limit of the table stands in docs/limits.md, and no other', () => {
  const page = readFileSync(path.join(repository, 'docs/limits.md'), 'utf8')
  const rows = [...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name)
  expect(rows).toEqual(limits)
})

test.each([
  [`test('[LIM-1 message-bytes] a message', () => {})`, []],
  [`test('[SLOW-1] [LIM-1 message-bytes] a message', () => {})`, []],
  [`test('[LIM-1 presence-message-bytes] a message', () => {})`, ['limitMessageBytes']],
  [`test.skip('[LIM-1 message-bytes] a message', () => {})`, ['limitMessageBytes']],
  [`describe('[LIM-1 message-bytes] messages', () => {})`, ['limitMessageBytes']],
])('a limit without a test is found: %s', (text, found) => {
  expect(untested(['limitMessageBytes'], [readSource('test/a.test.ts', text)])).toEqual(found)
})
