/**
 * Puts the parts together: one server, made and not listening. What keeps documents is put together in `engine.ts`, what says who may
 * do what in `authentication.ts`; no other files wire.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { createHttpApi } from './api/http-api.ts'
import type { Operations } from './api/operations.ts'
import { createOperatorApp } from './api/operator-app.ts'
import { openOperatorSocket } from './api/operator-socket.ts'
import type { AuthenticatorOptions } from './auth/authenticator.ts'
import { watchAuth } from './auth/watch-auth.ts'
import { openAuthentication } from './authentication.ts'
import { connectionLimits } from './connection/connection-limits.ts'
import { startHeartbeat } from './connection/heartbeat.ts'
import { Upgrades } from './connection/upgrade.ts'
import { watchConnections } from './connection/watch-connections.ts'
import { startEngine } from './engine.ts'
import { type Clock, systemClock } from './foundation/clock.ts'
import { orClose } from './foundation/or-close.ts'
import { settingsWith } from './foundation/settings.ts'
import type { Settings } from './foundation/settings-table.ts'
import { admission } from './http/admission.ts'
import { clientAddressReader } from './http/client-address.ts'
import { createHttp, type Readiness } from './http/create-http.ts'
import { createLogger, type Logger } from './observe/logger.ts'
import { createMetrics, type Metrics } from './observe/metrics.ts'
import type { StatelessText } from './room/stateless.ts'
import type { UpdateLog } from './store/update-log.ts'

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

function readinessOf(log: UpdateLog): Readiness {
  const { health, savedMeans } = log
  const ok = health.at === 'here'
  return {
    ready: ok,
    checks: [{ name: 'store', ok, detail: ok ? `saved means ${savedMeans}` : health.reason }],
  }
}
