import { type Revocation, readRevocation, targetOf } from '@syncline/shared/api/revocation'
import type { Clock } from '../foundation/clock.ts'
import { withDeadline } from '../foundation/deadline.ts'
import type { RedisTarget } from '../foundation/redis-url.ts'
import { draw8Bytes } from './random-bytes.ts'
import { connectRedis, type RedisConnection } from './redis-connection.ts'
import { revocationsKey } from './redis-keys.ts'

/**
 * Revocations in Redis, for all instances: one hash with a field for each target, and one that says which version it is.
 *
 * Each instance asks for the version every two seconds, and reads all where it is another one: a revocation counts everywhere
 * within five. Publish/subscribe would be faster and may lose one, so the asking could not be left out. The version is drawn
 * and not counted, since a Redis that lost its data would count to the same number again.
 */
interface Listener {
  changed(all: readonly Revocation[]): void
  away(reason: string): void
}

const pollIntervalMs = 2_000
/** Shorter than the pause between two, so that they do not pile up. */
const pollMsMax = 900
/** Two that fail one after the other make it away, before the five seconds are over. */
const awayAfterMs = 2_500
const requestMsMax = 5_000
/** Clocks of instances differ: one that has ended by this one's may still count by another's. */
const endedKeptMs = 60 * 60_000

const versionField = 'version'

/** KEYS: the hash. ARGV: target, since when, revocation, version. Sent twice it does the same. */
const addScript = `
local former = redis.call('HGET', KEYS[1], ARGV[1])
if former and cjson.decode(former).sinceMs > tonumber(ARGV[2]) then return end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3], '${versionField}', ARGV[4])
`

/** KEYS: the hash. ARGV: target and revocation, and again. A newer one of the same target stays. */
const sweepScript = `
for i = 1, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then redis.call('HDEL', KEYS[1], ARGV[i]) end
end
`
/** Removed at once: a script keeps everybody else waiting. */
const sweptMax = 1_000

export interface RedisRevocationsOptions {
  readonly target: RedisTarget
  readonly clock: Clock
}

/** Begins to connect and returns at once. */
export function openRedisRevocations({ target, clock }: RedisRevocationsOptions) {
  const listeners = new Set<Listener>()
  let trouble = 'nothing has come from it yet'
  let version: string | null | undefined
  let heardMs = clock.monotonic()
  const connection = connectRedis(target, {
    use: 'commands',
    onReady() {
      // It may have lost what it had: what is missing in it is found when everything is told.
      version = undefined
      void poll()
    },
    onTrouble(reason) {
      trouble = reason
    },
  })
  const stop = clock.every(pollIntervalMs, () => void poll())

  async function poll(): Promise<void> {
    const beginMs = clock.monotonic()
    try {
      await withDeadline({ clock, ms: pollMsMax }, async () => {
        expectConnection()
        if ((await connection.hget(revocationsKey, versionField)) !== version) await read()
      })
      heardMs = beginMs
    } catch (error) {
      if (clock.monotonic() - heardMs < awayAfterMs) return
      // When it is back, everything is read and told anew.
      version = undefined
      for (const listener of listeners) listener.away((error as Error).message)
    }
  }

  async function read(): Promise<readonly Revocation[]> {
    const { [versionField]: found = null, ...fields } = await connection.hgetall(revocationsKey)
    const all = Object.values(fields).map(parse)
    version = found
    for (const listener of listeners) listener.changed(all)
    sweep(connection, Object.entries(fields), clock.now() - endedKeptMs)
    return all
  }

  /** Without one, ioredis would gather what is asked until there is memory for no more. */
  function expectConnection(): void {
    if (connection.status !== 'ready') throw new Error(`there is no connection to Redis: ${trouble}`)
  }

  return {
    load: (): Promise<readonly Revocation[]> => withDeadline({ clock, ms: requestMsMax }, read),
    async add(revocation: Revocation): Promise<void> {
      const { sinceMs } = revocation
      const values = [targetOf(revocation), sinceMs, JSON.stringify(revocation), draw8Bytes().toString('hex')]
      try {
        expectConnection()
        await withDeadline({ clock, ms: requestMsMax }, () =>
          connection.eval(addScript, 1, revocationsKey, ...values),
        )
      } catch (error) {
        // The next reading tells everything, and so what is missing in it.
        version = undefined
        throw error
      }
    },
    watch(listener: Listener): () => void {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async close(): Promise<void> {
      stop()
      listeners.clear()
      connection.disconnect()
    },
  }
}

/** One that cannot be read is one that would not count: better nothing is known than that. */
function parse(text: string): Revocation {
  const revocation = readRevocation(JSON.parse(text))
  if (revocation === null) throw new Error('what Redis has as a revocation is none')
  return revocation
}

function sweep(
  connection: RedisConnection,
  fields: readonly (readonly [string, string])[],
  endedMs: number,
): void {
  const ended = fields.filter(([, text]) => parse(text).untilMs <= endedMs).slice(0, sweptMax)
  // Who reads next tries again.
  if (ended.length > 0) connection.eval(sweepScript, 1, revocationsKey, ...ended.flat()).catch(() => {})
}
