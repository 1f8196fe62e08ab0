/**
 * Compares the promises in `ARCHITECTURE.md` with the titles of the tests. A promise is a row of its table,
 * `| LOG-1 | sentence | since |`; a test that proves one begins with its number, `[LOG-1] ...`, and may prove several.
 */
import type { SourceFile } from './source-file.ts'

export interface Promised {
  readonly number: string
  readonly sentence: string
  /** The version since which it holds, with what is missing if only a part does; or `not yet`. */
  readonly since: string
}

const row = /^\|\s*([A-Z]+-\d+)\s*\|(.*)\|([^|]*)\|\s*$/
/** `[LIM-1 connections-per-user]`: a number, and what it is about. */
const leadingNumber = /^\[([A-Z]+-\d+)(?: [^\]]*)?\]\s*/
const since = /^(not yet|\d+\.\d+\.\d+(?:$|, in part: .+))/

/** The rows of the table of promises. */
export function readPromises(markdown: string): Promised[] {
  return markdown
    .split('\n')
    .map(line => row.exec(line))
    .filter(match => match !== null)
    .map(([, number, sentence, when]) => ({
      number: number as string,
      sentence: (sentence as string).trim(),
      since: (when as string).trim(),
    }))
}

/** The numbers with which a title begins. */
export function numbersOf(title: string): string[] {
  const match = leadingNumber.exec(title)
  return match === null ? [] : [match[1] as string, ...numbersOf(title.slice(match[0].length))]
}

/** One sentence for each promise without a test that runs, each number without a promise, and each row that is wrong. */
export function promiseViolations(promises: readonly Promised[], files: readonly SourceFile[]): string[] {
  const violations: string[] = []
  const known = new Set<string>()
  for (const promise of promises) {
    if (known.has(promise.number)) violations.push(`${promise.number} is promised twice`)
    known.add(promise.number)
    if (promise.sentence === '') violations.push(`${promise.number} has no sentence`)
    if (!since.test(promise.since)) {
      violations.push(`${promise.number} holds since "${promise.since}": neither a version nor "not yet"`)
    }
  }
  const proven = new Set<string>()
  for (const file of files) {
    for (const { title, runs } of file.tests) {
      for (const number of numbersOf(title)) {
        if (runs) proven.add(number)
        if (!known.has(number))
          violations.push(`${file.path}: "${title}" proves ${number}, which nobody promised`)
      }
    }
  }
  for (const { number, since: when } of promises) {
    if (when !== 'not yet' && !proven.has(number))
      violations.push(`${number} is said to hold and has no test`)
  }
  return violations
}
