/** Work a: one room in which many write and fifty more read. */
import type { CrowdResult } from '../load/crowd-load.ts'
import { load } from '../load/start-load.ts'
import { withDataFolder } from '../servers/start-server.ts'
import type { Target } from '../servers/targets.ts'
import { crowdColumns, crowdValues } from './crowd-values.ts'
import { against, type Goal, type Measured, own, type Work, type WorkContext } from './work.ts'

const readers = 50
const editsPerSecond = 10
const timeoutMs = 120_000
/** Writers, each step about a third more; the search halves this list. */
const ladder = [40, 60, 80, 110, 150, 200, 280, 380, 480, 600, 720, 850, 1000, 1200, 1450, 1750]
const p99MsMax = 250
const deliveredShareMin = 0.98
const search = 'most'

const everybodyElse: readonly Measured[] = ['ws-relay', 'hocuspocus', 'y-websocket']
const peers: readonly Measured[] = ['hocuspocus', 'y-websocket']

export const crowdedRoom: Work = {
  letter: 'a',
  title: 'One crowded room',
  what: `${readers} people read while others type, each ${editsPerSecond} times a second, eight letters at a time. A delivery is one edit seen by one other person. \`${search}\` is the largest room in which 99 % of all deliveries take at most ${p99MsMax} ms.`,
  columns: [{ key: 'writers', title: 'writers', digits: 0 }, ...crowdColumns],
  variants: ({ quick }) => (quick ? ['10', '100', '480'] : ['10', '100', '480', search]),
  takes: () => true,
  async measure(variant, target, context) {
    if (variant === search) return findMost(target, context)
    const result = await once(target, Number(variant), context)
    return { values: { writers: Number(variant), ...crowdValues(result) }, loadCores: result.loadCores }
  },
  goals: ({ flushMs }) => [
    ...(['syncline-hocuspocus', 'syncline-mixed'] as const).map(
      (ours): Goal => ({
        text: `480 writers, ${ours === 'syncline-mixed' ? 'both framings in the room' : 'Hocuspocus framing'}: server CPU per delivered edit, of the best of relay and peers`,
        variant: '480',
        value: round => against(round, 'cpuDelivery', everybodyElse, 'least', ours),
        bound: { atMost: 1 / 3 },
      }),
    ),
    ...['100', '480'].map(
      (variant): Goal => ({
        text: `${variant} writers: server CPU per delivered edit, of the best of relay and peers`,
        variant,
        value: round => against(round, 'cpuDelivery', everybodyElse),
        bound: { atMost: 1 / 3 },
      }),
    ),
    {
      text: '10 writers: server CPU per delivered edit, of the relay',
      variant: '10',
      value: round => against(round, 'cpuDelivery', ['ws-relay']),
      bound: { atMost: 1 },
    },
    {
      text: `10 writers: p50 above the relay's, in ms (one disk flush is ${flushMs.toFixed(2)} ms)`,
      variant: '10',
      value: round => difference(own(round, 'p50'), round.get('ws-relay')?.p50 ?? null),
      bound: { atMost: flushMs },
    },
    {
      text: '480 writers: p99 in ms',
      variant: '480',
      value: round => own(round, 'p99'),
      bound: { atMost: 25 },
    },
    {
      text: `deliveries per second at p99 ≤ ${p99MsMax} ms, of the best peer`,
      variant: search,
      value: round => against(round, 'delivered', peers, 'most'),
      bound: { atLeast: 3 },
    },
  ],
}

function difference(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a - b
}

function once(
  target: Target,
  writers: number,
  { quick, nodeFlags }: WorkContext,
  shorter = false,
): Promise<CrowdResult> {
  return withDataFolder(async folder => {
    const server = await target.start(folder, nodeFlags)
    try {
      // Few people use little: a longer look makes the processor time exact enough.
      const measureMs = quick || shorter ? 2_000 : writers < 50 ? 6_000 : 4_000
      return await load<CrowdResult>(
        {
          kind: 'crowd',
          port: server.port,
          pid: server.pid,
          framing: target.framing,
          activity: 'typing',
          rooms: 1,
          writersPerRoom: writers,
          readersPerRoom: readers,
          perSecond: editsPerSecond,
          warmUpMs: 1_500,
          measureMs,
          drainMsMax: 1_500,
        },
        timeoutMs,
      )
    } finally {
      await (nodeFlags.length > 0 ? server.stop() : server.kill())
    }
  })
}

async function findMost(target: Target, context: WorkContext): ReturnType<Work['measure']> {
  let best: { writers: number; result: CrowdResult } | null = null
  let low = 0
  let high = ladder.length
  while (low < high) {
    const middle = (low + high) >> 1
    const writers = ladder[middle]!
    const result = await once(target, writers, context, true).catch(() => null)
    const holds =
      result !== null &&
      result.closed === 0 &&
      result.deliveredShare >= deliveredShareMin &&
      (result.p99 ?? Number.POSITIVE_INFINITY) <= p99MsMax
    if (holds) {
      best = { writers, result }
      low = middle + 1
    } else high = middle
  }
  if (best === null) return { values: { writers: 0, delivered: 0 }, loadCores: 0 }
  return {
    values: { writers: best.writers, ...crowdValues(best.result) },
    loadCores: best.result.loadCores,
  }
}
