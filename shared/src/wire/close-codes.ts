/**
 * Every WebSocket close code that Syncline sends, with the sentence that goes with it.
 *
 * The bands are those of y-websocket 3.1: 4400 to 4499 stop a stock client for good, everything else lets it come
 * back. A code is never used for two things and never reused.
 */
export interface CloseCode {
  readonly code: number
  readonly reason: string
  /** Whether a client that is told this comes back by itself. */
  readonly retry: boolean
}

const stop = (code: number, reason: string): CloseCode => ({ code, reason, retry: false })
const comeBack = (code: number, reason: string): CloseCode => ({ code, reason, retry: true })

/** Reasons are at most 123 bytes of UTF-8: more does not fit into a close frame (RFC 6455, 5.5). */
export const closeCodes = {
  malformed: stop(4400, 'malformed: the last message could not be understood'),
  notAuthenticated: stop(4401, 'not authenticated: a valid token is needed'),
  notAllowed: stop(4403, 'not allowed: the token does not cover this document or action'),
  deleted: stop(4404, 'deleted: this document no longer exists'),
  otherEpoch: stop(4409, 'other epoch: the document was replaced since, reload it'),
  tooLarge: stop(4413, 'too large: a limit of this server was exceeded'),
  goingAway: comeBack(1001, 'going away'),
  restart: comeBack(1012, 'restart: the server is restarting, come back'),
  overload: comeBack(1013, 'overload or store away: nothing can be saved at the moment, come back'),
  tooSlow: comeBack(4508, 'too slow: this connection did not read what it was sent'),
  /** In the Hocuspocus framing alone, where no document can be told: version 2 stops on this code, and on no other that means it. */
  tooLargeForSocket: comeBack(1009, 'too large: a limit of this server was exceeded'),
  tooMany: comeBack(4529, 'too many or too fast'),
} as const satisfies Record<string, CloseCode>
