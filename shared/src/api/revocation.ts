/**
 * A revocation: what somebody told the server to take back of what tokens allow, before they end.
 *
 * It crosses every border (HTTP, the disk, Redis), so it is read from unknown values here, once for all of them.
 */
import { type Access, accesses } from './access.ts'

export interface Revocation {
  /** Whose tokens it concerns, by `sub`; null for everybody's. */
  readonly user: string | null
  /** Which token, by `jti`; null for all. */
  readonly token: string | null
  /** For which document; null for all. */
  readonly document: string | null
  /** What is left. `admin` takes nothing away: it ends a former revocation of the same target. */
  readonly access: Access | 'none'
  /** Milliseconds since 1970. Tokens that say (`iat`) that they were made later are not concerned. */
  readonly sinceMs: number
  /** No token that it concerns lives longer. */
  readonly untilMs: number
}

/** Longest user, token or name of a document in it. */
export const revocationTextLengthMax = 8_192

type Target = Pick<Revocation, 'user' | 'token' | 'document'>

/** The same text for the same target. Of two revocations of one target only the newer counts. */
export function targetOf({ user, token, document }: Target): string {
  return JSON.stringify([user, token, document])
}

/** Null for what is no revocation: also for one that names nothing, and would concern everybody everywhere. */
export function readRevocation(value: unknown): Revocation | null {
  if (typeof value !== 'object' || value === null) return null
  const { user, token, document, access, sinceMs, untilMs } = value as Record<keyof Revocation, unknown>
  if (!isText(user) || !isText(token) || !isText(document)) return null
  if (user === null && token === null && document === null) return null
  if (!isAccessLeft(access) || !isTime(sinceMs) || !isTime(untilMs)) return null
  return { user, token, document, access, sinceMs, untilMs }
}

function isText(value: unknown): value is string | null {
  return value === null || (typeof value === 'string' && value.length <= revocationTextLengthMax)
}

function isAccessLeft(value: unknown): value is Revocation['access'] {
  return value === 'none' || (accesses as readonly unknown[]).includes(value)
}

function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
