import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { count, Random, testSeed } from '../support/counts.ts'
import { type Failpoint, Failpoints, filingFailpoints, swapFailpoints } from '../support/failpoints.ts'
import { plant } from '../support/plant.ts'
import { waitUntil } from '../support/wait-until.ts'
import { findLosses, type SavedEntry } from './store-evidence.ts'
import { besides, startStoreProcess } from './store-process.ts'

/**
 * `kill -9` under a store that is written to as fast as it goes, again and again on the same folder, and what is looked for
 * after each: everything that was saved, in its place, in a file that is whole.
 */
const kills = count('KILLS', 5)
const seed = testSeed()
const random = new Random(seed)

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'syncline-kill-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

/** Lets the program write for a while that has nothing to do with what it writes, and kills it. */
async function killInLoad(imports: string[] = []): Promise<SavedEntry[]> {
  const { child, saved, ended, ...heard } = startStoreProcess(folder, 'load', { imports })
  await waitUntil('the first entry to be saved', () => saved.length > 0, { found: () => heard.stderr })
  await new Promise(resolve => setTimeout(resolve, 50 + random.below(600)))
  child.kill('SIGKILL')
  expect(await ended).toBe('SIGKILL')
  return [...saved]
}

test(`[LOG-4] ${kills} kills in mid-load lose nothing that was saved (seed ${seed})`, async () => {
  const saved: SavedEntry[] = []
  for (let kill = 1; kill <= kills; kill++) {
    saved.push(...(await killInLoad()))
    expect(await findLosses(folder, saved), `after kill ${kill}`).toEqual([])
  }
})

const failpoints: Failpoint[] = [
  'before-append-commit',
  'append-committed',
  ...filingFailpoints,
  ...swapFailpoints,
]

test.each(failpoints)(`[LOG-4] kills at %s lose nothing that was saved (seed ${seed})`, async failpoint => {
  using armed = new Failpoints()
  const saved: SavedEntry[] = []
  for (let kill = 1; kill <= Math.ceil(kills / 3); kill++) {
    armed.arm(failpoint, 'kill', 1 + random.below(failpoint.includes('append') ? 200 : 4))
    const program = startStoreProcess(folder, 'load', armed.options)
    expect(await program.ended, program.stderr).toBe('SIGKILL')
    expect(program.stderr).toContain(`failpoint ${failpoint} kill`)
    saved.push(...program.saved)
    expect(await findLosses(folder, saved), `after kill ${kill}`).toEqual([])
  }
})

test('[LOG-1] a store whose flush does not return saves nothing, says that it is away, and goes on when it returns', async () => {
  using armed = new Failpoints()
  armed.arm('before-append-commit', 'hold')
  const program = startStoreProcess(folder, 'one-append', armed.options)
  const away = () => program.said.some(({ health }) => health === 'away')
  await waitUntil('the store to be away', away, { found: () => program.stderr })
  expect(program.stderr).toContain('failpoint before-append-commit hold')
  expect(program.said).toEqual([{ health: 'away', reason: 'the store thread has not answered for 2000 ms' }])
  expect(program.saved).toEqual([])
  armed.disarm()
  expect(await program.ended, program.stderr).toBe(0)
  expect(program.said.at(-1)!.health).toBe('here')
  expect(program.saved.length).toBe(1)
  expect(await findLosses(folder, program.saved)).toEqual([])
})

test.each([
  [
    'answers before the flush',
    besides('store-early-answer.mjs'),
    /saved [0-9a-f]{16}, found|entry there is another/,
  ],
  ['trims before the swap', plant('trim-before-swap'), /the store is damaged: entr(y|ies) \d+/],
])('a store that %s is found out by these kills', async (_, planted, loss) => {
  const failpoint = new Failpoints()
  try {
    const saved: SavedEntry[] = []
    // The fault of the second lies in a short moment, so that one is killed there.
    const trims = planted.includes('trim')
    const losses: string[] = []
    for (let kill = 1; kill <= 20 && losses.length === 0; kill++) {
      if (trims) {
        failpoint.arm('before-base-swap-commit', 'kill', 2)
        const { imports, env } = failpoint.options
        const program = startStoreProcess(folder, 'load', { imports: [...imports, planted], env })
        expect(await program.ended, program.stderr).toBe('SIGKILL')
        saved.push(...program.saved)
      } else saved.push(...(await killInLoad([planted])))
      losses.push(...(await findLosses(folder, saved)))
    }
    expect(losses.join('\n')).toMatch(loss)
  } finally {
    failpoint.disarm()
  }
})
