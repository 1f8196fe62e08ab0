/** Work b: many rooms of three people, the ordinary day of a server. */
import type { CrowdResult } from '../load/crowd-load.ts'
import { load } from '../load/start-load.ts'
import { withDataFolder } from '../servers/start-server.ts'
import { crowdColumns, crowdValues } from './crowd-values.ts'
import { against, type Goal, own, type Work } from './work.ts'

const peopleEach = 3
const editsPerSecond = 2
const timeoutMs = 180_000

export const manyRooms: Work = {
  letter: 'b',
  title: 'Many rooms of three',
  what: `Everybody types ${editsPerSecond} times a second. Syncline has every edit flushed to disk before anybody sees it; y-websocket writes without flushing, Hocuspocus seconds later (the measurement is long enough to hold its first wave of stores), the relay not at all.`,
  columns: crowdColumns,
  variants: ({ quick }) => (quick ? ['500'] : ['500', '2000']),
  takes: () => true,
  measure: (variant, target, { quick, nodeFlags }) =>
    withDataFolder(async folder => {
      const server = await target.start(folder, nodeFlags)
      try {
        const result = await load<CrowdResult>(
          {
            kind: 'crowd',
            port: server.port,
            pid: server.pid,
            framing: target.framing,
            activity: 'typing',
            rooms: Number(variant),
            writersPerRoom: peopleEach,
            readersPerRoom: 0,
            perSecond: editsPerSecond,
            warmUpMs: 2_000,
            // Hocuspocus stores ten seconds after the first edit.
            measureMs: quick ? 3_000 : 11_000,
            drainMsMax: 2_000,
          },
          timeoutMs,
        )
        return { values: crowdValues(result), loadCores: result.loadCores }
      } finally {
        await (nodeFlags.length > 0 ? server.stop() : server.kill())
      }
    }),
  goals: () =>
    ['500', '2000'].flatMap((variant): Goal[] => [
      {
        text: `${variant} rooms: server CPU per edit, of the relay`,
        variant,
        value: round => against(round, 'cpuEdit', ['ws-relay']),
        bound: { atMost: 2 },
      },
      {
        text: `${variant} rooms: server CPU per edit, of the better peer that keeps documents`,
        variant,
        value: round => against(round, 'cpuEdit', ['hocuspocus', 'y-websocket']),
        bound: { atMost: 0.6 },
      },
      {
        text: `${variant} rooms: p99 in ms`,
        variant,
        value: round => own(round, 'p99'),
        bound: { atMost: 5 },
      },
    ]),
}
