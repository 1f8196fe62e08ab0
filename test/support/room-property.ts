/**
 * The property of the room over random documents, as one function that vitest calls and that runs by itself:
 *
 *     node --conditions=syncline-source test/support/room-property.ts [documents] [seed] [--found-is-enough]
 *
 * By itself it is what the planted bugs are tried on: vitest transforms the modules that it loads, and then a load hook does
 * not see them.
 */
import fc from 'fast-check'
import { count, testSeed } from './counts.ts'
import { pieceBytesFor, runStep, type Script, scriptArbitrary } from './room-script.ts'
import { checkSettled } from './room-settled.ts'
import { type Tally, World } from './room-world.ts'

export function newTally(): Tally {
  return { documents: 0, replaced: 0, joins: 0, restarts: 0, failed: [] }
}

/** Lives one document through, and throws at the first promise that is broken. */
export async function liveThrough(script: Script, tally: Tally): Promise<void> {
  const world = await World.create({ ...script, pieceBytes: pieceBytesFor(script) }, tally)
  const remembered: Uint8Array[] = []
  for (const client of world.clients) client.connect()
  for (const step of script.steps) await runStep(world, step, remembered)
  await checkSettled(world, { remembered, compactsFirst: script.compactsFirst })
  world.close()
}

export interface PropertyOptions {
  readonly documents: number
  readonly seed: number
  /** A planted bug only has to be found, not understood. */
  readonly shrinks: boolean
}

export async function checkRoom({ documents, seed, shrinks }: PropertyOptions): Promise<Tally> {
  const tally = newTally()
  await fc.assert(
    fc.asyncProperty(scriptArbitrary, script => liveThrough(script, tally)),
    { numRuns: documents, seed, endOnFailure: !shrinks },
  )
  return tally
}

if (import.meta.main) {
  const [documents = count('DOCUMENTS', 200), seed = testSeed()] = process.argv.slice(2, 4).map(Number)
  const shrinks = !process.argv.includes('--found-is-enough')
  try {
    const tally = await checkRoom({ documents, seed, shrinks })
    console.log(`seed ${seed}: ${describe(tally)}`)
  } catch (error) {
    console.error(error)
    process.exitCode = 1
  }
}

/** For people who look whether the random documents met what they should meet. */
export function describe({ documents, joins, restarts, replaced, failed }: Tally): string {
  const counted = `${documents} documents, ${joins} joins, ${restarts} restarts, ${replaced} compactions`
  const reasons = failed.length === 0 ? '' : ` (${[...new Set(failed)].join('; ')})`
  return `${counted}, ${failed.length} compactions failed${reasons}`
}
