/**
 * What authentication tells, as log lines and metrics.
 */
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { AuthEvent } from './auth-event.ts'

export function watchAuth(logger: Logger, metrics: Metrics): (event: AuthEvent) => void {
  return event => {
    switch (event.kind) {
      case 'away':
        metrics.authAway.set({ part: event.part }, 1)
        return logger.event('auth away', { part: event.part, reason: event.reason })
      case 'here':
        metrics.authAway.set({ part: event.part }, 0)
        return logger.event('auth back', { part: event.part })
      case 'revocations':
        return metrics.revocations.set(event.count)
    }
  }
}
