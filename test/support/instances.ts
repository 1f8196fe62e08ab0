/**
 * Several server processes on one Redis, and the look afterwards: whether everybody has the same document, at every instance and in
 * the store, and whether anything is missing that somebody was shown or told is saved.
 */
import { readStoredDocument } from '@syncline/server/internal/api/stored-document'
import { loadDocument } from '@syncline/server/internal/content/load-document'
import { systemClock } from '@syncline/server/internal/foundation/clock'
import { parseRedisUrl } from '@syncline/server/internal/foundation/redis-url'
import { openRedisLog } from '@syncline/server/internal/store/redis-log'
import type { UpdateLog } from '@syncline/server/internal/store/update-log'
import { type Doc, encodeStateAsUpdate } from 'yjs'
import type { Loss } from './evidence.ts'
import { joinFresh } from './fresh-client.ts'
import { type ServerOptions, type ServerProcess, startServer } from './server-process.ts'
import { areEqual, type TypingCrowd } from './typing-crowd.ts'
import { waitUntil } from './wait-until.ts'

/** Of the log that a test reads by itself. */
const instance = '00000000000000fe'
const graceMs = 2_000

export interface Instances extends AsyncDisposable {
  readonly servers: readonly ServerProcess[]
  readonly wsUrls: readonly string[]
}

/** Starts a server for each URL of Redis. */
export async function startInstances(
  redisUrls: readonly string[],
  options: ServerOptions = {},
): Promise<Instances> {
  const start = (url: string) => startServer({ ...options, env: { ...options.env, SYNCLINE_REDIS_URL: url } })
  const servers = await Promise.all(redisUrls.map(start))
  return {
    servers,
    wsUrls: servers.map(({ wsUrl }) => wsUrl),
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map(server => server[Symbol.asyncDispose]()))
    },
  }
}

/** Opens the log in Redis past all servers, for the time of some work. */
export async function withLog<T>(redisUrl: string, work: (log: UpdateLog) => Promise<T>): Promise<T> {
  const target = parseRedisUrl(redisUrl)!
  const log = await openRedisLog({ target, clock: systemClock, instance, graceMs })
  try {
    return await work(log)
  } finally {
    await log.close()
  }
}

/** A document as it is stored. Throws where anything of it is damaged or cannot be loaded. */
export async function loadStored(log: UpdateLog, document: string): Promise<Doc> {
  const { pieces, entries } = await readStoredDocument(log, document, ({ place, problem }) => {
    throw new Error(`${place} ${problem}`)
  })
  const loaded = loadDocument({ pieces: pieces.map(piece => piece!), entries })
  if (!loaded.ok) throw new Error(`${loaded.place}: ${loaded.reason}`)
  return loaded.document
}

/** `at` is the server at which a newcomer lacks it. */
export interface LossAt extends Loss {
  readonly at: string
}

/**
 * Resolves when all in a crowd and the store have the same, and the store has everything that anybody was shown or told is saved; gives
 * what of that a newcomer at any of the servers lacks then. Nothing may be typed any more.
 */
export async function whenSettled(
  crowd: TypingCrowd,
  redisUrl: string,
  servers: readonly ServerProcess[],
): Promise<LossAt[]> {
  return withLog(redisUrl, async log => {
    for (const evidence of crowd.evidence) {
      // Clients that read the same may still differ in deletions that nobody sees, so both are asked for.
      let lost: Loss[] = []
      const isStored = async () => {
        const stored = await loadStored(log, evidence.document)
        lost = evidence.lostFrom(encodeStateAsUpdate(stored))
        return lost.length === 0 && areEqual([...crowd.docsOf(evidence), stored])
      }
      const found = () => ({ lost, differing: crowd.differing, ends: crowd.ends })
      await waitUntil(`the store to have what everybody has of ${evidence.document}`, isStored, { found })
    }
    await crowd.whenConverged()
    const losses: LossAt[] = []
    for (const evidence of crowd.evidence) {
      for (const { wsUrl } of servers) {
        const { state } = await joinFresh(wsUrl, evidence.document)
        losses.push(...evidence.lostFrom(state).map(loss => ({ at: wsUrl, ...loss })))
      }
    }
    return losses
  })
}
