/**
 * What connections tell whoever watches the server: `app.ts` turns it into log lines and metrics. Calls must not throw.
 */
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
  frameIn(bytes: number): void
  frameOut(bytes: number): void
}
