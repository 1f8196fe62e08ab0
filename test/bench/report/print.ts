/** One work's tables and goals on the terminal. */
import type { WorkResults } from '../results.ts'
import type { WorkContext } from '../works/work.ts'
import { works } from '../works/works.ts'
import { goalsTable, valuesTable } from './tables.ts'

export function printWork(results: WorkResults, context: WorkContext): void {
  const work = works.find(({ letter }) => letter === results.letter)!
  console.log(`\n${work.letter}. ${work.title}`)
  for (const variant of new Set(results.rows.map(row => row.variant))) {
    console.log(`\n${variant}\n${aligned(valuesTable(work, results, variant))}`)
  }
  const goals = goalsTable(work, results, context.flushMs)
  if (goals.length > 1) console.log(`\n${aligned(goals)}`)
  for (const { target, variant, reason } of results.skipped)
    console.log(`skipped: ${target} ${variant}: ${reason}`)
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => row[column]!.length)))
  return rows.map(row => row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')).join('\n')
}
