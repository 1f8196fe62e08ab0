import { defineConfig } from 'vitest/config'

/**
 * One project a kind of proof, so that a kind can be run alone: `npx vitest run --config test/vitest.config.ts --project contract`.
 * Forks, because faults end processes and workers; sources, because a test should name the line that is wrong.
 */
const kind = (name: string, testTimeout: number) => ({
  extends: true as const,
  test: { name, include: [`${name}/**/*.test.ts`], testTimeout, hookTimeout: 60_000 },
})

export default defineConfig({
  root: import.meta.dirname,
  resolve: { conditions: ['syncline-source'] },
  ssr: { resolve: { conditions: ['syncline-source'] } },
  test: {
    pool: 'forks',
    execArgv: ['--conditions=syncline-source'],
    maxWorkers: 2,
    // Cases that wait for the clients' own watchdogs wait at the same time.
    maxConcurrency: 20,
    reporters: ['default', `${import.meta.dirname}/support/count-line-reporter.ts`],
    projects: [
      kind('unit', 20_000),
      kind('contract', 60_000),
      kind('scenario', 120_000),
      kind('compat', 240_000),
      kind('fault', 300_000),
      kind('fuzz', 600_000),
      kind('browser', 240_000),
      kind('architecture', 60_000),
      // Runs the other tests against servers with a planted bug: `npm run test:planted`, not part of `npm test`.
      kind('planted', 600_000),
    ],
  },
})
