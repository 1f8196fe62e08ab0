/**
 * Puts the parts together: one server, made and not listening. The only file that wires.
 */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createLocalOperations } from './api/local-operations.ts'
import type { Operations } from './api/operations.ts'
import { createOperatorApp } from './api/operator-app.ts'
import { openOperatorSocket } from './api/operator-socket.ts'
import { Compactor } from './compaction/compactor.ts'
import { Workers } from './compaction/workers.ts'
import { startHeartbeat } from './connection/heartbeat.ts'
import { Upgrades, type UpgradesLimits } from './connection/upgrade.ts'
import { watchConnections } from './connection/watch-connections.ts'
import { type Clock, systemClock } from './foundation/clock.ts'
import { watchLoopLag } from './foundation/loop-lag.ts'
import { parseRedisUrl } from './foundation/redis-url.ts'
import { settingsWith } from './foundation/settings.ts'
import type { Settings } from './foundation/settings-table.ts'
import { TurnBudget } from './foundation/turn-budget.ts'
import { admission } from './http/admission.ts'
import { clientAddressReader } from './http/client-address.ts'
import { createHttp, type Readiness } from './http/create-http.ts'
import { createLogger, type Logger, silentLogger } from './observe/logger.ts'
import { createMetrics, type Metrics } from './observe/metrics.ts'
import { openRedisRelay, type RedisRelayOptions } from './relay/redis-relay.ts'
import type { Relay } from './relay/relay.ts'
import { watchRelay } from './relay/watch-relay.ts'
import { JoinFrames } from './room/join-frames.ts'
import type { RoomLimits } from './room/room-services.ts'
import { Rooms } from './room/rooms.ts'
import { watchRooms } from './room/watch-rooms.ts'
import { openDiskLog } from './store/disk-log.ts'
import { createMemoryLog } from './store/memory-log.ts'
import { openRedisLog, type RedisLogOptions } from './store/redis-log.ts'
import type { StoreEvent } from './store/store-event.ts'
import { StoreOpenError } from './store/store-open-error.ts'
import type { UpdateLog } from './store/update-log.ts'
import { watchStore } from './store/watch-store.ts'

export interface ServerOptions {
  /** What is not given is as by default (`docs/settings.md`). */
  readonly settings?: Partial<Settings>
  readonly clock?: Clock
  readonly logger?: Logger
  readonly metrics?: Metrics
}

/** A server that does not listen: mount both in an HTTP server of your own, or let `syncline serve` do it. */
export interface Server {
  readonly requestListener: (request: IncomingMessage, response: ServerResponse) => void
  readonly upgradeHandler: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  /** Tells every client to come back (1012), flushes what was accepted, and lets the data folder go. */
  close(): Promise<void>
}

/** How long `close` waits for the store to take what was accepted; after that it is with the clients, who have it too. */
const flushMsMax = 10_000
const flushPollMs = 20
/** Other instances may still be reading a base that was replaced here, and cannot be asked. */
const sharedKeepMsMin = 10 * 60_000
/** About a millisecond of writing: what everybody who types may have to wait when many join. */
const joinBytesPerTurn = 1024 * 1024
const builtDemoFolder = fileURLToPath(new URL('../dist/demo', import.meta.url))

/** Rejects with an `AppError` for a wrong setting, and with a `StoreOpenError` for a store that cannot be used. */
export async function createServer(options: ServerOptions = {}): Promise<Server> {
  const settings = settingsWith(options.settings)
  const clock = options.clock ?? systemClock
  const logger = options.logger ?? createLogger({ level: settings.logLevel })
  const metrics = options.metrics ?? createMetrics()
  const engine = await startEngine(settings, { clock, logger, metrics })
  const { log, rooms } = engine
  const upgrades = new Upgrades({
    admit: admission(settings),
    clientAddress: clientAddressReader(settings.trustedProxies),
    basePath: settings.basePath,
    openRoom: document => rooms.open(document),
    authenticator: null,
    authRefusal: settings.authRefusal,
    clock,
    limits: upgradesLimits(settings),
    openingMsMax: settings.storeAwayCloseAfterMs,
    observer: watchConnections(logger, metrics),
  })
  const stopHeartbeat = startHeartbeat(upgrades.connections, settings, clock)
  const demoFolder = settings.demo ? builtDemoFolder : null
  const http = createHttp({ settings, readiness: () => readinessOf(log), metrics, logger, demoFolder })
  const closeOperatorSocket = await serveOperators(settings, engine.operations, logger)

  return {
    requestListener: http.requestListener,
    upgradeHandler: upgrades.handle,
    async close() {
      await closeOperatorSocket()
      upgrades.close()
      await engine.close()
      stopHeartbeat()
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
  const around = { clock: systemClock, logger: silentLogger, metrics: createMetrics() }
  const engine = await startEngine(settings, around)
  const { health } = engine.log
  if (health.at === 'here') return engine
  await engine.close()
  throw new StoreOpenError('REDIS_AWAY', `Redis cannot be used: ${health.reason}.`)
}

interface Engine {
  readonly log: UpdateLog
  readonly rooms: Rooms
  readonly operations: Operations
  /** Flushes what was accepted, and lets the data folder go. */
  close(): Promise<void>
}

/** Store, workers and rooms. */
async function startEngine(
  settings: Settings,
  { clock, logger, metrics }: { clock: Clock; logger: Logger; metrics: Metrics },
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
    clock,
    instance,
    limits: roomLimits(settings),
    observer,
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

/** Commands reach the server over a socket in its data folder. People can be served without, so it is not worth ending for. */
async function serveOperators(
  { store, redisUrl, data }: Settings,
  operations: Operations,
  logger: Logger,
): Promise<() => Promise<void>> {
  if (store === 'memory' || redisUrl !== '') return async () => {}
  try {
    const socket = await openOperatorSocket(data, createOperatorApp(operations, logger))
    return socket.close
  } catch (error) {
    logger.event('operator socket failed', { error })
    return async () => {}
  }
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

function readinessOf(log: UpdateLog): Readiness {
  const { health, savedMeans } = log
  const ok = health.at === 'here'
  return {
    ready: ok,
    checks: [{ name: 'store', ok, detail: ok ? `saved means ${savedMeans}` : health.reason }],
  }
}

/** Waits, but not for ever: a store that is away must not keep a process from ending. */
async function settled(isDone: () => boolean): Promise<void> {
  for (let waitedMs = 0; !isDone() && waitedMs < flushMsMax; waitedMs += flushPollMs)
    await setTimeout(flushPollMs)
}

function roomLimits(settings: Settings): RoomLimits {
  const isShared = settings.redisUrl !== ''
  const showsUnsaved = settings.storeAway === 'auto' ? isShared : settings.storeAway === 'continue'
  return {
    deleteRangesPerUpdateMax: settings.limitDeleteRangesPerUpdate,
    heldRangesMax: settings.limitHeldRanges,
    documentBytesMax: settings.limitDocumentBytes,
    deleteRangesMax: settings.limitDeleteRanges,
    presence: {
      messageBytesMax: settings.limitPresenceMessageBytes,
      entriesPerRoomMax: settings.limitPresenceEntriesPerRoom,
      entriesPerConnectionMax: settings.limitPresenceEntriesPerConnection,
      ofReaders: settings.presenceOfReaders,
      graceMs: settings.presenceGraceMs,
      outdatedMs: settings.presenceOutdatedMs,
    },
    waitingBytesMax: settings.limitRoomWaitingBytes,
    storeAwayCloseAfterMs: settings.storeAwayCloseAfterMs,
    showUnsavedAfterMs: showsUnsaved ? settings.storeGraceMs : null,
    generationKeepMs: isShared
      ? Math.max(settings.generationKeepMs, sharedKeepMsMin)
      : settings.generationKeepMs,
  }
}

function upgradesLimits(settings: Settings): UpgradesLimits {
  return {
    messageBytesMax: settings.limitMessageBytes,
    firstFrameTimeoutMs: settings.firstFrameTimeoutMs,
    waitingBytesMax: settings.limitWaitingBytes,
    waitingMessagesMax: settings.limitOpeningFrames,
    waitingMessageBytesMax: settings.limitOpeningBytes,
    connectionsMax: settings.limitConnections,
    documentNameBytesMax: settings.limitDocumentNameBytes,
  }
}
