import { ReplyError } from 'ioredis'
import type { Clock } from '../foundation/clock.ts'
import type { RedisConnection } from './redis-connection.ts'
import type { RedisHealth, Waiting } from './redis-health.ts'
import type { RedisScript } from './redis-scripts.ts'
import { LogRefusal } from './update-log.ts'

/**
 * Sends commands to Redis until they are answered.
 *
 * Trouble that may pass is waited for, each key's commands in the order in which they were asked for. Everything is sent again
 * after an interruption, whether or not Redis had done it. A script that Redis does not have (it is new there, or restarted,
 * or a replica was promoted) goes over with its source.
 */
export type RedisValue = string | Buffer | Uint8Array | number

export interface RedisCommands {
  /** What a script answers. Keys and script decide together who waits for whom. */
  run<Reply>(
    script: RedisScript<Reply>,
    keys: readonly [string, ...string[]],
    values?: readonly RedisValue[],
  ): Promise<Reply>
  /** What a command answers. */
  send<Reply>(command: RedisCommand, key: string, ...values: RedisValue[]): Promise<Reply>
  /** The same without patience: rejects with a `RedisTrouble` where waiting might help. */
  trySend<Reply>(command: RedisCommand, key: string, ...values: RedisValue[]): Promise<Reply>
  /** Lets go what was asked for: Redis is one to be relied on. */
  admit(): void
  /** Ends the connection. What waits rejects with a `LogRefusal`. */
  close(): void
}

export type RedisCommand = 'hset' | 'pexpire' | 'set' | 'unlink' | 'zadd' | 'zrem' | 'zrangebylex'

/** Redis cannot do it now. */
export class RedisTrouble extends Error {
  override name = 'RedisTrouble'
}

export interface RedisCommandsOptions {
  readonly connection: RedisConnection
  readonly clock: Clock
  readonly health: RedisHealth
}

/** Answers of Redis after which the same command may succeed: its state, its memory, its disk, who is master, who may what. */
const passingReply =
  /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|OOM|MISCONF|BUSY|NOREPLICAS|NOAUTH|NOPERM|WRONGPASS)\b/
const backoffMsMin = 20
const backoffMsMax = 1_000

/** A key whose last command met trouble. */
interface Pause {
  readonly over: Promise<void>
  readonly end: () => void
}

/** Bytes in, bytes out: what each command of ioredis is called for that. */
type BufferCommands = Record<
  `${RedisCommand | 'eval' | 'evalsha'}Buffer`,
  (...values: unknown[]) => Promise<unknown>
>

/** Nothing is sent before `admit`. */
export function createRedisCommands({ connection, clock, health }: RedisCommandsOptions): RedisCommands {
  const buffers = connection as unknown as BufferCommands
  const pauses = new Map<string, Pause>()
  const admitted = Promise.withResolvers<void>()
  let isAdmitted = false
  let isClosed = false

  function admit(): void {
    isAdmitted = true
    admitted.resolve()
  }

  async function evaluate(script: RedisScript<unknown>, values: readonly unknown[]): Promise<unknown> {
    try {
      return await buffers.evalshaBuffer(script.sha, ...values)
    } catch (error) {
      if (!(error as Error).message.startsWith('NOSCRIPT')) throw error
      return buffers.evalBuffer(script.source, ...values)
    }
  }

  async function persist(key: string, attempt: () => Promise<unknown>): Promise<unknown> {
    const waiting = health.asked()
    try {
      if (!isAdmitted) await admitted.promise
      for (let tries = 1; ; tries++) {
        const pause = pauses.get(key)
        if (pause !== undefined) await pause.over
        if (isClosed) throw new LogRefusal('the store is closed')
        const reply = await tryOnce(attempt, waiting)
        if (!(reply instanceof RedisTrouble)) return reply
        await pauseFor(key, tries)
      }
    } finally {
      health.answered(waiting)
    }
  }

  function pauseFor(key: string, tries: number): Promise<void> {
    const running = pauses.get(key)
    if (running !== undefined) return running.over
    const most = Math.min(backoffMsMin * 2 ** Math.min(tries, 10), backoffMsMax)
    const { promise: over, resolve } = Promise.withResolvers<void>()
    const cancel = clock.after(most * (0.5 + Math.random() / 2), end)
    pauses.set(key, { over, end })
    return over

    function end(): void {
      cancel()
      pauses.delete(key)
      resolve()
    }
  }

  return {
    async run<Reply>(
      script: RedisScript<Reply>,
      keys: readonly [string, ...string[]],
      values: readonly RedisValue[] = [],
    ) {
      return (await persist(keys[0], () => evaluate(script, [keys.length, ...keys, ...values]))) as Reply
    },
    async send<Reply>(command: RedisCommand, key: string, ...values: RedisValue[]) {
      return (await persist(key, () => buffers[`${command}Buffer`](key, ...values))) as Reply
    },
    async trySend<Reply>(command: RedisCommand, key: string, ...values: RedisValue[]) {
      if (health.now.at === 'away') throw new RedisTrouble(health.now.reason)
      const reply = await tryOnce(() => buffers[`${command}Buffer`](key, ...values))
      if (reply instanceof RedisTrouble) throw reply
      return reply as Reply
    },
    admit,
    close() {
      isClosed = true
      admit()
      connection.disconnect()
      for (const { end } of [...pauses.values()]) end()
    },
  }
}

/** What Redis answered, or the trouble that kept it from that. Rejects for what it will never take. */
async function tryOnce(attempt: () => Promise<unknown>, waiting?: Waiting): Promise<unknown> {
  try {
    return await attempt()
  } catch (error) {
    const { message } = error as Error
    // What is no reply comes from the connection: it was closed, or no node is known for a key.
    if (error instanceof ReplyError && !passingReply.test(message))
      throw new LogRefusal(`Redis refused it: ${message}`, { cause: error })
    if (waiting !== undefined) waiting.reason = message
    return new RedisTrouble(message, { cause: error })
  }
}
