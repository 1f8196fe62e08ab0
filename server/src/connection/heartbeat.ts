/**
 * One timer for all connections: pings, the end of those that do not answer, and the data frame that every client needs.
 */
import type { Clock } from '../foundation/clock.ts'
import type { Connection } from './connection.ts'

export interface HeartbeatTiming {
  readonly pingIntervalMs: number
  readonly deadAfterMs: number
  /** Stock clients reconnect after 30 s without a data frame. */
  readonly keepAliveIntervalMs: number
}

/** How often connections are looked at; what is due is late by at most this. */
const beatMsMax = 2_500

/** Returns the function that stops it. */
export function startHeartbeat(
  connections: Iterable<Connection>,
  timing: HeartbeatTiming,
  clock: Clock,
): () => void {
  const beatMs = Math.min(beatMsMax, timing.pingIntervalMs, timing.keepAliveIntervalMs)
  return clock.every(beatMs, () => {
    const nowMs = clock.monotonic()
    for (const connection of connections) connection.beat(nowMs, timing)
  })
}
