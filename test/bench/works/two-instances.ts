/** Work g: two instances of a server that share a Redis, and rooms of which half is on each. */
import type { CrowdResult } from '../load/crowd-load.ts'
import { load } from '../load/start-load.ts'
import { startRedis } from '../servers/redis.ts'
import { withDataFolder } from '../servers/start-server.ts'
import type { Target } from '../servers/targets.ts'
import { crowdColumns, crowdValues } from './crowd-values.ts'
import { against, type Column, type Goal, own, type Work } from './work.ts'

const updatesPerSecond = 1_000
/** By how many rooms there are: people in each, all of whom type. */
const peopleEach: Readonly<Record<string, number>> = { '200': 4, '1': 100 }
const timeoutMs = 120_000
const peer = 'hocuspocus'

export const twoInstances: Work = {
  letter: 'g',
  title: 'Two instances on one Redis',
  what: `${updatesPerSecond.toLocaleString('en')} updates a second are written, in 200 rooms of four people or in one room of a hundred; half of each room is on each instance. redis-server is one for both and flushes its append-only file every second. Syncline has every edit there before anybody sees it; Hocuspocus has no database here, so it only publishes there, and keeps documents in memory. \`p50\` and \`p99\` are between people on the same instance, \`cross\` between people on different ones. Server time is that of both instances and Redis together.`,
  columns: [
    ...pick('share', 'p50', 'p99'),
    { key: 'crossP50', title: 'cross p50 ms', digits: 2, ratioTo: peer },
    { key: 'crossP99', title: 'cross p99 ms', digits: 2, ratioTo: peer },
    { key: 'cpuEdit', title: 'server µs/edit', digits: 0, ratioTo: peer },
    { key: 'redisShare', title: 'of it Redis', digits: 2 },
    ...pick('cores', 'mainCores', 'frames', 'rss', 'loadCores', 'otherCores'),
  ],
  variants: () => ['200', '1'],
  takes: target => target.startOnRedis !== undefined,
  measure: (variant, target, { quick, nodeFlags }) =>
    withDataFolder(folder =>
      withTwo(target, { folder, nodeFlags }, async where => {
        const result = await load<CrowdResult>(
          {
            kind: 'crowd',
            ...where,
            framing: target.framing,
            activity: 'typing',
            rooms: Number(variant),
            writersPerRoom: peopleEach[variant]!,
            readersPerRoom: 0,
            perSecond: updatesPerSecond / (Number(variant) * peopleEach[variant]!),
            warmUpMs: 3_000,
            measureMs: quick ? 3_000 : 10_000,
            drainMsMax: 2_000,
          },
          timeoutMs,
        )
        const { crossP50, crossP99, redisCores, serverCores, loadCores } = result
        const values = { ...crowdValues(result), crossP50, crossP99, redisShare: redisCores / serverCores }
        return { values, loadCores }
      }),
    ),
  goals: () =>
    ['200', '1'].flatMap((variant): Goal[] => [
      {
        text: `${roomsOf(variant)}: p99 between instances above that on one, in ms`,
        variant,
        value: round => beyond(own(round, 'crossP99'), own(round, 'p99')),
        bound: { atMost: 2 },
      },
      {
        text: `${roomsOf(variant)}: server CPU per edit of both instances and Redis, of the peer's`,
        variant,
        value: round => against(round, 'cpuEdit', [peer]),
        bound: { atMost: 1 / 3 },
      },
    ]),
}

type Where = {
  readonly port: number
  readonly pid: number
  readonly second: { readonly port: number; readonly pid: number; readonly redisPid: number }
}

/** With two instances on an empty Redis, ended again whatever happens; profiled ones have the time to write. */
async function withTwo<Result>(
  target: Target,
  { folder, nodeFlags }: { readonly folder: string; readonly nodeFlags: readonly string[] },
  use: (where: Where) => Promise<Result>,
): Promise<Result> {
  const redis = await startRedis(folder)
  const ends: (() => Promise<void>)[] = []
  const start = async () => {
    const server = await target.startOnRedis!(redis.port, nodeFlags)
    ends.push(nodeFlags.length > 0 ? server.stop : server.kill)
    return server
  }
  try {
    const { port, pid } = await start()
    const second = await start()
    return await use({ port, pid, second: { port: second.port, pid: second.pid, redisPid: redis.pid } })
  } finally {
    await Promise.all(ends.map(end => end()))
    await redis.kill()
  }
}

function pick(...keys: readonly string[]): Column[] {
  return crowdColumns.filter(({ key }) => keys.includes(key)).map(({ ratioTo: _, ...column }) => column)
}

function roomsOf(variant: string): string {
  return variant === '1' ? '1 room' : `${variant} rooms`
}

function beyond(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a - b
}
