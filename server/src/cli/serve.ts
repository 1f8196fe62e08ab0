/**
 * `syncline serve`: opens the store and the port, and on SIGTERM or SIGINT stops without losing anything: no more
 * connections, what is waiting is flushed, everybody is told to come back (1012), then exit code 0.
 *
 * What a server is made of is put together in `app.ts`; here is what only a process has: signals, stderr, exit codes.
 */
import type { Server as HttpServer } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import { createServer, type Server } from '../app.ts'
import { systemClock } from '../foundation/clock.ts'
import type { Settings } from '../foundation/settings-table.ts'
import { type Certificate, readCertificate, watchCertificate } from '../http/certificate.ts'
import { listen } from '../http/listen.ts'
import { createWebServer } from '../http/web-server.ts'
import { createLogger, type Logger } from '../observe/logger.ts'
import { createMetrics } from '../observe/metrics.ts'
import { tellOpenFiles } from './open-files.ts'
import { startErrorLine } from './start-error.ts'

/** A flush that takes longer waits for a store that is away; what is unsaved was not acknowledged either. */
const stopMsMax = 30_000
/** Ctrl-C under npm arrives twice, once from the terminal and once from npm: that is no second signal. */
const sameSignalMs = 500

/** Serves until it is told to stop; the exit code. */
export async function serve(settings: Settings, stderr: (text: string) => void): Promise<number> {
  const logger = createLogger({ level: settings.logLevel })
  endOnFaults(logger, stderr)
  const stopRequested = stopSignal(logger)
  let server: Server | undefined
  let httpServer: HttpServer | HttpsServer
  try {
    const metrics = createMetrics()
    const certificate = readCertificate(settings)
    server = await createServer({ settings, logger, metrics })
    httpServer = createWebServer({ requestListener: server.requestListener, settings, certificate, metrics })
    httpServer.on('upgrade', server.upgradeHandler)
    if (certificate !== null) renew(httpServer as HttpsServer, settings, certificate, logger)
    const { url, host, port } = await listen(httpServer, settings)
    logger.event('listening', { url, host, port })
    tellOpenFiles(settings, logger)
  } catch (error) {
    stderr(startErrorLine(error))
    await server?.close()
    logger.flush()
    return 1
  }
  logger.event('stopping', { signal: await stopRequested })
  const isInTime = await stop(server, httpServer)
  logger.event(isInTime ? 'stopped' : 'stopped early')
  logger.flush()
  return isInTime ? 0 : 1
}

/** New connections get the newest certificate; those that are open keep theirs. SIGHUP ends no process that has one. */
function renew(httpServer: HttpsServer, settings: Settings, first: Certificate, logger: Logger): void {
  const use = ({ cert, key }: Certificate) => httpServer.setSecureContext({ cert, key })
  process.on('SIGHUP', watchCertificate(settings, first, { clock: systemClock, logger, use }))
}

/** False if the flush did not come to its end in time. */
async function stop(server: Server, httpServer: HttpServer | HttpsServer): Promise<boolean> {
  httpServer.close()
  const isInTime = await Promise.race([
    server.close().then(() => true),
    new Promise<false>(resolve => setTimeout(resolve, stopMsMax, false)),
  ])
  httpServer.closeAllConnections()
  return isInTime
}

/** Resolves with the first signal to stop. A second one ends the process at once. */
function stopSignal(logger: Logger): Promise<NodeJS.Signals> {
  return new Promise(resolve => {
    let firstMs: number | null = null
    const onSignal = (signal: NodeJS.Signals) => {
      firstMs ??= systemClock.monotonic()
      if (systemClock.monotonic() - firstMs > sameSignalMs)
        exitNow(logger, { reason: `a second signal, ${signal}` })
      resolve(signal)
    }
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
  })
}

function exitNow(logger: Logger, fields: { reason: string }): never {
  logger.event('stopped early', fields)
  logger.flush()
  process.exit(1)
}

/** After an error that nobody caught, what is in memory cannot be trusted: the store has what was acknowledged. */
function endOnFaults(logger: Logger, stderr: (text: string) => void): void {
  const onFault = (error: unknown) => {
    logger.event('crashed', { error })
    logger.flush()
    stderr(`syncline: INTERNAL: ${error instanceof Error ? error.stack : String(error)}\n`)
    process.exit(1)
  }
  process.on('uncaughtException', onFault).on('unhandledRejection', onFault)
}
