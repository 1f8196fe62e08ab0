import { randomBytes } from 'node:crypto'
import { systemClock } from '@syncline/server/internal/foundation/clock'
import { parseRedisUrl } from '@syncline/server/internal/foundation/redis-url'
import { openRedisRelay } from '@syncline/server/internal/relay/redis-relay'
import type { Relay, RelayListener } from '@syncline/server/internal/relay/relay'
import type { RelayEvent } from '@syncline/server/internal/relay/relay-event'
import type { StoredEntry } from '@syncline/server/internal/store/entry'
import { connectRedis, type RedisConnection } from '@syncline/server/internal/store/redis-connection'
import type { End } from '@syncline/server/internal/store/update-log'

/**
 * One instance's end of a relay over Redis, a connection to the same Redis, and a listener that writes down what it hears.
 */
export interface RelayEnd {
  readonly instance: string
  readonly relay: Relay
  readonly commands: RedisConnection
  readonly events: RelayEvent[]
  close(): Promise<void>
}

export function openRelayEnd(url: string): RelayEnd {
  const target = parseRedisUrl(url)!
  const instance = randomBytes(8).toString('hex')
  const commands = connectRedis(target, { use: 'commands' })
  const events: RelayEvent[] = []
  const onEvent = (event: RelayEvent) => void events.push(event)
  const relay = openRedisRelay({ target, instance, clock: systemClock, onEvent })
  return {
    instance,
    relay,
    commands,
    events,
    async close() {
      await relay.close()
      commands.disconnect()
    },
  }
}

export class HearingListener implements RelayListener {
  readonly heard: StoredEntry[] = []
  readonly ends: End[] = []
  readonly presences: { instance: string; awareness: string; whole: boolean }[] = []
  readonly texts: string[] = []
  asked = 0
  bases = 0
  epochs = 0
  subscriptions = 0

  /** Everything but `subscriptions`. */
  get calls(): number {
    const { heard, ends, presences, texts, asked, bases, epochs } = this
    return heard.length + ends.length + presences.length + texts.length + asked + bases + epochs
  }

  entries(entries: readonly StoredEntry[]): void {
    this.heard.push(...entries)
  }

  appended(end: End): void {
    this.ends.push(end)
  }

  baseReplaced(): void {
    this.bases++
  }

  epochEnded(): void {
    this.epochs++
  }

  stateless(payload: string): void {
    this.texts.push(payload)
  }

  presence(instance: string, awareness: Uint8Array, whole: boolean): void {
    this.presences.push({ instance, awareness: Buffer.from(awareness).toString(), whole })
  }

  presenceAsked(): void {
    this.asked++
  }

  subscribed(): void {
    this.subscriptions++
  }
}
