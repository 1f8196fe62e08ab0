/**
 * Instances in one process: a log that they share, and a relay between them that a test can hold back, lose from, and let
 * through in any order. What the log holds can be exchanged for another history, as a failover does.
 */
import type { Relay, RelayListener } from '@syncline/server/internal/relay/relay'
import type { UpdateLog } from '@syncline/server/internal/store/update-log'
import type { TestClock } from './room-clock.ts'
import { createTestLog, type TestLog } from './room-log.ts'

type Tell = (listener: RelayListener) => void

export interface SharedLog {
  /** One instance's log and relay. */
  instance(): { readonly log: TestLog; readonly relay: Relay }
  /** Publications go nowhere from now on. */
  lose(): void
  /** Publications wait from now on. */
  hold(): void
  /** Lets those through that wait, last first, and all that follow at once. */
  release(): void
  /** All instances find another log from now on. */
  exchange(log: UpdateLog): void
}

export function shareLog(clock: TestClock, first: UpdateLog): SharedLog {
  let current = first
  let mode: 'deliver' | 'lose' | 'hold' = 'deliver'
  const held: (() => void)[] = []
  const rooms: { readonly instance: number; readonly document: string; readonly listener: RelayListener }[] =
    []
  let instances = 0

  function publish(from: number, document: string, tell: Tell): void {
    const carry = () => {
      for (const room of rooms) if (room.instance !== from && room.document === document) tell(room.listener)
    }
    if (mode === 'hold') held.push(carry)
    else if (mode === 'deliver') setImmediate(carry)
  }

  function logOf(instance: number): UpdateLog {
    return {
      ...first,
      load: document => current.load(document),
      position: document => current.position(document),
      readEntries: (document, after, bytesMax) => current.readEntries(document, after, bytesMax),
      readPiece: (document, generation, piece) => current.readPiece(document, generation, piece),
      async append(document, since, entries, history) {
        const log = current
        const appended = await log.append(document, since, entries, history)
        const stored = await log.readEntries(document, appended.ends[0]!.seq - 1, 1e9)
        publish(instance, document, listener => listener.entries(stored.slice(0, entries.length)))
        return appended
      },
      async replaceBase(document, expected, base) {
        const replaced = await current.replaceBase(document, expected, base)
        if (replaced.ok) publish(instance, document, listener => listener.baseReplaced())
        return replaced
      },
    }
  }

  function relayOf(instance: number): Relay {
    return {
      join(document, listener) {
        const room = { instance, document, listener }
        rooms.push(room)
        setImmediate(() => listener.subscribed())
        return {
          sayPresence: (awareness, whole) =>
            publish(instance, document, other => other.presence(String(instance), awareness, whole)),
          sayStateless: payload => publish(instance, document, other => other.stateless(payload)),
          askPresence: () => publish(instance, document, other => other.presenceAsked()),
          leave: () => rooms.splice(rooms.indexOf(room), 1),
        }
      },
      async close() {},
    }
  }

  return {
    instance() {
      instances++
      return { log: createTestLog(clock, logOf(instances)), relay: relayOf(instances) }
    },
    lose() {
      mode = 'lose'
    },
    hold() {
      mode = 'hold'
    },
    release() {
      mode = 'deliver'
      for (const carry of held.splice(0).reverse()) carry()
    },
    exchange(log) {
      current = log
    },
  }
}
