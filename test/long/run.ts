/**
 * `npm run test:long`: the random and repeated tests with their full numbers, and the printed result in `docs/test-long.md`, which is
 * committed. A number or seed set in the environment wins, so that one failure can be looked into.
 */
import { spawn } from 'node:child_process'
import path from 'node:path'
import { testSeed } from '../support/counts.ts'
import { fullCounts, longProjects } from './full-counts.ts'

const testFolder = path.resolve(import.meta.dirname, '..')
const vitest = path.resolve(testFolder, '../node_modules/vitest/vitest.mjs')

const environment: NodeJS.ProcessEnv = { ...process.env, SYNCLINE_TEST_SEED: String(testSeed()) }
for (const { name, full } of fullCounts) environment[`SYNCLINE_TEST_${name}`] ??= String(full)

const child = spawn(
  process.execPath,
  [
    vitest,
    'run',
    ...longProjects.flatMap(project => ['--project', project]),
    // The numbers grow by factors of five to ten, and so does the time that one test may take.
    '--testTimeout',
    String(60 * 60_000),
    '--reporter=default',
    `--reporter=${path.join(testFolder, 'long/result-reporter.ts')}`,
    `--reporter=${path.join(testFolder, 'support/count-line-reporter.ts')}`,
  ],
  { cwd: testFolder, env: environment, stdio: 'inherit' },
)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
child.on('close', (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 130)
})
