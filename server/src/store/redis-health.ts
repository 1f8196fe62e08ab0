import type { Clock } from '../foundation/clock.ts'
import type { StoreEvent } from './store-event.ts'
import { createTroubleHealth } from './store-health.ts'
import type { StoreHealth } from './update-log.ts'

/**
 * Tells whether Redis is here: away is when something that was asked for has waited for a reply longer than the grace, or when
 * there has been no connection for that long, though nobody asks.
 */
export interface RedisHealth {
  readonly now: StoreHealth
  onChange(listener: (health: StoreHealth) => void): () => void
  /** Something waits for Redis from now on. */
  asked(): Waiting
  answered(waiting: Waiting): void
  /** The connection is lost, or could not be made. */
  lost(reason: string): void
  connected(): void
  /** What speaks against relying on this Redis, or null for nothing. */
  judge(objection: string | null): void
  stop(): void
}

export interface Waiting {
  readonly sinceMs: number
  /** What the last try met. */
  reason: string | null
}

const checksPerGrace = 4

export function createRedisHealth({
  clock,
  graceMs,
  onEvent,
}: {
  readonly clock: Clock
  readonly graceMs: number
  readonly onEvent: (event: StoreEvent) => void
}): RedisHealth {
  const health = createTroubleHealth(clock, onEvent)
  /** In the order in which they were asked for: the first has waited longest. */
  const waiting = new Set<Waiting>()
  let lost: { sinceMs: number; reason: string } | null = {
    sinceMs: clock.monotonic(),
    reason: 'nothing has come from it yet',
  }

  function check(): void {
    const reason = whyAway(clock.monotonic() - graceMs)
    if (reason === null) health.end('silent')
    else health.begin('silent', reason)
  }

  /** Null if nothing has been so since `endMs`. What was said first holds until something more exact is known. */
  function whyAway(endMs: number): string | null {
    if (lost !== null && lost.sinceMs <= endMs) return `there is no connection to Redis: ${lost.reason}`
    const [oldest] = waiting
    if (oldest === undefined || oldest.sinceMs > endMs) return null
    const { now } = health
    return oldest.reason ?? (now.at === 'away' ? now.reason : `Redis has not answered for ${graceMs} ms`)
  }

  const stop = clock.every(Math.ceil(graceMs / checksPerGrace), check)
  return {
    get now() {
      return health.now
    },
    onChange: health.onChange,
    asked() {
      const own = { sinceMs: clock.monotonic(), reason: null }
      waiting.add(own)
      return own
    },
    answered(own) {
      waiting.delete(own)
      if (health.now.at === 'away') check()
    },
    lost(reason) {
      lost = { sinceMs: lost?.sinceMs ?? clock.monotonic(), reason }
    },
    connected() {
      lost = null
      check()
    },
    judge(objection) {
      if (objection === null) health.end('unsuitable')
      else health.begin('unsuitable', objection)
    },
    stop,
  }
}
