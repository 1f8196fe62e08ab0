/**
 * What was measured, kept as data, so that the page can be written again without measuring again and a single work can be
 * repeated. Each work carries its own machine, date and load: they need not be from one run.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { Machine } from './machine.ts'
import type { Measured, Round, Row } from './works/work.ts'

export interface Skipped {
  readonly target: string
  readonly variant: string
  readonly reason: string
}

export interface WorkResults {
  readonly letter: string
  readonly machine: Machine
  readonly rounds: number
  readonly rows: readonly Row[]
  readonly skipped: readonly Skipped[]
}

export interface Results {
  readonly works: readonly WorkResults[]
}

export function readResults(file: string): Results {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Results) : { works: [] }
}

/** What was measured now replaces what was known of the same works. */
export function writeResults(file: string, works: readonly WorkResults[]): Results {
  const isNew = new Set(works.map(work => work.letter))
  const all = [...readResults(file).works.filter(({ letter }) => !isNew.has(letter)), ...works]
  const results = { works: all.sort((a, b) => a.letter.localeCompare(b.letter)) }
  writeFileSync(file, `${JSON.stringify(results, shortNumber, 1)}\n`)
  return results
}

function shortNumber(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(6)) : value
}

/** The rounds of one variant, each as its rows by target. */
export function roundsOf({ rows }: WorkResults, variant: string): Round[] {
  const rounds = new Map<number, Map<Measured, Row['values']>>()
  for (const row of rows) {
    if (row.variant !== variant) continue
    const round = rounds.get(row.round) ?? new Map()
    rounds.set(row.round, round.set(row.target, row.values))
  }
  return [...rounds.values()]
}

export function median(values: readonly (number | null | undefined)[]): number | null {
  const numbers = values.filter(value => typeof value === 'number').sort((a, b) => a - b)
  if (numbers.length === 0) return null
  const middle = numbers.length >> 1
  return numbers.length % 2 === 1 ? numbers[middle]! : (numbers[middle - 1]! + numbers[middle]!) / 2
}
