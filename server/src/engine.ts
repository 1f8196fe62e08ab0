/**
 * What keeps and serves documents: the store, the relay between instances, the workers and the rooms. A server is this and what people
 * connect to; an operator's command is this alone.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { createLocalOperations } from './api/local-operations.ts'
import type { Operations } from './api/operations.ts'
import { Compactor } from './compaction/compactor.ts'
import { Workers } from './compaction/workers.ts'
import { type Clock, systemClock } from './foundation/clock.ts'
import { watchLoopLag } from './foundation/loop-lag.ts'
import { parseRedisUrl } from './foundation/redis-url.ts'
import type { Settings } from './foundation/settings-table.ts'
import { TurnBudget } from './foundation/turn-budget.ts'
import { type Logger, silentLogger } from './observe/logger.ts'
import { createMetrics, type Metrics } from './observe/metrics.ts'
import { openRedisRelay, type RedisRelayOptions } from './relay/redis-relay.ts'
import type { Relay } from './relay/relay.ts'
import { watchRelay } from './relay/watch-relay.ts'
import { JoinFrames } from './room/join-frames.ts'
import { roomLimits } from './room/room-limits.ts'
import { Rooms } from './room/rooms.ts'
import type { StatelessText } from './room/stateless.ts'
import { watchRooms } from './room/watch-rooms.ts'
import { openDiskLog } from './store/disk-log.ts'
import { createMemoryLog } from './store/memory-log.ts'
import { openRedisLog, type RedisLogOptions } from './store/redis-log.ts'
import type { StoreEvent } from './store/store-event.ts'
import { StoreOpenError } from './store/store-open-error.ts'
import type { UpdateLog } from './store/update-log.ts'
import { watchStore } from './store/watch-store.ts'

/** How long `close` waits for the store to take what was accepted; after that it is with the clients, who have it too. */
const flushMsMax = 10_000
const flushPollMs = 20
/** About a millisecond of writing: what everybody who types may have to wait when many join. */
const joinBytesPerTurn = 1024 * 1024
/** As many as a chunk has, which are merged when it is full: some milliseconds, for which everybody who types may have to wait. */
const openedWindowsPerTurn = 64

export interface Engine {
  readonly log: UpdateLog
  readonly rooms: Rooms
  readonly operations: Operations
  /** Flushes what was accepted, and lets the data folder go. */
  close(): Promise<void>
}

export interface Around {
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  readonly onStateless: (text: StatelessText) => void
}

/** Rejects with a `StoreOpenError` for a store that cannot be used. */
export async function startEngine(
  settings: Settings,
  { clock, logger, metrics, onStateless }: Around,
): Promise<Engine> {
  const instance = randomBytes(8).toString('hex')
  const log = await openLog(settings, { clock, instance, onEvent: watchStore(logger, metrics) })
  const onWorkerLost = (task: string, error: unknown) => {
    metrics.workerRestarts.inc({ task })
    logger.event('worker lost', { task, error })
  }
  const relay = openRelay(settings, { clock, instance, onEvent: watchRelay(logger, metrics) })
  const workers = new Workers({ onWorkerLost })
  const compactor = new Compactor(log, workers)
  const observer = watchRooms(logger, metrics)
  const loopLag = watchLoopLag(clock)
  const services = {
    log,
    relay,
    workers,
    compactor,
    joinFrames: new JoinFrames(log, workers),
    joinBudget: new TurnBudget(joinBytesPerTurn),
    openBudget: new TurnBudget(openedWindowsPerTurn),
    clock,
    instance,
    limits: roomLimits(settings),
    observer,
    onStateless,
    loopLagMs: loopLag.lagMs,
  }
  const rooms = new Rooms(services, { roomsMax: settings.limitRooms, idleMs: settings.roomIdleMs })
  return {
    log,
    rooms,
    operations: createLocalOperations({ log, workers, rooms }),
    async close() {
      rooms.close()
      await settled(() => !rooms.isBusy)
      loopLag.stop()
      await relay?.close()
      await log.close()
      await workers.close()
    },
  }
}

/**
 * Operators' work on a data folder that no server holds, or on Redis: what a server is made of, but for what people connect to.
 * Rejects with a `StoreOpenError`, also where Redis is not there: a server waits for it, a command does not.
 */
export async function openOperations(
  settings: Settings,
): Promise<{ readonly operations: Operations; close(): Promise<void> }> {
  const around = { clock: systemClock, logger: silentLogger, metrics: createMetrics(), onStateless: () => {} }
  const engine = await startEngine(settings, around)
  const { health } = engine.log
  if (health.at === 'here') return engine
  await engine.close()
  throw new StoreOpenError('REDIS_AWAY', `Redis cannot be used: ${health.reason}.`)
}

async function openLog(
  { store, redisUrl, data, storeGraceMs: graceMs }: Settings,
  options: Pick<RedisLogOptions, 'clock' | 'instance'> & { readonly onEvent: (event: StoreEvent) => void },
): Promise<UpdateLog> {
  const target = parseRedisUrl(redisUrl)
  if (target !== null) return openRedisLog({ target, graceMs, ...options })
  const log =
    store === 'memory' ? createMemoryLog(options) : await openDiskLog({ folder: data, graceMs, ...options })
  options.onEvent({ kind: 'saved-means', savedMeans: log.savedMeans })
  return log
}

/** Null where nobody else can write to the store. */
function openRelay({ redisUrl }: Settings, options: Omit<RedisRelayOptions, 'target'>): Relay | null {
  const target = parseRedisUrl(redisUrl)
  return target === null ? null : openRedisRelay({ target, ...options })
}

/** Waits, but not for ever: a store that is away must not keep a process from ending. */
async function settled(isDone: () => boolean): Promise<void> {
  for (let waitedMs = 0; !isDone() && waitedMs < flushMsMax; waitedMs += flushPollMs)
    await setTimeout(flushPollMs)
}
