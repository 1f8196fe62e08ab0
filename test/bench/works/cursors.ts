/** Work e: many people in one room who move their cursors and type nothing. */
import type { CrowdResult } from '../load/crowd-load.ts'
import { load } from '../load/start-load.ts'
import { withDataFolder } from '../servers/start-server.ts'
import { crowdColumns, crowdValues } from './crowd-values.ts'
import { own, type Work } from './work.ts'

const movesPerSecond = 5
const timeoutMs = 60_000

export const cursors: Work = {
  letter: 'e',
  title: 'Cursors',
  what: `Everybody moves the cursor ${movesPerSecond} times a second (awareness states of some 240 bytes). A move is delivered when that state, or a newer one of the same person, is seen.`,
  columns: crowdColumns,
  variants: () => ['200'],
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
            activity: 'cursors',
            rooms: 1,
            writersPerRoom: Number(variant),
            readersPerRoom: 0,
            perSecond: movesPerSecond,
            warmUpMs: 1_500,
            measureMs: quick ? 2_000 : 5_000,
            drainMsMax: 2_000,
          },
          timeoutMs,
        )
        return { values: crowdValues(result), loadCores: result.loadCores }
      } finally {
        await (nodeFlags.length > 0 ? server.stop() : server.kill())
      }
    }),
  goals: () => [
    {
      text: '200 people: server cores',
      variant: '200',
      value: round => own(round, 'cores'),
      bound: { atMost: 0.25 },
    },
    {
      text: '200 people: p99 in ms',
      variant: '200',
      value: round => own(round, 'p99'),
      bound: { atMost: 40 },
    },
  ],
}
