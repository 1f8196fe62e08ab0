import type { Clock } from '../foundation/clock.ts'
import type { StoreEvent } from './store-event.ts'
import type { StoreHealth } from './update-log.ts'

/**
 * Makes one health of the several things that can keep a store from writing.
 */

/**
 * `dead`: there is no store thread. `stalled`: it cannot write. `silent`: it does not answer. `unsuitable`: it must not be
 * relied on as it is set up.
 */
export type Trouble = 'dead' | 'stalled' | 'silent' | 'unsuitable'

export interface TroubleHealth {
  readonly now: StoreHealth
  onChange(listener: (health: StoreHealth) => void): () => void
  begin(trouble: Trouble, reason: string): void
  end(trouble: Trouble): void
}

export function createTroubleHealth(clock: Clock, onEvent: (event: StoreEvent) => void): TroubleHealth {
  const troubles = new Map<Trouble, string>()
  const listeners = new Set<(health: StoreHealth) => void>()
  let now: StoreHealth = { at: 'here' }

  function change(next: StoreHealth, event: StoreEvent): void {
    now = next
    onEvent(event)
    for (const listener of listeners) listener(next)
  }

  /** The first trouble names the reason: the ones after it are mostly its consequences. */
  function update(): void {
    const reason = troubles.values().next().value
    if (reason === undefined) {
      if (now.at === 'away') change({ at: 'here' }, { kind: 'here', awayMs: clock.now() - now.sinceMs })
    } else if (now.at === 'here' || now.reason !== reason) {
      const sinceMs = now.at === 'away' ? now.sinceMs : clock.now()
      change({ at: 'away', sinceMs, reason }, { kind: 'away', reason })
    }
  }

  return {
    get now() {
      return now
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    begin(trouble, reason) {
      troubles.set(trouble, reason)
      update()
    },
    end(trouble) {
      if (troubles.delete(trouble)) update()
    },
  }
}
