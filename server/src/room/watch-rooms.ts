/**
 * What rooms tell, as log lines and metrics. Documents are named in the log only.
 */
import type { LimitName } from '../foundation/settings-table.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { RefusalRule } from './gate.ts'
import type { RoomObserver } from './observer.ts'

const seconds = (ms: number) => ms / 1000

export function watchRooms(logger: Logger, metrics: Metrics): RoomObserver {
  return {
    roomOpened(event) {
      metrics.rooms.inc()
      logger.event('room opened', event)
    },
    roomClosed(event) {
      metrics.rooms.dec()
      logger.event('room closed', event)
    },
    roomFailed(event) {
      metrics.roomFailures.inc({ during: event.during })
      logger.event('room failed', event)
    },
    memberJoined(event) {
      metrics.members.inc()
      metrics.joinSeconds.observe(seconds(event.ms))
      metrics.joinBytes.inc(event.bytes)
      logger.event('member joined', event)
    },
    memberLeft({ wasLive, ...event }) {
      if (wasLive) metrics.members.dec()
      logger.event('member left', event)
    },
    memberLagged(event) {
      metrics.readersLagged.inc()
      logger.event('member lagged', event)
    },
    updatePassed({ verdict }) {
      metrics.updatesReceived.inc({ verdict })
    },
    updateRefused({ isRepeated, ...event }) {
      metrics.updatesRefused.inc({ rule: event.rule })
      const limit = limitOf[event.rule]
      if (limit !== undefined) metrics.limitsReached.inc({ limit })
      // A reader who types sends one a keystroke.
      if (!isRepeated) logger.event('update refused', event)
    },
    limitReached(event) {
      metrics.limitsReached.inc(event)
    },
    windowCommitted({ updates, bytes, ms }) {
      metrics.windowsCommitted.inc()
      metrics.windowBytes.inc(bytes)
      metrics.windowUpdates.observe(updates)
      metrics.commitSeconds.observe(seconds(ms))
    },
    mended(event) {
      metrics.roomsMended.inc()
      logger.event('room mended', event)
    },
    commitStalled(event) {
      metrics.commitsStalled.inc()
      logger.event('commit stalled', event)
    },
    census({ heldRanges, presenceEntries }) {
      metrics.gaps.set(heldRanges)
      metrics.presenceEntries.set(presenceEntries)
    },
    presenceLeftOut({ isFirst, ...event }) {
      metrics.presenceLeftOut.inc(event.entries)
      if (isFirst) logger.event('presence left out', event)
    },
    presenceForged({ isFirst, ...event }) {
      metrics.presenceForged.inc(event.entries)
      if (isFirst) logger.event('presence forged', event)
    },
    remotePresencePassedOver({ isFirst, ...event }) {
      metrics.publicationsPassedOver.inc()
      if (isFirst) logger.event('publication passed over', event)
    },
    mergeFailed(event) {
      metrics.mergeFailures.inc()
      logger.event('merge failed', event)
    },
    compacted(event) {
      metrics.compactions.inc({ outcome: event.outcome })
      metrics.compactionSeconds.observe(seconds(event.ms))
      logger.event(compactionEvents[event.outcome], event)
    },
  }
}

/** The rules that are limits. */
const limitOf: Partial<Record<RefusalRule, LimitName>> = {
  'held-ranges': 'limitHeldRanges',
  'document-size': 'limitDocumentBytes',
  'delete-ranges': 'limitDeleteRanges',
  'delete-ranges-per-update': 'limitDeleteRangesPerUpdate',
}

const compactionEvents = {
  replaced: 'compacted',
  superseded: 'compaction superseded',
  failed: 'compaction failed',
} as const
