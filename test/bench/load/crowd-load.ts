/**
 * One run of a crowd against a server: everybody connects, warms up, sends for a while, and what the server used in that
 * while is set against what was delivered in it.
 */
import { setTimeout } from 'node:timers/promises'
import { Crowd, movingCursors, typing } from './crowd.ts'
import { type FramingName, framingsOf } from './framing.ts'
import { pace } from './pace.ts'
import { mainSecondsBetween, memoryOf, secondsBetween, usageOf } from './usage.ts'

export interface CrowdJob {
  readonly kind: 'crowd'
  readonly port: number
  readonly pid: number
  /** Another instance, to which half of each room speaks, and the Redis of both: what they use counts too. */
  readonly second?: { readonly port: number; readonly pid: number; readonly redisPid: number }
  readonly framing: FramingName
  readonly activity: 'typing' | 'cursors'
  readonly rooms: number
  readonly writersPerRoom: number
  readonly readersPerRoom: number
  readonly perSecond: number
  readonly warmUpMs: number
  readonly measureMs: number
  /** How long it is waited for what was sent and has not come. */
  readonly drainMsMax: number
}

export interface CrowdResult {
  /** Of what was sent while it was measured. */
  readonly sent: number
  readonly expected: number
  readonly deliveredShare: number
  readonly p50: number | null
  readonly p99: number | null
  /** Between people on two instances; the ones above are of people on the same. */
  readonly crossP50: number | null
  readonly crossP99: number | null
  readonly max: number
  /** While it was measured. */
  readonly sentPerSecond: number
  readonly deliveredPerSecond: number
  readonly framesPerSecond: number
  readonly bytesPerDelivery: number
  readonly serverCores: number
  readonly redisCores: number
  readonly mainThreadCores: number
  readonly serverMicrosPerDelivery: number
  readonly serverMicrosPerEdit: number
  readonly loadCores: number
  /** What neither the server nor the generator used: other work on this machine. */
  readonly otherCores: number
  readonly rssMB: number
  readonly peakMB: number
  readonly closed: number
}

/** Above this many people, latencies are taken at every fourth: the others get the same frames in the same turn. */
const sampleFromPeople = 300
const pollMs = 20

export async function runCrowd(job: CrowdJob): Promise<CrowdResult> {
  const { rooms, writersPerRoom, readersPerRoom, perSecond, warmUpMs, measureMs } = job
  const people = rooms * (writersPerRoom + readersPerRoom)
  const crowd = new Crowd({
    port: job.port,
    secondPort: job.second?.port,
    framings: framingsOf(job.framing),
    activity: job.activity === 'typing' ? typing : movingCursors,
    rooms,
    writersPerRoom,
    readersPerRoom,
    editsMax: Math.ceil(((warmUpMs + measureMs) / 1000) * perSecond) + 10,
    latencyEvery: rooms === 1 && people > sampleFromPeople ? 4 : 1,
  })
  await crowd.connect()
  const stopSending = pace(crowd.writers.length, 1000 / perSecond, i => crowd.send(crowd.writers[i]!))
  await setTimeout(warmUpMs)

  const pids = job.second === undefined ? [job.pid] : [job.pid, job.second.pid, job.second.redisPid]
  const counted = () => ({
    servers: pids.map(usageOf),
    own: usageOf(process.pid),
    delivered: crowd.delivered,
    frames: crowd.frames,
    bytes: crowd.bytes,
  })
  crowd.measureFrom()
  const before = counted()
  await setTimeout(measureMs)
  crowd.measureUntil()
  const after = counted()
  stopSending()

  const expected = crowd.sentInTime * (writersPerRoom + readersPerRoom - 1)
  const deadline = performance.now() + job.drainMsMax
  while (crowd.deliveredInTime < expected && performance.now() < deadline) await setTimeout(pollMs)

  const seconds = (after.own.atMs - before.own.atMs) / 1000
  const processSeconds = pids.map((_, i) => secondsBetween(before.servers[i]!, after.servers[i]!))
  const serverSeconds = sum(processSeconds)
  const ownSeconds = secondsBetween(before.own, after.own)
  const machineSeconds = after.own.machineSeconds - before.own.machineSeconds
  const delivered = after.delivered - before.delivered
  const { latencies, crossLatencies } = crowd
  const memory = pids.map(memoryOf)
  const result = {
    sent: crowd.sentInTime,
    expected,
    deliveredShare: crowd.deliveredInTime / expected,
    p50: latencies.percentile(0.5),
    p99: latencies.percentile(0.99),
    crossP50: crossLatencies.percentile(0.5),
    crossP99: crossLatencies.percentile(0.99),
    max: latencies.max,
    sentPerSecond: crowd.sentInTime / seconds,
    deliveredPerSecond: delivered / seconds,
    framesPerSecond: (after.frames - before.frames) / seconds,
    bytesPerDelivery: (after.bytes - before.bytes) / delivered,
    serverCores: serverSeconds / seconds,
    redisCores: (processSeconds[2] ?? 0) / seconds,
    mainThreadCores:
      sum(pids.slice(0, 2).map((pid, i) => mainSecondsBetween(pid, before.servers[i]!, after.servers[i]!))) /
      seconds,
    serverMicrosPerDelivery: (serverSeconds * 1e6) / delivered,
    serverMicrosPerEdit: (serverSeconds * 1e6) / crowd.sentInTime,
    loadCores: ownSeconds / seconds,
    // The machine counts in ticks, by sampling: a little less than nothing is nothing.
    otherCores: Math.max(0, machineSeconds - serverSeconds - ownSeconds) / seconds,
    rssMB: sum(memory.map(({ rssMB }) => rssMB)),
    peakMB: sum(memory.map(({ peakMB }) => peakMB)),
    closed: crowd.closed,
  }
  crowd.close()
  return result
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
