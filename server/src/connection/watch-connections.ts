/**
 * What connections tell, as log lines and metrics. One line an event; frames are only counted.
 */
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { ConnectionObserver } from './observer.ts'

export function watchConnections(logger: Logger, metrics: Metrics): ConnectionObserver {
  return {
    connected(event) {
      metrics.connections.inc()
      logger.event('connection opened', event)
    },
    sessionOpened(event) {
      logger.event('session opened', event)
    },
    disconnected(event) {
      metrics.connections.dec()
      metrics.countClose(event.code)
      logger.event('connection closed', event)
    },
    clientError(event) {
      metrics.clientErrors.inc()
      logger.event('client error', event)
    },
    refused(event) {
      metrics.connectionsRefused.inc({ code: event.code })
      logger.event('connection refused', event)
    },
    limitReached(limit) {
      metrics.limitsReached.inc({ limit })
    },
    frameIn(bytes) {
      metrics.framesReceived.inc()
      metrics.bytesReceived.inc(bytes)
    },
    frameOut(bytes) {
      metrics.framesSent.inc()
      metrics.bytesSent.inc(bytes)
    },
  }
}
