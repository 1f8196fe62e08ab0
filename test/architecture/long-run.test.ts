/**
 * The long run sets every number that a test asks for, and no other: a number that it forgot would be reported as run in full.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { fullCounts } from '../long/full-counts.ts'
import { readRepository, repository } from './workspaces.ts'

/** `count('KILLS', 5)`, or the variable by its name. */
const asked = /\bcount\('([A-Z_]+)'|\bSYNCLINE_TEST_([A-Z_]+)\b/g

function askedNames(text: string): string[] {
  return [...text.matchAll(asked)].map(([, name, variable]) => (name ?? variable) as string)
}

test('both ways of asking for a number are found', () => {
  expect(askedNames(`const kills = count('KILLS', 5); process.env.SYNCLINE_TEST_CUTS`)).toEqual([
    'KILLS',
    'CUTS',
  ])
})

test('every number that a test asks for is set by the long run, and every one that is set is asked for', () => {
  const own = ['test/support/counts.ts', 'test/long/', 'test/architecture/']
  const files = readRepository().filter(
    file => file.path.startsWith('test/') && !own.some(start => file.path.startsWith(start)),
  )
  const names = new Set(
    files.flatMap(file => askedNames(readFileSync(path.join(repository, file.path), 'utf8'))),
  )
  names.delete('SEED')
  expect([...names].sort()).toEqual(fullCounts.map(({ name }) => name).sort())
})
