/**
 * Joining a large document: filling it, looking at one join, storms of joins, and a probe that types in another room
 * meanwhile, in a process of its own.
 */
import { setTimeout } from 'node:timers/promises'
import { Crowd, typing } from './crowd.ts'
import { readAll, textOf, writeAll } from './documents.ts'
import { type FramingName, framingsOf } from './framing.ts'
import { pace } from './pace.ts'
import { memoryOf, secondsBetween, usageOf } from './usage.ts'
import { Visitor } from './visitor.ts'

export const bigRoom = 'big'

export interface FillJob {
  readonly kind: 'fill'
  readonly port: number
  readonly framing: FramingName
  readonly updatesFile: string
  readonly text: string
}

export interface CaptureJob {
  readonly kind: 'capture'
  readonly port: number
  readonly framing: FramingName
  readonly text: string
  /** Gets the messages of one join. */
  readonly framesFile: string
}

export interface Captured {
  readonly bytes: number
  readonly messages: number
}

export interface StormJob {
  readonly kind: 'storm'
  readonly port: number
  readonly pid: number
  readonly framing: FramingName
  readonly clients: number
  readonly storms: number
  readonly beforeMs: number
  readonly betweenMs: number
  /** Somebody has the document open all the time. */
  readonly keepOpen: boolean
  /** A join that brought less is not finished: some say that they are synced before they have loaded. */
  readonly bytesMin: number
}

export interface Storm {
  /** On the machine's clock, as `timeOrigin + now()`. */
  readonly fromMs: number
  readonly toMs: number
  readonly allMs: number
  readonly serverSeconds: number
  readonly loadSeconds: number
  readonly bytesEach: number
}

export interface ProbeJob {
  readonly kind: 'probe'
  readonly port: number
  readonly framing: FramingName
  readonly forMs: number
}

/** When it was sent, on the machine's clock, and how long it took. */
export type ProbeSample = readonly [sentMs: number, latencyMs: number]

const checksMax = 40
const checkEveryMs = 250
const probePerSecond = 250
const quietMs = 300

/** Resolves when a newcomer gets the whole text. */
export async function fill({ port, framing, updatesFile, text }: FillJob): Promise<null> {
  const author = await new Visitor(bigRoom, framing).connect(port)
  author.open()
  await author.whenSynced(1)
  await author.write(readAll(updatesFile))
  author.askAgain()
  await author.whenSynced(2)
  for (let checks = 1; ; checks++) {
    const reader = await new Visitor(bigRoom, framing, { keeps: true }).connect(port)
    reader.open()
    await reader.whenSynced(1)
    await setTimeout(checkEveryMs)
    reader.socket.destroy()
    if (textOf(reader.updates) === text) break
    if (checks === checksMax) throw new Error('a newcomer does not get the text that was written')
  }
  author.socket.destroy()
  return null
}

export async function capture({ port, framing, text, framesFile }: CaptureJob): Promise<Captured> {
  const reader = await new Visitor(bigRoom, framing, { keeps: true }).connect(port)
  reader.open()
  await reader.whenSynced(1)
  // Some say that the client is synced first and send the document later.
  for (let checks = 1; textOf(reader.updates) !== text; checks++) {
    if (checks === checksMax) throw new Error('a join brings another text than was written')
    await setTimeout(checkEveryMs)
  }
  await setTimeout(quietMs)
  reader.socket.destroy()
  writeAll(framesFile, reader.messages)
  return { bytes: reader.bytes, messages: reader.messages.length }
}

export async function storm(job: StormJob): Promise<{ storms: Storm[]; rssMB: number; peakMB: number }> {
  const storms: Storm[] = []
  const resident = job.keepOpen ? await join(job) : null
  await setTimeout(job.beforeMs)
  for (let i = 0; i < job.storms; i++) {
    storms.push(await oneStorm(job))
    await setTimeout(job.betweenMs)
  }
  resident?.socket.destroy()
  return { storms, ...memoryOf(job.pid) }
}

async function oneStorm(job: StormJob): Promise<Storm> {
  const { pid, clients } = job
  const before = { server: usageOf(pid), own: usageOf(process.pid) }
  const visitors = await Promise.all(Array.from({ length: clients }, () => join(job)))
  const after = { server: usageOf(pid), own: usageOf(process.pid) }
  for (const { socket } of visitors) socket.destroy()
  return {
    fromMs: before.server.atMs,
    toMs: after.server.atMs,
    allMs: after.server.atMs - before.server.atMs,
    serverSeconds: secondsBetween(before.server, after.server),
    loadSeconds: secondsBetween(before.own, after.own),
    bytesEach: visitors.reduce((sum, { bytes }) => sum + bytes, 0) / clients,
  }
}

async function join({ port, framing, bytesMin }: StormJob): Promise<Visitor> {
  // A relay's opening is empty, and the pusher waits for a word.
  const visitor = await new Visitor(bigRoom, framing === 'relay' ? 'y-websocket' : framing).connect(port)
  visitor.open()
  await visitor.whenSynced(1, bytesMin)
  return visitor
}

export async function probe({ port, framing, forMs }: ProbeJob): Promise<ProbeSample[]> {
  const samples: ProbeSample[] = []
  const crowd = new Crowd({
    port,
    framings: framingsOf(framing),
    activity: typing,
    rooms: 1,
    writersPerRoom: 1,
    readersPerRoom: 1,
    editsMax: Math.ceil((forMs / 1000) * probePerSecond) + 10,
    latencyEvery: 1,
    onLatency: (sentMs, latencyMs) => samples.push([performance.timeOrigin + sentMs, latencyMs]),
  })
  await crowd.connect()
  crowd.measureFrom()
  const stop = pace(1, 1000 / probePerSecond, () => crowd.send(crowd.writers[0]!))
  await setTimeout(forMs)
  stop()
  await setTimeout(quietMs)
  crowd.close()
  return samples
}
