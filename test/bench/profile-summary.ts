/**
 * Where the time of a profiled server went: `node test/bench/profile-summary.ts FOLDER [FROM] [TO]` prints, for each
 * .cpuprofile (one a thread), the functions that took most by themselves, and the files; of these seconds of its life, since
 * starting and connecting are not what is asked for. Time in which it had nothing to do is left out of the shares.
 */
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'

interface Profile {
  readonly nodes: readonly {
    id: number
    callFrame: { functionName: string; url: string; lineNumber: number }
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

const shown = 25
const shownFiles = 12

const [folder, from = '0', to = 'Infinity'] = process.argv.slice(2)
if (folder === undefined)
  throw new Error('which folder? node test/bench/profile-summary.ts FOLDER [FROM] [TO]')
/** What a thread does while it waits for work. */
const waiting = new Set(['(idle)', 'atomicsWaitLoop'])

for (const file of globSync('*.cpuprofile', { cwd: folder }).sort()) {
  const profile = JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as Profile
  const nodes = new Map(profile.nodes.map(node => [node.id, node.callFrame]))
  const functions = new Map<string, number>()
  const files = new Map<string, number>()
  let busy = 0
  let atMicros = 0
  profile.samples.forEach((id, i) => {
    const frame = nodes.get(id)!
    const micros = profile.timeDeltas[i]!
    atMicros += micros
    const isAsked = atMicros >= Number(from) * 1e6 && atMicros <= Number(to) * 1e6
    if (!isAsked || waiting.has(frame.functionName)) return
    busy += micros
    const where = frame.url.replace(/^.*\/(node_modules|server|shared)\//, '$1/')
    const name = `${frame.functionName || '(anonymous)'}  ${where}${where === '' ? '' : `:${frame.lineNumber + 1}`}`
    functions.set(name, (functions.get(name) ?? 0) + micros)
    files.set(where || '(native)', (files.get(where || '(native)') ?? 0) + micros)
  })
  console.log(`\n${file}: ${(busy / 1e6).toFixed(2)} s busy`)
  if (busy === 0) continue
  for (const [counts, most] of [
    [functions, shown],
    [files, shownFiles],
  ] as const) {
    for (const [name, micros] of [...counts].sort((a, b) => b[1] - a[1]).slice(0, most))
      console.log(
        `  ${((100 * micros) / busy).toFixed(1).padStart(5)} %  ${(micros / 1000).toFixed(0).padStart(6)} ms  ${name}`,
      )
    console.log()
  }
}
