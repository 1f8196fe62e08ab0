/** Work f: a reader that stops reading while much is written. */
import { load } from '../load/start-load.ts'
import type { StoppedReaderResult } from '../load/stopped-reader-load.ts'
import { withDataFolder } from '../servers/start-server.ts'
import { own, type Round, type Work } from './work.ts'

const timeoutMs = 150_000

export const stoppedReaderWork: Work = {
  letter: 'f',
  title: 'A reader that stops reading',
  what: 'Ten people write a megabyte a second in one room (10 KB at a time, each in place of the last), ten read; after eight seconds one of the readers reads no more, and says nothing.',
  columns: [
    { key: 'rss0', title: 'RSS MB at the stop', digits: 0 },
    { key: 'rss10', title: 'after 10 s', digits: 0 },
    { key: 'rss60', title: 'after 60 s', digits: 0 },
    { key: 'peak', title: 'highest', digits: 0 },
    { key: 'before', title: "others' p99 ms before", digits: 2 },
    { key: 'after', title: "others' p99 ms after", digits: 2 },
    { key: 'closed', title: 'reader closed after s', digits: 1 },
    { key: 'share', title: 'arrived at the others', digits: 3 },
    { key: 'cores', title: 'server cores', digits: 3 },
  ],
  variants: () => ['1 MB/s'],
  takes: target => target.keeps,
  measure: (_variant, target, { quick, nodeFlags }) =>
    withDataFolder(async folder => {
      const server = await target.start(folder, nodeFlags)
      try {
        const result = await load<StoppedReaderResult>(
          {
            kind: 'stopped-reader',
            port: server.port,
            pid: server.pid,
            framing: target.framing,
            writers: 10,
            readers: 10,
            perSecond: 10,
            controlMs: quick ? 3_000 : 8_000,
            rssAtSeconds: quick ? [4, 10] : [10, 60],
          },
          timeoutMs,
        )
        return {
          values: {
            rss0: result.rssAtStopMB,
            rss10: result.rssMB[0]!,
            rss60: result.rssMB[1]!,
            peak: result.peakMB,
            before: result.controlP99,
            after: result.stoppedP99,
            closed: result.closedAfterSeconds,
            share: result.deliveredShare,
            cores: result.serverCores,
          },
          loadCores: result.loadCores,
        }
      } finally {
        await (nodeFlags.length > 0 ? server.stop() : server.kill())
      }
    }),
  goals: () => [
    {
      text: 'RSS after 60 s, of that after 10 s',
      variant: '1 MB/s',
      value: round => ratio(round, 'rss60', 'rss10'),
      bound: { atMost: 1.3 },
    },
    {
      text: "the others' p99, of theirs before",
      variant: '1 MB/s',
      value: round => ratio(round, 'after', 'before'),
      bound: { atMost: 1.2 },
    },
  ],
}

function ratio(round: Round, key: string, to: string): number | null {
  const a = own(round, key)
  const b = own(round, to)
  return a === null || b === null ? null : a / b
}
