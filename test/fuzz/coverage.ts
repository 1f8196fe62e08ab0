/**
 * `npm run coverage`: how much of the gate and the codecs the fuzzer reaches, printed for each file. Fails below 95 % of branches, lines or
 * functions: V8 counts no branches in a function that was never called, so branches alone would not see it.
 *
 * Node's own counting is used, since it runs the sources as they are: there is nothing between a branch and the line that is printed.
 */
import { spawn } from 'node:child_process'
import path from 'node:path'

const percentMin = 95

/** What bytes from outside meet first: framings, updates, presence, names, claims, and the gate that judges. */
const covered = [
  'shared/src/wire/*.ts',
  'shared/src/presence.ts',
  'shared/src/document-name.ts',
  'shared/src/update/*.ts',
  'server/src/room/{gate,foreign-clients,other-epoch,read-only,document-limits}.ts',
  'server/src/auth/claims.ts',
]

const repository = path.resolve(import.meta.dirname, '../..')
const child = spawn(
  process.execPath,
  [
    '--conditions=syncline-source',
    '--test',
    '--test-isolation=none',
    '--experimental-test-coverage',
    ...covered.map(glob => `--test-coverage-include=${glob}`),
    ...['branches', 'lines', 'functions'].map(what => `--test-coverage-${what}=${percentMin}`),
    path.join(import.meta.dirname, 'covered.ts'),
  ],
  { cwd: repository, stdio: 'inherit' },
)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
child.on('close', (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 130)
})
