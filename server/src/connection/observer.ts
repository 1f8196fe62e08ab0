/**
 * What connections tell whoever watches the server: `app.ts` turns it into log lines and metrics. Calls must not throw.
 */
import type { LimitName } from '../foundation/settings-table.ts'

export interface ConnectionObserver {
  connected(event: { connection: string; address: string }): void
  /** A document is opened on a connection: by whom, and what they may do with it, where that was asked. */
  sessionOpened(event: {
    connection: string
    member: string
    document: string
    framing: string
    user?: string
    access?: string
  }): void
  disconnected(event: {
    connection: string
    code: number
    by: 'client' | 'server' | 'lost'
    ms: number
  }): void
  /** What a client did wrong, in one sentence. */
  clientError(event: { connection: string; reason: string }): void
  refused(event: { code: string; reason: string }): void
  /** Somebody has reached a limit, and is refused, held up or closed for it. */
  limitReached(limit: LimitName): void
  frameIn(bytes: number): void
  frameOut(bytes: number): void
}
