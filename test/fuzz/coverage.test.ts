/**
 * `npm run coverage` as a part of `npm test`: the table is printed, and it fails below 95 %.
 */
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { expect, test } from 'vitest'
import { testSeed } from '../support/counts.ts'

test(`the fuzzer reaches 95 % of the branches of gate and codecs, seed ${testSeed()}`, () => {
  const { NODE_V8_COVERAGE: _, ...env } = process.env
  const program = path.join(import.meta.dirname, 'coverage.ts')
  const { status, stdout, stderr } = spawnSync(process.execPath, [program], { encoding: 'utf8', env })
  const table = stdout.slice(stdout.indexOf('start of coverage report'))
  console.log(table)
  expect({ status, stderr }, stdout).toEqual({ status: 0, stderr: '' })
  // A name that matches no file is no error to Node, and would be as if it were covered.
  for (const file of [
    'gate.ts',
    'document-limits.ts',
    'clients.ts',
    'split.ts',
    'walk.ts',
    'struct-reader.ts',
    'y-websocket.ts',
    'hocuspocus.ts',
    'presence.ts',
    'claims.ts',
  ])
    expect(table).toContain(` ${file} `)
})
