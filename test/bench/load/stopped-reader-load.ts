/**
 * A megabyte a second is written in one room while one of its readers stops reading: what that costs the server in memory
 * and the other readers in time.
 */
import { setTimeout } from 'node:timers/promises'
import { Crowd, replacing } from './crowd.ts'
import { type FramingName, framingsOf } from './framing.ts'
import { pace } from './pace.ts'
import { isHeldByServer, memoryOf, secondsBetween, usageOf } from './usage.ts'

export interface StoppedReaderJob {
  readonly kind: 'stopped-reader'
  readonly port: number
  readonly pid: number
  readonly framing: FramingName
  readonly writers: number
  readonly readers: number
  readonly perSecond: number
  /** With everybody reading, before. */
  readonly controlMs: number
  /** Seconds after the stop at which memory is taken; the last one ends it. */
  readonly rssAtSeconds: readonly number[]
}

export interface StoppedReaderResult {
  readonly controlP99: number | null
  readonly stoppedP99: number | null
  readonly rssAtStopMB: number
  readonly rssMB: readonly number[]
  readonly peakMB: number
  readonly serverCores: number
  readonly loadCores: number
  /** When the server let go of the reader's socket, in seconds after the stop; null if it did not. */
  readonly closedAfterSeconds: number | null
  readonly deliveredShare: number
}

const warmUpMs = 2_000
const drainMs = 1_000
const lookEveryMs = 250

export async function stoppedReader(job: StoppedReaderJob): Promise<StoppedReaderResult> {
  const { port, pid, framing, writers, readers, perSecond, controlMs, rssAtSeconds } = job
  const stoppedMs = rssAtSeconds.at(-1)! * 1000
  const crowd = new Crowd({
    port,
    framings: framingsOf(framing),
    activity: replacing,
    rooms: 1,
    writersPerRoom: writers,
    readersPerRoom: readers,
    editsMax: Math.ceil(((warmUpMs + controlMs + stoppedMs) / 1000) * perSecond) + 20,
    latencyEvery: 1,
  })
  await crowd.connect()
  const stopSending = pace(crowd.writers.length, 1000 / perSecond, i => crowd.send(crowd.writers[i]!))
  await setTimeout(warmUpMs)
  crowd.measureFrom()
  await setTimeout(controlMs)
  const controlP99 = crowd.latencies.percentile(0.99)

  const slow = crowd.people.at(-1)!
  slow.takesLatency = false
  slow.socket.pause()
  crowd.measureFrom()
  const startedMs = performance.now()
  const before = { server: usageOf(pid), own: usageOf(process.pid) }
  const rssAtStopMB = memoryOf(pid).rssMB
  let closedAfterSeconds: number | null = null
  // A socket that is not read does not see its end, so the operating system is asked.
  const look = setInterval(() => {
    if (isHeldByServer(port, slow.socket.localPort)) return
    closedAfterSeconds = (performance.now() - startedMs) / 1000
    clearInterval(look)
  }, lookEveryMs)
  const rssMB: number[] = []
  for (const seconds of rssAtSeconds) {
    await setTimeout(startedMs + seconds * 1000 - performance.now())
    rssMB.push(memoryOf(pid).rssMB)
  }
  crowd.measureUntil()
  const after = { server: usageOf(pid), own: usageOf(process.pid) }
  stopSending()
  clearInterval(look)
  // Others than the author and the one who has stopped.
  const others = writers + readers - 2
  await setTimeout(drainMs)
  const elapsed = (after.server.atMs - before.server.atMs) / 1000
  const result = {
    controlP99,
    stoppedP99: crowd.latencies.percentile(0.99),
    rssAtStopMB,
    rssMB,
    peakMB: memoryOf(pid).peakMB,
    serverCores: secondsBetween(before.server, after.server) / elapsed,
    loadCores: secondsBetween(before.own, after.own) / elapsed,
    closedAfterSeconds,
    deliveredShare: crowd.deliveredInTime / (crowd.sentInTime * others),
  }
  crowd.close()
  return result
}
