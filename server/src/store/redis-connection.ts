import type { EventEmitter } from 'node:events'
import { Cluster, Redis, type RedisOptions } from 'ioredis'
import type { RedisTarget } from '../foundation/redis-url.ts'

/**
 * Opens connections to Redis that come back by themselves, for as long as it takes.
 *
 * What is asked for while a connection is gone waits in it, and what had no reply is sent again, so everything that is sent
 * must be harmless when it is done twice. Who may wait how long is not decided here.
 */

export type RedisConnection = Redis | Cluster

export interface RedisConnectionOptions {
  /**
   * `commands` gathers what is asked for in one turn of the event loop into one write: of many a command then costs 4 µs
   * instead of 70. A subscriber hears as soon as it can, and can do nothing else.
   */
  readonly use: 'commands' | 'subscriber'
  /** Called whenever commands can be sent: at first, and after every interruption. */
  readonly onReady?: () => void
  /** Called whenever it was interrupted, or another try was in vain; `reason` is one sentence without credentials. */
  readonly onTrouble?: (reason: string) => void
}

const connectMsMax = 10_000
/**
 * A connection that has brought nothing for this long, though something was asked, is made anew: a host that vanished
 * says nothing, and TCP would wait for a quarter of an hour. Longer than a pause that somebody may want to sit out.
 */
const silentMsMax = 20_000
const backoffMsMin = 50
const backoffMsMax = 1_000
const slotsRefreshMs = 2_000
const lostReason = 'the connection was lost'

/** Begins to connect and returns at once. Whoever is done calls `disconnect()`. */
export function connectRedis(target: RedisTarget, options: RedisConnectionOptions): RedisConnection {
  const { onReady = () => {}, onTrouble = () => {} } = options
  const connection = target.kind === 'cluster' ? connectCluster(target, options) : connectOne(target, options)
  const events: EventEmitter = connection
  let reason = lostReason
  // Without a listener an error would end the process.
  events.on('error', (error: Error) => {
    reason = error.message
    onTrouble(reason)
  })
  events.on('close', () => onTrouble(reason))
  events.on('ready', () => {
    reason = lostReason
    onReady()
  })
  return connection
}

function connectOne(target: RedisTarget, options: RedisConnectionOptions): Redis {
  const { kind, addresses, masterName, database } = target
  const common = {
    ...commonOptions(target),
    db: database,
    // Who subscribes has to know when that is done, and ioredis would tell nobody, not even of failures.
    autoResubscribe: false,
    retryStrategy: backoffMs,
  }
  const Connection = options.use === 'commands' ? GatheringRedis : LastingRedis
  if (kind === 'single') return new Connection({ ...common, ...addresses[0]! })
  const connection = new Connection({
    ...common,
    sentinels: [...addresses],
    name: masterName,
    enableTLSForSentinelMode: target.tls,
    sentinelRetryStrategy: backoffMs,
    // Sentinels tell of a failover at once; without this it is noticed when the old master closes the connection.
    failoverDetector: true,
  })
  connection.on('end', () => connection.comeBack())
  return connection
}

/**
 * Comes back from everything but its own `disconnect()`. ioredis ends for good when it is interrupted while it asks Sentinels for
 * the master, and interrupts itself there when they tell of a failover.
 */
class LastingRedis extends Redis {
  #isDone = false

  override disconnect(reconnect = false): void {
    if (!reconnect) this.#isDone = true
    super.disconnect(reconnect)
  }

  /** To be called whenever it has ended. */
  comeBack(): void {
    if (!this.#isDone) this.connect().catch(() => {})
  }
}

/** By its socket. What ioredis has for this, and a Cluster needs, makes a pipeline of each turn and costs twice as much. */
class GatheringRedis extends LastingRedis {
  #gathering: Redis['stream'] | null = null

  override sendCommand(...command: Parameters<Redis['sendCommand']>): unknown {
    if (this.#gathering === null && this.status === 'ready') {
      const { stream } = this
      this.#gathering = stream
      stream.cork()
      setImmediate(() => {
        this.#gathering = null
        stream.uncork()
      })
    }
    return super.sendCommand(...command)
  }
}

function connectCluster(target: RedisTarget, { use }: RedisConnectionOptions): Cluster {
  return new Cluster([...target.addresses], {
    redisOptions: commonOptions(target),
    enableAutoPipelining: use === 'commands',
    shardedSubscribers: use === 'subscriber',
    clusterRetryStrategy: backoffMs,
    clusterNodeRetryStrategy: backoffMs,
    slotsRefreshInterval: slotsRefreshMs,
  })
}

function commonOptions({ username, password, tls }: RedisTarget) {
  return {
    connectionName: 'syncline',
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
    ...(tls ? { tls: {} } : {}),
    connectTimeout: connectMsMax,
    socketTimeout: silentMsMax,
    maxRetriesPerRequest: null,
    // A master that became a replica keeps its connections: the new one is found by connecting again.
    reconnectOnError: (error: Error) => /^(READONLY|MASTERDOWN)/.test(error.message),
  } satisfies RedisOptions
}

/** Half of it by chance, so that the instances of a Redis that was away do not all come back in the same moment. */
function backoffMs(tries: number): number {
  const most = Math.min(backoffMsMin * 2 ** Math.min(tries, 10), backoffMsMax)
  return Math.round(most * (0.5 + Math.random() / 2))
}
