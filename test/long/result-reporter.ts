/**
 * Writes what a long run did into `docs/test-long.md`: when, where, with which numbers and seed, what each file of tests did, and what
 * the tests themselves printed.
 */
import { writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { UserConsoleLog } from 'vitest'
import type { Reporter, TestModule } from 'vitest/node'
import { countLine } from '../support/count-line-reporter.ts'
import { fullCounts, longProjects } from './full-counts.ts'

const resultFile = path.resolve(import.meta.dirname, '../../docs/test-long.md')
const printedLinesMax = 2_000

interface FileResult {
  readonly file: string
  readonly project: string
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  readonly seconds: number
}

export default class ResultReporter implements Reporter {
  readonly #printed: string[] = []
  readonly #startMs = Date.now()

  onUserConsoleLog({ content, type }: UserConsoleLog): void {
    if (type !== 'stdout' || this.#printed.length >= printedLinesMax) return
    this.#printed.push(...content.trimEnd().split('\n'))
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const results = modules.map(resultOf)
    const minutes = (Date.now() - this.#startMs) / 60_000
    writeFileSync(
      resultFile,
      page({ results, errors: unhandledErrors.length, minutes, printed: this.#printed }),
    )
  }
}

function resultOf(module: TestModule): FileResult {
  const states = [...module.children.allTests()].map(test => test.result().state)
  const number = (state: string) => states.filter(one => one === state).length
  const couldNotLoad = module.state() === 'failed' && number('failed') === 0 ? 1 : 0
  return {
    file: module.relativeModuleId,
    project: module.project.name,
    passed: number('passed'),
    failed: number('failed') + number('pending') + couldNotLoad,
    skipped: number('skipped'),
    seconds: module.diagnostic().duration / 1000,
  }
}

interface Run {
  readonly results: readonly FileResult[]
  readonly errors: number
  readonly minutes: number
  readonly printed: readonly string[]
}

function page({ results, errors, minutes, printed }: Run): string {
  const sum = (key: 'passed' | 'failed' | 'skipped') => results.reduce((total, one) => total + one[key], 0)
  const counts = countLine({ passed: sum('passed'), failed: sum('failed') + errors, skipped: sum('skipped') })
  const cpus = os.cpus()
  return `# The long run

Written by \`npm run test:long\` (the kinds ${longProjects.join(', ')}); \`npm test\` runs the same tests with smaller numbers.

**${counts}**, ${minutes.toFixed(1)} minutes, ${new Date().toISOString()}, Node ${process.versions.node},
${os.type()} ${os.release()} ${os.arch()}, ${cpus.length} × ${cpus[0]?.model ?? 'unknown processor'}, ${Math.round(os.totalmem() / 2 ** 30)} GiB.

| variable | number | |
|---|---|---|
${[
  ...fullCounts.map(({ name, what }) => ({ name, what })),
  { name: 'SEED', what: 'the seed of everything random' },
]
  .map(
    ({ name, what }) => `| SYNCLINE_TEST_${name} | ${process.env[`SYNCLINE_TEST_${name}`] ?? ''} | ${what} |`,
  )
  .join('\n')}

| kind | file | passed | failed | skipped | seconds |
|---|---|---|---|---|---|
${results
  .toSorted((a, b) => `${a.project} ${a.file}`.localeCompare(`${b.project} ${b.file}`))
  .map(
    one =>
      `| ${one.project} | ${one.file} | ${one.passed} | ${one.failed} | ${one.skipped} | ${one.seconds.toFixed(1)} |`,
  )
  .join('\n')}

## What the tests printed

\`\`\`
${printed.join('\n')}
\`\`\`
`
}
