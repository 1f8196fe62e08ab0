/**
 * What connections tell, as log lines and metrics. One line an event, as long as they are not too many; frames are only counted.
 */
import type { Clock } from '../foundation/clock.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import { BoundedLines } from './bounded-lines.ts'
import type { ConnectionObserver } from './observer.ts'

/** Lines per second of what goes wrong: it tells who does what, and not how often. */
const wrongPerSecondMax = 50
/** Lines per second of what anybody can do without a token, the return of everybody after a restart included. */
const usualPerSecondMax = 500

export function watchConnections(logger: Logger, metrics: Metrics, clock: Clock): ConnectionObserver {
  const lines = new BoundedLines(logger, clock)
  return {
    connected(event) {
      metrics.connections.inc()
      lines.event('connection opened', usualPerSecondMax, event)
    },
    sessionOpened(event) {
      logger.event('session opened', event)
    },
    disconnected(event) {
      metrics.connections.dec()
      metrics.countClose(event.code)
      lines.event('connection closed', usualPerSecondMax, event)
    },
    clientError(event) {
      metrics.clientErrors.inc()
      lines.event('client error', wrongPerSecondMax, event)
    },
    refused(event) {
      metrics.connectionsRefused.inc({ code: event.code })
      lines.event('connection refused', wrongPerSecondMax, event)
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
