/**
 * `npm run bench`: puts Syncline beside other servers in one run, on one machine, and says what came of it.
 *
 * Each measurement starts a server of its own, with an empty data folder, and a load generator of its own; within a
 * round every server takes its turn at a work before the next work begins, in another order each round.
 */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { help, type Options, readCommandLine } from './command-line.ts'
import { lookAtMachine, type Machine } from './machine.ts'
import { installPeers } from './prepare.ts'
import { writePage } from './report/page.ts'
import { printWork } from './report/print.ts'
import { readResults, type Skipped, type WorkResults, writeResults } from './results.ts'
import { selfTest } from './self-test/self-test.ts'
import { type Target, targets } from './servers/targets.ts'
import type { Row, Work, WorkContext } from './works/work.ts'
import { works } from './works/works.ts'

const resultsFile = 'benchmarks.json'
const repository = path.resolve(import.meta.dirname, '../..')

async function main(): Promise<number> {
  const options = readCommandLine(process.argv.slice(2))
  if (options.help) {
    console.log(help)
    return 0
  }
  if (options.render) {
    writePage(options.out, readResults(path.join(options.out, resultsFile)))
    return 0
  }
  if (process.platform !== 'linux') throw new Error('the bench reads /proc, so it needs Linux')
  if (!existsSync(path.join(repository, 'server/dist/cli/main.js')))
    throw new Error('Syncline is not built: run `npm run build`')
  const notInstalled = installPeers()
  if (notInstalled !== null) console.log(`not everything could be installed: ${notInstalled}`)

  const machine = lookAtMachine()
  console.log(
    `${machine.processor}, ${machine.cores} cores, ${machine.node}, load average ${machine.loadAverage}`,
  )
  const folder = await mkdtemp(path.join(tmpdir(), 'syncline-bench-'))
  try {
    const chosen = chooseTargets(options)
    const usable = await testTargets(chosen)
    const context = contextOf(options, folder, machine)
    const measured = await measureAll(options, usable, context, machine)
    for (const results of measured) printWork(results, context)
    if (options.write) {
      writePage(options.out, writeResults(path.join(options.out, resultsFile), measured))
      console.log(`written: ${path.join(options.out, 'benchmarks.md')}`)
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return 0
}

function chooseTargets({ targets: named, yWebsocket }: Options): readonly Target[] {
  return targets.filter(({ name }) => named?.includes(name) ?? (name !== 'y-websocket' || yWebsocket))
}

function contextOf(options: Options, folder: string, { flushMs }: Machine): WorkContext {
  const { quick, profile } = options
  const nodeFlags = profile === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${path.resolve(profile)}`]
  return { quick, folder, nodeFlags, flushMs }
}

type Tested = { readonly target: Target; readonly failure: string | null }

async function testTargets(chosen: readonly Target[]): Promise<Tested[]> {
  const tested: Tested[] = []
  for (const target of chosen) {
    const failure = await selfTest(target).then(
      () => null,
      (error: unknown) => firstLine(error),
    )
    console.log(
      `${target.name}: ${failure === null ? 'agrees with its stock client' : `skipped, ${failure}`}`,
    )
    tested.push({ target, failure })
  }
  return tested
}

async function measureAll(
  options: Options,
  tested: readonly Tested[],
  context: WorkContext,
  machine: Machine,
): Promise<WorkResults[]> {
  const chosen = works.filter(({ letter }) => options.only.length === 0 || options.only.includes(letter))
  const collected = new Map(chosen.map(work => [work, { rows: [] as Row[], skipped: [] as Skipped[] }]))
  for (let round = 1; round <= options.rounds; round++) {
    for (const work of chosen) {
      const { rows, skipped } = collected.get(work)!
      for (const variant of work.variants(context)) {
        if (options.variants.length > 0 && !options.variants.includes(variant)) continue
        for (const { target, failure } of rotated(tested, round)) {
          if (target.only?.includes(work.letter) === false || !work.takes(target, variant)) continue
          const skip = (reason: string) => skipped.push({ target: target.name, variant, reason })
          if (failure !== null) skip(failure)
          else await measureOne({ work, variant, target, round, context }, rows, skip)
        }
      }
    }
  }
  return chosen.map(work => ({
    letter: work.letter,
    machine,
    rounds: options.rounds,
    ...collected.get(work)!,
  }))
}

async function measureOne(
  what: { work: Work; variant: string; target: Target; round: number; context: WorkContext },
  rows: Row[],
  skip: (reason: string) => void,
): Promise<void> {
  const { work, variant, target, round, context } = what
  const startedMs = performance.now()
  const label = `round ${round}  ${work.letter} ${variant}  ${target.name}`
  const forTarget = target.name === 'syncline' ? context : { ...context, nodeFlags: [] }
  try {
    const { values, loadCores, also = [] } = await work.measure(variant, target, forTarget)
    rows.push({ variant, round, target: target.name, values, loadCores })
    for (const { measured, values } of also)
      rows.push({ variant, round, target: measured, values, loadCores: 0 })
    const short = work.columns.map(
      ({ key, title, digits }) => `${title} ${values[key]?.toFixed(digits) ?? '–'}`,
    )
    console.log(`${label}  (${((performance.now() - startedMs) / 1000).toFixed(0)} s)  ${short.join(', ')}`)
  } catch (error) {
    console.log(`${label}: ${firstLine(error)}`)
    skip(firstLine(error))
  }
}

/** Another one begins each round, so that none always runs on a machine that somebody else has warmed or tired. */
function rotated<Item>(items: readonly Item[], round: number): Item[] {
  const start = (round - 1) % Math.max(1, items.length)
  return [...items.slice(start), ...items.slice(0, start)]
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]!
}

// Stock clients of the self-test leave timers behind.
process.exit(await main())
