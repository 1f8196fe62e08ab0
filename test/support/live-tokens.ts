/**
 * Tokens for real servers, by the clock of this machine: the claims that tests of authentication share, and how they are signed.
 */
import { randomUUID } from 'node:crypto'
import { makeToken, secret } from './auth-stage.ts'

/** What a server needs to check these tokens, and to end them to the second. */
export const secretEnv = { SYNCLINE_AUTH_SECRET: secret, SYNCLINE_AUTH_CLOCK_TOLERANCE_MS: '0' } as const

export const secondsFromNow = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds

/** Everything may be written by whoever has it for an hour. Each is another token, so that none is refused for having come before. */
export function liveToken(
  changed: Readonly<Record<string, unknown>> = {},
  header: Parameters<typeof makeToken>[1] = {},
): Promise<string> {
  const claims = {
    jti: randomUUID(),
    iat: secondsFromNow(-5),
    exp: secondsFromNow(3_600),
    docs: docs('write'),
  }
  return makeToken({ ...claims, ...changed }, header)
}

/** The claim for one kind of access to what a pattern names. */
export const docs = (access: 'read' | 'write' | 'admin', name = '*') => [{ name, access }]

/** As clients put it behind the name of a document. */
export const withToken = (document: string, token: string): string => `${document}?token=${token}`
