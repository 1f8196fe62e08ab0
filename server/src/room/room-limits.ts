/**
 * The limits of rooms, as the settings have them.
 */
import type { Settings } from '../foundation/settings-table.ts'
import type { DocumentLimits } from './document-limits.ts'
import type { GateLimits } from './gate.ts'
import type { PresenceLimits } from './presence.ts'
import type { StatelessLimits } from './stateless.ts'

export interface RoomLimits extends GateLimits, DocumentLimits {
  readonly presence: PresenceLimits
  readonly stateless: StatelessLimits
  /** Accepted and not yet committed; above it the authors' sockets are not read. */
  readonly waitingBytesMax: number
  readonly storeAwayCloseAfterMs: number
  /** Edits that wait for the store longer than this are shown unsaved; null: they are not. */
  readonly showUnsavedAfterMs: number | null
  readonly generationKeepMs: number
}

/** Other instances may still be reading a base that was replaced here, and cannot be asked. */
const sharedKeepMsMin = 10 * 60_000

export function roomLimits(settings: Settings): RoomLimits {
  const isShared = settings.redisUrl !== ''
  const showsUnsaved = settings.storeAway === 'auto' ? isShared : settings.storeAway === 'continue'
  return {
    deleteRangesPerUpdateMax: settings.limitDeleteRangesPerUpdate,
    heldRangesMax: settings.limitHeldRanges,
    documentBytesMax: settings.limitDocumentBytes,
    deleteRangesMax: settings.limitDeleteRanges,
    presence: {
      messageBytesMax: settings.limitPresenceMessageBytes,
      entriesPerRoomMax: settings.limitPresenceEntriesPerRoom,
      entriesPerConnectionMax: settings.limitPresenceEntriesPerConnection,
      ofReaders: settings.presenceOfReaders,
      graceMs: settings.presenceGraceMs,
      outdatedMs: settings.presenceOutdatedMs,
    },
    stateless: { bytesMax: settings.limitStatelessBytes, isForAll: settings.statelessForAll },
    waitingBytesMax: settings.limitRoomWaitingBytes,
    storeAwayCloseAfterMs: settings.storeAwayCloseAfterMs,
    showUnsavedAfterMs: showsUnsaved ? settings.storeGraceMs : null,
    generationKeepMs: isShared
      ? Math.max(settings.generationKeepMs, sharedKeepMsMin)
      : settings.generationKeepMs,
  }
}
