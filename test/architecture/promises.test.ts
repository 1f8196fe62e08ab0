/**
 * What `ARCHITECTURE.md` says that Syncline promises is what the tests prove, in both directions.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { numbersOf, promiseViolations, readPromises } from './promises.ts'
import { readSource } from './source-file.ts'
import { readRepository, repository } from './workspaces.ts'

const architecture = readFileSync(path.join(repository, 'ARCHITECTURE.md'), 'utf8')

test('every promise that holds has a test, and every number in a title is promised', () => {
  const promises = readPromises(architecture)
  const testFiles = readRepository().filter(file => file.path.startsWith('test/'))
  expect(promises.length).toBeGreaterThanOrEqual(19)
  // The made-up titles of the tests below stand inside strings of their own and do not count.
  expect(promiseViolations(promises, testFiles)).toEqual([])
})

describe('the comparison', () => {
  const table = `| | promise | since |\n|---|---|---|\n| LOG-1 | saved \\| durable | 0.1.0 |\n| LOG-2 | later | not yet |`
  const violations = (text: string, markdown = table) =>
    promiseViolations(readPromises(markdown), [readSource('test/a.test.ts', text)])

  test('a row is a number, a sentence and a time', () => {
    expect(readPromises(table)).toEqual([
      { number: 'LOG-1', sentence: 'saved \\| durable', since: '0.1.0' },
      { number: 'LOG-2', sentence: 'later', since: 'not yet' },
    ])
  })

  test.each([
    '[LOG-1] an edit is there',
    '[LOG-1 after a kill] an edit is there',
    '[LOG-2] [LOG-1] an edit is there',
  ])('the title "%s" is a proof', title => {
    expect(violations(`test('${title}', () => {})`)).toEqual([])
  })

  test.each([
    ['a title with the number elsewhere', `test('an edit [LOG-1] is there', () => {})`],
    ['a skipped test', `test.skip('[LOG-1] an edit is there', () => {})`],
    ['a group of tests', `describe('[LOG-1] an edit is there', () => {})`],
    ['a comment', `// test('[LOG-1] an edit is there')`],
  ])('%s is no proof', (_, text) => {
    expect(violations(text)).toEqual(['LOG-1 is said to hold and has no test'])
  })

  test.each([
    `it.each([1])('[LOG-1] with %i', () => {})`,
    `test.concurrent('[LOG-1] at once', () => {})`,
    `test(\`[LOG-1] with seed \${seed}\`, () => {})`,
  ])('%s is a proof', text => {
    expect(violations(text)).toEqual([])
  })

  test('a number that nobody promised is found', () => {
    expect(violations(`test('[LOG-1] [LOG-9] an edit is there', () => {})`)).toHaveLength(1)
  })

  test('a wrong row is found', () => {
    const proof = `test('[LOG-1] an edit is there', () => {})`
    expect(violations(proof, `${table}\n| LOG-3 | positions | soon |`)).toHaveLength(2)
    expect(violations(proof, `${table}\n| LOG-2 | again | not yet |`)).toHaveLength(1)
    expect(violations(proof, `${table}\n| LOG-3 |  | not yet |`)).toHaveLength(1)
    expect(violations(proof, `${table}\n| LOG-3 | some | 0.1.0, in part: half |`)).toHaveLength(1)
  })

  test('numbers are read from the beginning only', () => {
    expect(numbersOf('[LOG-1] [SYNC-2 again] text [LOG-3]')).toEqual(['LOG-1', 'SYNC-2'])
    expect(numbersOf('[seed 7] text')).toEqual([])
  })
})
