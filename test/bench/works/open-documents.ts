/** Work d: many documents open at once, and the memory that they take. */
import path from 'node:path'
import { makeDocument, mergedBy, writeAll } from '../load/documents.ts'
import type { ResidentResult } from '../load/resident-load.ts'
import { load } from '../load/start-load.ts'
import { withDataFolder } from '../servers/start-server.ts'
import { own, type Work } from './work.ts'

const documentBytes = 100_000
/** Words that travel together, as when somebody comes back online. */
const wordsPerUpdate = 64
const timeoutMs = 300_000
const settleMs = 5_000

export const openDocuments: Work = {
  letter: 'd',
  title: 'Documents open at once',
  what: `One client in each. Memory beyond the connection: what the server's resident memory (RSS, as it is, no forced collection) grew by from as many empty documents to as many of ${documentBytes / 1000} KB, per document; \`written\` after they were written, \`opened\` in a server started anew that only opened them.`,
  columns: [
    { key: 'written', title: 'KB/document, written', digits: 0 },
    { key: 'opened', title: 'KB/document, opened', digits: 0 },
    { key: 'emptyRss', title: 'RSS MB, empty', digits: 0 },
    { key: 'writtenRss', title: 'RSS MB, written', digits: 0 },
    { key: 'openedRss', title: 'RSS MB, opened', digits: 0 },
    { key: 'peakRss', title: 'RSS MB, highest', digits: 0 },
    { key: 'fillSeconds', title: 'writing s', digits: 1 },
    { key: 'openSeconds', title: 'opening s', digits: 1 },
  ],
  variants: ({ quick }) => [quick ? '200' : '1000'],
  takes: target => target.keeps,
  measure: (variant, target, { folder, nodeFlags }) =>
    withDataFolder(async dataFolder => {
      const rooms = Number(variant)
      const document = makeDocument({ bytes: documentBytes, seed: 11 })
      const updatesFile = path.join(folder, 'document')
      writeAll(updatesFile, mergedBy(document.updates, wordsPerUpdate))
      const job = {
        kind: 'resident',
        framing: target.framing,
        rooms,
        bytesMin: document.stateBytes / 2,
        settleMs,
      } as const
      let server = await target.start(dataFolder, nodeFlags)
      try {
        const { port, pid } = server
        const written = await load<ResidentResult>({ ...job, port, pid, updatesFile }, timeoutMs)
        await server.stop()
        server = await target.start(dataFolder, nodeFlags)
        const again = { port: server.port, pid: server.pid, updatesFile: null }
        const opened = await load<ResidentResult>({ ...job, ...again }, timeoutMs)
        const each = (rssMB: number) => ((rssMB - written.openMB) * 1024) / rooms
        return {
          values: {
            written: each(written.filledMB!),
            opened: each(opened.openMB),
            emptyRss: written.openMB,
            writtenRss: written.filledMB,
            openedRss: opened.openMB,
            peakRss: Math.max(written.peakMB, opened.peakMB),
            fillSeconds: written.fillSeconds,
            openSeconds: opened.openSeconds,
          },
          loadCores: 0,
        }
      } finally {
        await (nodeFlags.length > 0 ? server.stop() : server.kill())
      }
    }),
  goals: () => [
    {
      text: '1,000 documents that were written: KB each beyond the connection',
      variant: '1000',
      value: round => own(round, 'written'),
      bound: { atMost: 30 },
    },
    {
      text: '1,000 documents that were opened: KB each beyond the connection',
      variant: '1000',
      value: round => own(round, 'opened'),
      bound: { atMost: 30 },
    },
  ],
}
