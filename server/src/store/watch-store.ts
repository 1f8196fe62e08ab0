/**
 * What the store tells, as log lines and one metric.
 */
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { StoreEvent } from './store-event.ts'

export function watchStore(logger: Logger, metrics: Metrics): (event: StoreEvent) => void {
  return event => {
    const { kind: _, ...fields } = event
    switch (event.kind) {
      case 'away':
        metrics.storeAway.set(1)
        return logger.event('store away', fields)
      case 'here':
        metrics.storeAway.set(0)
        return logger.event('store back', fields)
      case 'thread-died':
        metrics.workerRestarts.inc({ task: 'store' })
        return logger.event('worker lost', { task: 'store', ...fields })
      case 'saved-means':
        metrics.storeSavedMeans.reset()
        metrics.storeSavedMeans.set({ saved_means: event.savedMeans }, 1)
        return logger.event('store opened', fields)
      case 'chores-stalled':
        return logger.event('store chores stalled', fields)
    }
  }
}
