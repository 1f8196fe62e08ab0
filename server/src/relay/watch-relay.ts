/**
 * What the relay tells, as log lines and metrics. Documents are named in the log only.
 */
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { RelayEvent } from './relay-event.ts'

export function watchRelay(logger: Logger, metrics: Metrics): (event: RelayEvent) => void {
  return event => {
    switch (event.kind) {
      case 'away':
        metrics.relayAway.set(1)
        return logger.event('relay away', { reason: event.reason })
      case 'here':
        metrics.relayAway.set(0)
        return logger.event('relay back')
      case 'refused':
        return logger.event('relay refused', { reason: event.reason })
      case 'passed-over':
        metrics.publicationsPassedOver.inc()
        if (event.isFirst)
          logger.event('publication passed over', { document: event.document, bytes: event.bytes })
        return
      case 'presence-dropped':
        return metrics.presenceDropped.inc()
    }
  }
}
