import { Cluster } from 'ioredis'
import type { RedisConnection } from './redis-connection.ts'

/**
 * Asks a Redis what "saved" means there, and whether documents are safe in it.
 *
 * A managed Redis may forbid some of the questions: what it does not tell is not held against it, and is said.
 */
export interface Suitability {
  /** Why documents must not be kept there, as one sentence, or null. */
  readonly objection: string | null
  /** As in `UpdateLog`. */
  readonly savedMeans: string
}

/** What one server tells of itself. Empty where it does not. */
interface ServerFacts {
  readonly version: string
  readonly evictionPolicy: string
  /** `no` without an append-only file, else its `appendfsync`, else `unknown`. */
  readonly fsync: string
}

/** The first with sharded publish and subscribe. */
const versionMajorMin = 7
export const savedMeansUnknown = 'in Redis, which has not told yet whether it writes to a disk'

/** From the safest to the least safe: of a Cluster the least safe master counts. */
const meanings: readonly (readonly [fsync: string, savedMeans: string])[] = [
  ['always', 'in Redis with appendfsync always: on the disk of its host'],
  ['everysec', 'in Redis with appendfsync everysec: a crash of its host may lose up to two seconds'],
  ['no', 'in Redis with appendfsync no: a crash of its host loses what its system had not written yet'],
  ['unknown', 'in Redis, which does not tell whether it writes to a disk'],
  ['memory', 'in Redis without an append-only file: a restart of it loses what its last snapshot lacks'],
]

/** Rejects where Redis does not answer. */
export async function askSuitability(connection: RedisConnection): Promise<Suitability> {
  const servers = connection instanceof Cluster ? connection.nodes('master') : [connection]
  const facts = await Promise.all(servers.map(askServer))
  const ranks = facts.map(({ fsync }) => meanings.findIndex(([name]) => name === fsync))
  const objections = facts.map(objectionTo).filter(objection => objection !== null)
  return {
    objection: objections[0] ?? null,
    savedMeans: meanings[Math.max(...ranks)]?.[1] ?? savedMeansUnknown,
  }
}

async function askServer(server: Exclude<RedisConnection, Cluster>): Promise<ServerFacts> {
  const [info, config] = await Promise.all([
    server.info().then(parseInfo, emptyIfForbidden),
    server.call('CONFIG', 'GET', 'append*').then(parsePairs, emptyIfForbidden),
  ])
  const appendOnly = config.get('appendonly') ?? (info.get('aof_enabled') === '1' ? 'yes' : undefined)
  const isAppendOnly = appendOnly === 'yes' || info.get('aof_enabled') === '1'
  const isMemory = appendOnly === 'no' || info.get('aof_enabled') === '0'
  return {
    version: info.get('redis_version') ?? '',
    evictionPolicy: info.get('maxmemory_policy') ?? '',
    fsync: isAppendOnly ? (config.get('appendfsync') ?? 'unknown') : isMemory ? 'memory' : 'unknown',
  }
}

function objectionTo({ version, evictionPolicy }: ServerFacts): string | null {
  if (version !== '' && Number.parseInt(version, 10) < versionMajorMin)
    return `this is Redis ${version}, and ${versionMajorMin} or newer is needed`
  // volatile-* too: bases that are being written and leases expire, and documents must not depend on which keys those are.
  if (evictionPolicy !== '' && evictionPolicy !== 'noeviction')
    return `its maxmemory-policy is ${evictionPolicy}, which drops documents when memory is short; it must be noeviction`
  return null
}

/** The lines `name:value` of INFO. */
function parseInfo(text: string): Map<string, string> {
  const lines = text.split('\r\n').map(line => line.split(':'))
  return new Map(lines.map(([name = '', ...value]) => [name, value.join(':')]))
}

function parsePairs(reply: unknown): Map<string, string> {
  const flat = Array.isArray(reply) ? reply.map(String) : []
  return new Map(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1] ?? '']] : [])))
}

function emptyIfForbidden(error: Error): Map<string, string> {
  if (/^(NOPERM|ERR)\b/.test(error.message)) return new Map()
  throw error
}
