import type { Clock } from '../foundation/clock.ts'
import type { RedisTarget } from '../foundation/redis-url.ts'
import { checkBaseSize } from './base-size.ts'
import { documentKey } from './document-key.ts'
import { encodeAppend } from './encode-append.ts'
import { draw8Bytes } from './random-bytes.ts'
import { createRedisAppender } from './redis-append.ts'
import { createRedisCommands, type RedisCommands } from './redis-commands.ts'
import { connectRedis } from './redis-connection.ts'
import { createRedisHealth, type RedisHealth } from './redis-health.ts'
import { baseKey, keysOf } from './redis-keys.ts'
import { DocumentOrder } from './redis-order.ts'
import { readEntries, readHead, readList, readPiece, readPosition } from './redis-read.ts'
import { createRedisReplacer } from './redis-replace.ts'
import { dropScript, releaseScript } from './redis-scripts.ts'
import { askSuitability, savedMeansUnknown } from './redis-suitability.ts'
import type { StoreEvent } from './store-event.ts'
import { StoreOpenError } from './store-open-error.ts'
import { LogRefusal, type UpdateLog } from './update-log.ts'

/**
 * The log in Redis, to which any number of instances may write.
 *
 * Each step that must not be torn is one script (`redis-scripts.ts`), answered by Redis under the appendfsync policy that it
 * has. Whatever the answer does not come to is asked again until it does (`redis-commands.ts`). What is published with each
 * change is carried to other instances by the relay.
 */
export interface RedisLogOptions {
  readonly target: RedisTarget
  readonly clock: Clock
  /** 16 hex digits: who publishes. */
  readonly instance: string
  /** How long Redis may not answer before it counts as away. */
  readonly graceMs: number
  readonly onEvent?: (event: StoreEvent) => void
}

/** The claim of a process that died ends after this. */
const claimMs = 30_000
/** How long `close` waits for a Redis that is away. */
const closeMsMax = 5_000

/**
 * Opens the log. A Redis that is not there is waited for: until it is, the log is away, and what it is asked waits. Rejects with
 * a `StoreOpenError` where it is there and must not be relied on.
 */
export async function openRedisLog(options: RedisLogOptions): Promise<UpdateLog> {
  const { target, clock, instance, graceMs, onEvent = () => {} } = options
  const health = createRedisHealth({ clock, graceMs, onEvent })
  let savedMeans = savedMeansUnknown
  const judged = Promise.withResolvers<string | null>()
  const connection = connectRedis(target, {
    use: 'commands',
    onTrouble: health.lost,
    onReady() {
      health.connected()
      void judge()
    },
  })
  const commands = createRedisCommands({ connection, clock, health })

  /** Again whenever a connection is made: a master that takes over may be set up otherwise. */
  async function judge(): Promise<void> {
    try {
      const { objection, savedMeans: means } = await askSuitability(connection)
      if (means !== savedMeans) onEvent({ kind: 'saved-means', savedMeans: means })
      savedMeans = means
      judged.resolve(objection)
      health.judge(objection === null ? null : `documents must not be kept in this Redis: ${objection}`)
      if (objection === null) commands.admit()
    } catch (error) {
      // It was interrupted: the next connection asks again.
      health.lost((error as Error).message)
    }
  }

  health.onChange(({ at }) => {
    if (at === 'away') judged.resolve(null)
  })
  const objection = await judged.promise
  if (objection !== null) {
    health.stop()
    commands.close()
    throw new StoreOpenError('REDIS_UNSUITABLE', `Documents must not be kept in this Redis: ${objection}.`)
  }
  return createRedisLog({ commands, health, clock, instance, savedMeans: () => savedMeans })
}

/** What a promise gives, or null where it takes longer. */
async function within<T>(ms: number, clock: Clock, promise: Promise<T>): Promise<T | null> {
  const late = Promise.withResolvers<null>()
  const cancel = clock.after(ms, () => late.resolve(null))
  const result = await Promise.race([promise, late.promise])
  cancel()
  return result
}

interface RedisLogParts {
  readonly commands: RedisCommands
  readonly health: RedisHealth
  readonly clock: Clock
  readonly instance: string
  readonly savedMeans: () => string
}

function createRedisLog({ commands, health, clock, instance, savedMeans }: RedisLogParts): UpdateLog {
  const order = new DocumentOrder()
  const append = createRedisAppender({ commands, order, instance })
  const replace = createRedisReplacer(commands, instance)
  const asked = new Map<Promise<unknown>, (reason: LogRefusal) => void>()
  let closing: Promise<void> | null = null

  /** What comes before every request, and what `close` waits for. */
  function ask<T>(document: string, work: () => Promise<T>): Promise<T> {
    if (closing !== null) throw new LogRefusal('the store is closed')
    documentKey(document)
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    asked.set(promise, reject)
    const forget = () => asked.delete(promise)
    promise.then(forget, forget)
    work().then(resolve, reject)
    return promise
  }

  /** What is asked after a deletion happens after it. */
  function askInOrder<T>(document: string, work: () => Promise<T>): Promise<T> {
    return ask(document, () => order.before(document)?.then(work) ?? work())
  }

  async function close(): Promise<void> {
    await within(closeMsMax, clock, Promise.allSettled(asked.keys()))
    commands.close()
    health.stop()
    // ioredis forgets what it was going to send again, and never answers it.
    const late = new LogRefusal('the store was closed before Redis answered')
    for (const reject of asked.values()) reject(late)
  }

  return {
    load: async document => askInOrder(document, () => readHead(commands, document)),
    position: async document => askInOrder(document, () => readPosition(commands, document)),
    readEntries: async (document, after, bytesMax) =>
      askInOrder(document, () => readEntries(commands, document, { after, bytesMax })),
    readPiece: async (document, generation, piece) =>
      askInOrder(document, () => readPiece(commands, document, { generation, piece })),
    async append(document, since, entries, history) {
      const bodies = encodeAppend(entries)
      return askInOrder(document, () => append(document, { since, bodies, history }))
    },
    claimCompaction: async document => ask(document, () => claim(commands, document)),
    async replaceBase(document, expected, base) {
      checkBaseSize(base)
      return ask(document, () => order.aside(document, () => replace.base(document, expected, base)))
    },
    async replaceDocument(document, expected, content) {
      checkBaseSize(content)
      return ask(document, () => order.aside(document, () => replace.document(document, expected, content)))
    },
    async dropGeneration(document, generation) {
      const keys = keysOf(document)
      const names = [keys.meta, baseKey(keys, generation)] as const
      await askInOrder(document, () => commands.run(dropScript, names, [generation]))
    },
    list: async (after, limit) => ask(after ?? '', () => readList(commands, after, limit)),
    async delete(document) {
      await ask(document, () => order.turn(document, () => replace.delete(document)))
    },
    async backup() {
      throw new LogRefusal(
        'documents are in Redis, which has means of its own: copy its append-only files, or the file that BGSAVE writes',
      )
    },
    get savedMeans() {
      return savedMeans()
    },
    get health() {
      return health.now
    },
    onHealth: listener => health.onChange(listener),
    close() {
      closing ??= close()
      return closing
    },
  }
}

async function claim(commands: RedisCommands, document: string): Promise<(() => void) | null> {
  const { lease } = keysOf(document)
  const owner = draw8Bytes().toString('hex')
  if ((await commands.send('set', lease, owner, 'PX', claimMs, 'NX')) === null) return null
  // Where it is not let go of, it ends by itself.
  return () => void commands.run(releaseScript, [lease], [owner]).catch(() => {})
}
