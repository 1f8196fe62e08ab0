/** Work c: everybody opens the same large document at the same moment, while somebody types elsewhere. */

import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { makeDocument, writeAll } from '../load/documents.ts'
import type { Captured, ProbeSample, Storm } from '../load/join-load.ts'
import { load } from '../load/start-load.ts'
import { type RunningServer, withDataFolder } from '../servers/start-server.ts'
import { startPusher, type Target } from '../servers/targets.ts'
import { against, type Goal, own, type Values, type Work, type WorkContext } from './work.ts'

const clients = 200
const documentBytes = 220_000
const timeoutMs = 180_000
const beforeMs = 700
const betweenMs = 400
/** Compaction of what was just written, stores that wait: what happens by itself happens before the storm. */
const settleMs = 4_000

export const joins: Work = {
  letter: 'c',
  title: 'A storm of joins',
  what: `${clients} clients connect to and open one document of ${documentBytes / 1000} KB at once: while it is open (hot), and as the first thing after a restart (cold). Somebody types 250 times a second in another room, from a process of their own; the probe's figures are of what was typed during the storm. \`pusher\` is a process that has the very bytes that Syncline sent in memory and only pushes them.`,
  columns: [
    { key: 'all', title: 'all joined ms', digits: 0, ratioTo: 'pusher' },
    { key: 'cpu', title: 'server CPU ms', digits: 0, ratioTo: 'pusher' },
    { key: 'bytes', title: 'KB each', digits: 0 },
    { key: 'probeQuiet', title: 'probe p99 before', digits: 1 },
    { key: 'probeP50', title: 'probe p50', digits: 1 },
    { key: 'probeP99', title: 'probe p99', digits: 1 },
    { key: 'rss', title: 'RSS MB after', digits: 0 },
  ],
  variants: () => ['hot', 'cold'],
  takes: target => target.keeps,
  measure: (variant, target, context) =>
    withDataFolder(folder => measureJoins(variant === 'cold', target, context, folder)),
  goals: () =>
    ['hot', 'cold'].flatMap((variant): Goal[] => [
      {
        text: `${variant}: time until all have joined, of pushing the same bytes`,
        variant,
        value: round => against(round, 'all', ['pusher']),
        bound: { atMost: 1.3 },
      },
      {
        text: `${variant}, Hocuspocus framing: time until all have joined, of pushing the same bytes`,
        variant,
        value: round => against(round, 'all', ['pusher'], 'least', 'syncline-hocuspocus'),
        bound: { atMost: 1.3 },
      },
      {
        text: `${variant}: server CPU, of pushing the same bytes`,
        variant,
        value: round => against(round, 'cpu', ['pusher']),
        bound: { atMost: 1.3 },
      },
      {
        text: `${variant}: an edit in another room meanwhile, p99 in ms`,
        variant,
        value: round => own(round, 'probeP99'),
        bound: { atMost: 25 },
      },
    ]),
}

interface Stormed {
  readonly storms: readonly Storm[]
  readonly probes: readonly ProbeSample[]
  readonly rssMB: number
}

async function measureJoins(
  isCold: boolean,
  target: Target,
  { quick, folder, nodeFlags }: WorkContext,
  dataFolder: string,
): ReturnType<Work['measure']> {
  const document = makeDocument({ bytes: documentBytes, seed: 7 })
  const updatesFile = path.join(folder, 'large-document')
  const framesFile = path.join(folder, `join-of-${target.name}`)
  writeAll(updatesFile, document.updates)
  const { framing } = target
  const bytesMin = document.stateBytes / 2
  const repeats = quick ? 2 : 4

  let server = await target.start(dataFolder, nodeFlags)
  try {
    const { text } = document
    await load<null>({ kind: 'fill', port: server.port, framing, updatesFile, text }, timeoutMs)
    await setTimeout(settleMs)
    const captured = await load<Captured>(
      { kind: 'capture', port: server.port, framing, text, framesFile },
      timeoutMs,
    )
    const all: Stormed[] = []
    if (!isCold) all.push(await stormed(server, framing, { bytesMin, storms: repeats, keepOpen: true }))
    for (let i = 0; isCold && i < Math.ceil(repeats / 2); i++) {
      await server.stop()
      server = await target.start(dataFolder, nodeFlags)
      all.push(await stormed(server, framing, { bytesMin, storms: 1, keepOpen: false }))
    }
    const { values, loadCores } = summary(all)
    if (target.name !== 'syncline') return { values, loadCores }
    const pusher = await startPusher(framesFile)
    try {
      const pushed = summary([
        await stormed(pusher, 'relay', { bytesMin: captured.bytes * 0.9, storms: repeats, keepOpen: false }),
      ])
      return { values, loadCores, also: [{ measured: 'pusher', values: pushed.values }] }
    } finally {
      await pusher.kill()
    }
  } finally {
    await (nodeFlags.length > 0 ? server.stop() : server.kill())
  }
}

async function stormed(
  server: RunningServer,
  framing: Target['framing'],
  how: { bytesMin: number; storms: number; keepOpen: boolean },
): Promise<Stormed> {
  const { port, pid } = server
  const { storms } = how
  const forMs = beforeMs + storms * (betweenMs + 1_500)
  const [storm, probes] = await Promise.all([
    load<{ storms: Storm[]; rssMB: number }>(
      { kind: 'storm', port, pid, framing, clients, beforeMs, betweenMs, ...how },
      timeoutMs,
    ),
    load<ProbeSample[]>({ kind: 'probe', port, framing, forMs }, timeoutMs),
  ])
  return { ...storm, probes }
}

function summary(all: readonly Stormed[]): { values: Values; loadCores: number } {
  const storms = all.flatMap(one => one.storms)
  const during = all.flatMap(one => latenciesWithin(one.probes, one.storms))
  const before = all.flatMap(one => latenciesBefore(one.probes, one.storms[0]!))
  const seconds = storms.reduce((sum, { allMs }) => sum + allMs / 1000, 0)
  return {
    values: {
      all: median(storms.map(storm => storm.allMs)),
      cpu: median(storms.map(storm => storm.serverSeconds * 1000)),
      bytes: median(storms.map(storm => storm.bytesEach / 1000)),
      probeQuiet: percentile(before, 0.99),
      probeP50: percentile(during, 0.5),
      probeP99: percentile(during, 0.99),
      rss: all.at(-1)!.rssMB,
    },
    loadCores: storms.reduce((sum, { loadSeconds }) => sum + loadSeconds, 0) / seconds,
  }
}

function latenciesWithin(probes: readonly ProbeSample[], storms: readonly Storm[]): number[] {
  return probes
    .filter(([sentMs]) => storms.some(({ fromMs, toMs }) => sentMs >= fromMs && sentMs <= toMs))
    .map(([, latencyMs]) => latencyMs)
}

function latenciesBefore(probes: readonly ProbeSample[], { fromMs }: Storm): number[] {
  return probes.filter(([sentMs]) => sentMs < fromMs).map(([, latencyMs]) => latencyMs)
}

function median(values: readonly number[]): number | null {
  return percentile(values, 0.5)
}

function percentile(values: readonly number[], fraction: number): number | null {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)] ?? null
}
