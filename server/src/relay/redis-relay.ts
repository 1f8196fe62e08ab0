/**
 * The relay over Redis: one connection hears the channels of all documents that are open here, sharded publish/subscribe. What
 * is appended is published by the script that appends it (`store/redis-scripts.ts`); only what is not kept is said from here.
 *
 * What it hears is parsed once, here. Bytes that are no publication, or one of a version to come, harm nobody: whoever misses
 * an entry finds that by its seq.
 */
import type { Clock } from '../foundation/clock.ts'
import type { RedisTarget } from '../foundation/redis-url.ts'
import {
  decodePublication,
  encodePresence,
  encodePresenceAsked,
  encodeStateless,
  isPublishedBy,
  type Publication,
} from '../store/publication.ts'
import { connectRedis, type RedisConnection } from '../store/redis-connection.ts'
import { channelOf } from '../store/redis-keys.ts'
import type { Relay, RelayChannel, RelayListener } from './relay.ts'
import type { RelayEvent } from './relay-event.ts'
import { Subscriptions } from './subscriptions.ts'

/** Presence on its way to Redis that has had no answer; what comes beyond it is dropped, and said anew by rooms later. */
const saidBytesMax = 8 * 1024 * 1024
/** What a publication costs in memory until it is answered, however short it is. */
const saidOverheadBytes = 512

export interface RedisRelayOptions {
  readonly target: RedisTarget
  /** 16 hex digits. */
  readonly instance: string
  readonly clock: Clock
  readonly onEvent: (event: RelayEvent) => void
}

/** The rooms of this instance that hear one document: two for a moment, while one is closed and another opened. */
interface Ear {
  readonly document: string
  readonly listeners: Set<RelayListener>
  /** One strange program would fill the log. */
  isStrangeTold: boolean
}

export function openRedisRelay(options: RedisRelayOptions): Relay {
  return new RedisRelay(options)
}

class RedisRelay implements Relay {
  readonly #options: RedisRelayOptions
  readonly #own: Buffer
  readonly #subscriber: RedisConnection
  /** Presence is said by one of its own, so that it does not wait behind documents. */
  readonly #commands: RedisConnection
  readonly #subscriptions: Subscriptions
  readonly #ears = new Map<string, Ear>()
  #saidBytes = 0
  #isAway = false
  #isClosed = false

  constructor(options: RedisRelayOptions) {
    const { target, clock, onEvent } = options
    this.#options = options
    this.#own = Buffer.from(options.instance, 'hex')
    this.#subscriber = connectRedis(target, {
      use: 'subscriber',
      onReady: () => this.#setAway(null),
      onTrouble: reason => this.#setAway(reason),
    })
    this.#commands = connectRedis(target, { use: 'commands' })
    this.#subscriber.on('smessageBuffer', (channel: Buffer, bytes: Buffer) => this.#hear(channel, bytes))
    this.#subscriptions = new Subscriptions({
      subscriber: this.#subscriber,
      clock,
      onSubscribed: channel => this.#tell(channel, listener => listener.subscribed()),
      onRefused: reason => onEvent({ kind: 'refused', reason }),
    })
  }

  join(document: string, listener: RelayListener): RelayChannel {
    const channel = channelOf(document)
    const ear = this.#ears.get(channel)
    if (ear === undefined) {
      this.#ears.set(channel, { document, listeners: new Set([listener]), isStrangeTold: false })
      this.#subscriptions.want(channel)
    } else {
      ear.listeners.add(listener)
      if (this.#subscriptions.isHeard(channel)) queueMicrotask(() => this.#tellOne(channel, listener))
    }
    const { instance } = this.#options
    return {
      sayPresence: (awareness, whole) => this.#say(channel, encodePresence(instance, awareness, whole)),
      askPresence: () => this.#say(channel, encodePresenceAsked(instance)),
      sayStateless: payload => this.#say(channel, encodeStateless(instance, payload)),
      leave: () => this.#leave(channel, listener),
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#ears.clear()
    this.#subscriptions.close()
    this.#subscriber.disconnect()
    this.#commands.disconnect()
  }

  #leave(channel: string, listener: RelayListener): void {
    const ear = this.#ears.get(channel)
    if (ear?.listeners.delete(listener) !== true || ear.listeners.size > 0) return
    this.#ears.delete(channel)
    this.#subscriptions.unwant(channel)
  }

  /** What is not kept is worth nothing later: while Redis is away, or does not answer, it is dropped. */
  #say(channel: string, publication: Buffer): void {
    const bytes = publication.byteLength + saidOverheadBytes
    if (this.#isClosed || this.#commands.status !== 'ready' || this.#saidBytes + bytes > saidBytesMax)
      return this.#options.onEvent({ kind: 'presence-dropped' })
    this.#saidBytes += bytes
    const answered = () => {
      this.#saidBytes -= bytes
    }
    this.#commands.spublish(channel, publication).then(answered, answered)
  }

  #hear(channel: Buffer, bytes: Buffer): void {
    if (isPublishedBy(this.#own, bytes)) return
    const name = channel.toString()
    const publication = decodePublication(bytes)
    if (publication !== null) return this.#tell(name, listener => tellOf(publication, listener))
    const ear = this.#ears.get(name)
    if (ear === undefined) return
    this.#options.onEvent({
      kind: 'passed-over',
      document: ear.document,
      isFirst: !ear.isStrangeTold,
      bytes: bytes.byteLength,
    })
    ear.isStrangeTold = true
  }

  #tell(channel: string, tell: (listener: RelayListener) => void): void {
    for (const listener of [...(this.#ears.get(channel)?.listeners ?? [])]) tell(listener)
  }

  #tellOne(channel: string, listener: RelayListener): void {
    if (this.#ears.get(channel)?.listeners.has(listener) === true) listener.subscribed()
  }

  /** Null: it is here again. */
  #setAway(reason: string | null): void {
    if (this.#isClosed || this.#isAway === (reason !== null)) return
    this.#isAway = reason !== null
    this.#options.onEvent(reason === null ? { kind: 'here' } : { kind: 'away', reason })
  }
}

function tellOf(publication: Publication, listener: RelayListener): void {
  switch (publication.kind) {
    case 'entries':
      return listener.entries(publication.entries)
    case 'appended':
      return listener.appended(publication.end)
    case 'base-replaced':
      return listener.baseReplaced()
    case 'epoch-ended':
      return listener.epochEnded()
    case 'presence':
      return listener.presence(publication.instance, publication.awareness, publication.whole)
    case 'presence-asked':
      return listener.presenceAsked()
    case 'stateless':
      return listener.stateless(publication.payload)
  }
}
