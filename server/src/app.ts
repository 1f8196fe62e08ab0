/**
 * Puts the parts together: one server, made and not listening. The only file that wires.
 */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createHttpApi } from './api/http-api.ts'
import { createLocalOperations } from './api/local-operations.ts'
import type { Operations } from './api/operations.ts'
import { createOperatorApp } from './api/operator-app.ts'
import { openOperatorSocket } from './api/operator-socket.ts'
import { type Authenticator, type AuthenticatorOptions, createAuthenticator } from './auth/authenticator.ts'
import { createMemoryRevocations } from './auth/memory-revocations.ts'
import type { RevocationList } from './auth/revocation-list.ts'
import { openRevocations, type Revocations } from './auth/revocations.ts'
import { watchAuth } from './auth/watch-auth.ts'
import { Compactor } from './compaction/compactor.ts'
import { Workers } from './compaction/workers.ts'
import { connectionLimits } from './connection/connection-limits.ts'
import { Grants } from './connection/grants.ts'
import { startHeartbeat } from './connection/heartbeat.ts'
import { Upgrades } from './connection/upgrade.ts'
import { watchConnections } from './connection/watch-connections.ts'
import { type Clock, systemClock } from './foundation/clock.ts'
import { watchLoopLag } from './foundation/loop-lag.ts'
import { parseRedisUrl } from './foundation/redis-url.ts'
import { hasAuthentication, settingsWith } from './foundation/settings.ts'
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
import { roomLimits } from './room/room-limits.ts'
import { Rooms } from './room/rooms.ts'
import type { StatelessText } from './room/stateless.ts'
import { watchRooms } from './room/watch-rooms.ts'
import { openDiskLog } from './store/disk-log.ts'
import { openDiskRevocations } from './store/disk-revocations.ts'
import { createMemoryLog } from './store/memory-log.ts'
import { openRedisLog, type RedisLogOptions } from './store/redis-log.ts'
import { openRedisRevocations } from './store/redis-revocations.ts'
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
  /** Says who somebody is and what they may open; takes the place of settings that say it otherwise. */
  readonly authenticate?: AuthenticatorOptions['authenticate']
  /** Told of each stateless message (Hocuspocus framing). What it throws is logged. */
  readonly onStateless?: (text: StatelessText) => void
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
/** About a millisecond of writing: what everybody who types may have to wait when many join. */
const joinBytesPerTurn = 1024 * 1024
const builtDemoFolder = fileURLToPath(new URL('../dist/demo', import.meta.url))

/** Rejects with an `AppError` for a wrong setting, and with a `StoreOpenError` for a store that cannot be used. */
export async function createServer(options: ServerOptions = {}): Promise<Server> {
  const settings = settingsWith(options.settings)
  const clock = options.clock ?? systemClock
  const logger = options.logger ?? createLogger({ level: settings.logLevel })
  const metrics = options.metrics ?? createMetrics()
  const { onStateless = () => {}, authenticate } = options
  const engine = await startEngine(settings, { clock, logger, metrics, onStateless })
  const { log, rooms } = engine
  const onEvent = watchAuth(logger, metrics)
  const authentication = await orClose(engine, () =>
    openAuthentication(settings, { authenticate, clock, onEvent }),
  )
  const clientAddress = clientAddressReader(settings.trustedProxies)
  // Who has to say who they are may come from anywhere.
  const reach = { ...settings, open: settings.open || authentication !== null }
  const upgrades = new Upgrades({
    admit: admission(reach),
    clientAddress,
    basePath: settings.basePath,
    openRoom: document => rooms.open(document),
    authentication,
    authRefusal: settings.authRefusal,
    authInBand: settings.authInBand,
    clock,
    limits: connectionLimits(settings),
    observer: watchConnections(logger, metrics, clock),
  })
  const stopHeartbeat = startHeartbeat(upgrades.connections, settings, clock)
  const demoFolder = settings.demo ? builtDemoFolder : null
  const api = createHttpApi({ authentication, clientAddress, settings })
  const readiness = () => readinessOf(log)
  const http = createHttp({ settings: reach, readiness, metrics, logger, demoFolder, api })
  const closeOperatorSocket = await serveOperators(settings, engine.operations, logger)

  return {
    requestListener: http.requestListener,
    upgradeHandler: upgrades.handle,
    async close() {
      await closeOperatorSocket()
      upgrades.close()
      await authentication?.close()
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
  const around = { clock: systemClock, logger: silentLogger, metrics: createMetrics(), onStateless: () => {} }
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

interface Around extends Required<Pick<ServerOptions, 'clock' | 'logger' | 'metrics' | 'onStateless'>> {}

/** Store, workers and rooms. */
async function startEngine(
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

interface Authentication {
  readonly authenticator: Authenticator
  readonly revocations: Revocations
  readonly grants: Grants
  close(): Promise<void>
}

/** Null where nobody has to say who they are. Rejects with an `AppError` or a `StoreOpenError`. */
async function openAuthentication(
  settings: Settings,
  around: Omit<AuthenticatorOptions, 'revocations'>,
): Promise<Authentication | null> {
  const { authenticate, clock } = around
  if (authenticate === undefined && !hasAuthentication(settings)) return null
  const list = openRevocationList(settings, clock)
  const revocations = await openRevocations({ list, settings, ...around })
  const authenticator = await orClose(revocations, () =>
    createAuthenticator(settings, { revocations, ...around }),
  )
  if (authenticator === null) return null
  const grants = new Grants(revocations, clock)
  return {
    authenticator,
    revocations,
    grants,
    async close() {
      grants.close()
      await revocations.close()
    },
  }
}

/** What is open is closed where the next thing cannot be opened: an application that embeds a server may try again. */
async function orClose<Opened>(
  open: { close(): Promise<void> },
  next: () => Opened | Promise<Opened>,
): Promise<Opened> {
  try {
    return await next()
  } catch (error) {
    await open.close()
    throw error
  }
}

function openRevocationList({ store, redisUrl, data }: Settings, clock: Clock): RevocationList {
  const target = parseRedisUrl(redisUrl)
  if (target !== null) return openRedisRevocations({ target, clock })
  return store === 'memory' ? createMemoryRevocations() : openDiskRevocations({ folder: data, clock })
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
