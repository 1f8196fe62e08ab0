/** Writes `docs/benchmarks.md` and its plot from the results, nothing else. */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Results, WorkResults } from '../results.ts'
import { targets } from '../servers/targets.ts'
import type { Work } from '../works/work.ts'
import { works } from '../works/works.ts'
import { plot } from './plot.ts'
import { goalsTable, judged, type Table, titleOf, valuesTable } from './tables.ts'

export function writePage(docs: string, results: Results): void {
  const known = works.flatMap(work => {
    const found = results.works.find(({ letter }) => letter === work.letter)
    return found === undefined ? [] : [{ work, found }]
  })
  writeFileSync(path.join(docs, 'benchmarks.svg'), plot(known))
  const parts = [opening(known), ...known.map(({ work, found }) => section(work, found)), methods()]
  writeFileSync(path.join(docs, 'benchmarks.md'), `${parts.join('\n\n')}\n`)
}

/** Above this, what else the machine did makes latencies, and even ratios, worthless. */
const otherCoresMax = 0.4

type Known = readonly { readonly work: Work; readonly found: WorkResults }[]

function opening(known: Known): string {
  const all = known.flatMap(({ work, found }) => judged(work, found, found.machine.flushMs))
  const met = all.filter(one => one.met === true).length
  const missed = all.filter(one => one.met === false)
  const versions = targets.map(({ name, version }) => `- **${titleOf(name)}**: ${version}`)
  return `# Benchmarks

Written by \`npm run bench\` (\`test/bench\`), not by hand. Syncline beside a bare \`ws\` relay, which forwards bytes and keeps nothing, and beside Hocuspocus
with SQLite: each a process of its own, on the same Node and machine, one after the other; ratios are taken within a round and their median is shown.
The load generator is another process on the same machine. Absolute numbers are this machine's; ratios travel.

![Server time per delivered edit, and time to deliver](benchmarks.svg)

Of ${all.length} goals ${met} are met${missed.length === 0 ? '.' : ` and ${missed.length} missed:`}
${missed.map(({ goal }) => `\n- ${goal.text}`).join('')}

${versions.join('\n')}`
}

function section(work: Work, found: WorkResults): string {
  const { machine, rounds } = found
  const variants = [...new Set(found.rows.map(row => row.variant))]
  const where = `${machine.date}, commit ${machine.commit}, ${machine.processor} with ${machine.cores} cores and ${machine.memoryGB} GB, ${machine.system}, Node ${machine.node}, ${rounds} round${rounds === 1 ? '' : 's'}; load average at the start ${machine.loadAverage.toFixed(1)}; one fdatasync ${machine.flushMs.toFixed(2)} ms.`
  const skipped = new Map(found.skipped.map(one => [`${one.target} ${one.variant}`, one]))
  return [
    `## ${work.letter}. ${work.title}`,
    work.what,
    where,
    ...disturbed(found),
    ...variants.map(variant => `**${variant}**\n\n${markdown(valuesTable(work, found, variant))}`),
    ...(skipped.size === 0
      ? []
      : [
          [...skipped.values()]
            .map(({ target, variant, reason }) => `- skipped: ${target}, ${variant}: ${reason}`)
            .join('\n'),
        ]),
    markdown(goalsTable(work, found, machine.flushMs)),
  ].join('\n\n')
}

/** Said where it matters, or nothing. */
function disturbed({ rows }: WorkResults): string[] {
  const most = Math.max(0, ...rows.map(row => row.values.otherCores ?? 0))
  if (most < otherCoresMax) return []
  return [
    `**Not to be trusted:** up to ${most.toFixed(1)} cores of the machine were busy with other work meanwhile.`,
  ]
}

function methods(): string {
  return `## How it is measured

- Before anything is measured, each server is tried with its stock client (\`y-websocket\`, \`@hocuspocus/provider\`) and the load generator in one room: both
  must read each other, the generator must count each edit once, and its edits must be byte for byte what Yjs writes.
- The generator speaks WebSocket on bare TCP sockets. A delivery is counted when an edit of somebody else is found, by client and clock, in an update that
  has come, alone or merged; latency is from the writer's \`write\` to that moment. In rooms of more than 300 people it is taken at every fourth of them.
- Rows marked * are those in which the generator needed 0.9 of a core or more: there it was the limit, and the server could do more.
- Server time is that of all threads of the process, from the kernel's account (\`/proc\`), while it is measured; connecting and warming up are left out.
- \`other work\` is what neither the server nor the generator used of the machine's cores meanwhile: where it is not near 0, latencies are worse than the server's own.
- Memory is the resident set as it is; nobody is made to collect garbage.
- Everything is on one machine and its loopback: no network delay, and where there are two cores, server and generator share caches and memory bandwidth.
- The relay's row is what it costs to move the bytes. At 480 writers it cannot keep up, so its row there is that of a server at its limit.`
}

function markdown([head, ...rows]: Table): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head!), line(head!.map((_, i) => (i === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n')
}
