/**
 * What rooms tell whoever watches the server: `app.ts` turns it into log lines and metrics. Calls must not throw.
 */
import type { LimitName } from '../foundation/settings-table.ts'
import type { RefusalRule } from './gate.ts'

export interface RoomObserver {
  roomOpened(event: { document: string; entries: number; ms: number }): void
  roomClosed(event: { document: string }): void
  roomFailed(event: { document: string; during: 'load' | 'append'; error: unknown }): void
  memberJoined(event: { document: string; member: string; ms: number; bytes: number }): void
  /** `wasLive`: it had been told of by `memberJoined`. `members` are left. */
  memberLeft(event: { document: string; member: string; members: number; wasLive: boolean }): void
  /** It reads too slowly and is skipped until it has read. */
  memberLagged(event: { document: string; member: string; waitingBytes: number }): void
  updatePassed(event: { verdict: 'new' | 'known'; bytes: number; gaps: number }): void
  /** `isRepeated`: the member stays, and was told of less than a minute ago. */
  updateRefused(event: {
    document: string
    member: string
    rule: RefusalRule
    reason: string
    isRepeated: boolean
  }): void
  /** Somebody has reached a limit that is not about an update, and is closed or held up for it. */
  limitReached(event: { limit: LimitName }): void
  windowCommitted(event: { updates: number; bytes: number; ms: number; members: number }): void
  /** The log was not the one that the room knew, so it was read anew; `lost` updates were in memory only and are appended again. */
  mended(event: { document: string; why: string; entries: number; lost: number }): void
  commitStalled(event: { document: string; ms: number; members: number }): void
  /** Every few seconds, over all rooms. */
  census(event: { heldRanges: number; presenceEntries: number }): void
  /** Too many of them, or too large. `isFirst`: of this member. */
  presenceLeftOut(event: { document: string; member: string; entries: number; isFirst: boolean }): void
  /** States under client ids of another user [AUTH-3]. `isFirst`: of this member. */
  presenceForged(event: { document: string; member: string; entries: number; isFirst: boolean }): void
  /** What another instance says of its members cannot be read; `isFirst`: since the room was opened. */
  remotePresencePassedOver(event: {
    document: string
    instance: string
    reason: string
    isFirst: boolean
  }): void
  /** Yjs threw while it merged; the room goes on with the parts side by side [ROOM-3]. */
  mergeFailed(event: { document: string; seq: number; authors: readonly string[]; error: unknown }): void
  /** `seq` and `authors` name the entry that a document could not take, where one can be named. */
  compacted(event: {
    document: string
    outcome: 'replaced' | 'superseded' | 'failed'
    ms: number
    bytes?: number
    reason?: string
    seq?: number
    authors?: readonly string[]
  }): void
}
