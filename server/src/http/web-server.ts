/**
 * The HTTP or HTTPS server under which Syncline is mounted when it listens by itself, with its limits on heads and handshakes. A program
 * that embeds Syncline has a server of its own, with its own limits.
 */
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import { AppError } from '../foundation/errors.ts'
import type { LimitName, Settings } from '../foundation/settings-table.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Certificate } from './certificate.ts'
import { problemText } from './problem.ts'

export interface WebServerOptions {
  readonly requestListener: RequestListener
  readonly settings: Pick<Settings, 'limitConnections' | 'limitHeaderBytes' | 'handshakeTimeoutMs'>
  /** Null for plain HTTP. */
  readonly certificate: Certificate | null
  readonly metrics: Metrics
}

/** Sockets beyond the limit of connections, so that an answer can tell them that there are too many. */
export const spareSockets = 1_000
/** A whole request, with its body. */
const requestMsMax = 30_000
/** How often Node looks for heads that are late; by default it is every 30 s. */
const lookIntervalMs = 500

export function createWebServer(options: WebServerOptions): Server | HttpsServer {
  const { requestListener, certificate, metrics, settings } = options
  const { limitConnections, limitHeaderBytes, handshakeTimeoutMs } = settings
  const limits = {
    maxHeaderSize: limitHeaderBytes,
    headersTimeout: handshakeTimeoutMs,
    requestTimeout: Math.max(requestMsMax, handshakeTimeoutMs),
    connectionsCheckingInterval: lookIntervalMs,
  }
  const server =
    certificate === null
      ? createServer(limits, requestListener)
      : createHttpsServer(
          { ...limits, cert: certificate.cert, key: certificate.key, handshakeTimeout: handshakeTimeoutMs },
          requestListener,
        )
  server.maxConnections = limitConnections + spareSockets
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const refusal = refusalOf(error, settings)
    const limit = error.code === undefined ? undefined : limitOf.get(error.code)
    if (limit !== undefined) metrics.limitsReached.inc({ limit })
    // Nothing can be told before TLS is there, and beside an answer that is under way it would be read as part of it.
    if (refusal === null || !socket.writable || socket.bytesWritten > 0) return socket.destroy()
    metrics.httpRequests.inc({ status: refusal.entry.status ?? 400 })
    socket.write(problemText(refusal))
    socket.destroySoon()
  })
  return server
}

const limitOf: ReadonlyMap<string, LimitName> = new Map([
  ['HPE_HEADER_OVERFLOW', 'limitHeaderBytes'],
  ['ERR_HTTP_REQUEST_TIMEOUT', 'handshakeTimeoutMs'],
  ['ERR_TLS_HANDSHAKE_TIMEOUT', 'handshakeTimeoutMs'],
])

function refusalOf(
  { code, message }: NodeJS.ErrnoException,
  { limitHeaderBytes, handshakeTimeoutMs }: WebServerOptions['settings'],
): AppError | null {
  if (code === 'HPE_HEADER_OVERFLOW') return new AppError('HEAD_TOO_LARGE', { bytesMax: limitHeaderBytes })
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new AppError('HANDSHAKE_TOO_SLOW', { msMax: handshakeTimeoutMs })
  return code?.startsWith('HPE_') === true ? new AppError('REQUEST_INVALID', { reason: message }) : null
}
