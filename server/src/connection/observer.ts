/**
 * What connections tell whoever watches the server: `app.ts` turns it into log lines and metrics. Calls must not throw.
 */
export interface ConnectionObserver {
  connected(event: { connection: string; document: string; address: string }): void
  disconnected(event: {
    connection: string
    document: string
    code: number
    by: 'client' | 'server' | 'lost'
    ms: number
  }): void
  /** What a client did wrong, in one sentence. */
  clientError(event: { connection: string; document: string; reason: string }): void
  refused(event: { code: string; reason: string }): void
  frameIn(bytes: number): void
  frameOut(bytes: number): void
}
