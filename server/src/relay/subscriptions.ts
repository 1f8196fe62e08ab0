/**
 * Which channels this instance hears: keeps the subscriptions of one connection equal to what is wanted, however often they
 * change meanwhile and the connection is lost, and tells of each when it is there.
 *
 * It subscribes by itself after every connection, not by ioredis: whoever reads what was missed has to know when the
 * subscription is there again, `ready` comes before that, and ioredis tells nobody of the reply. Per channel one command is
 * under way at a time, so the last wish is what stays.
 */
import { Cluster, type Redis } from 'ioredis'
import type { Clock } from '../foundation/clock.ts'
import type { RedisConnection } from '../store/redis-connection.ts'

/** SSUBSCRIBEs and SUNSUBSCRIBEs under way; the others wait for their turn. */
const askedAtOnceMax = 256
const retryMsMin = 100
const retryMsMax = 5_000
const pingEveryMs = 5_000

export interface SubscriptionsOptions {
  /** For this alone. */
  readonly subscriber: RedisConnection
  readonly clock: Clock
  /** Whatever is published from now on is heard; what was published before may have been missed. */
  readonly onSubscribed: (channel: string) => void
  /** Redis refuses subscriptions, though it is there. They are asked for again; that is not told anew each time. */
  readonly onRefused: (reason: string) => void
}

interface Subscription {
  isWanted: boolean
  isAsking: boolean
  /** An SSUBSCRIBE was sent, whatever became of it. */
  wasAsked: boolean
  /** The session in which Redis has said that it is there. */
  heardIn: number | null
}

export class Subscriptions {
  readonly #options: SubscriptionsOptions
  readonly #subscriptions = new Map<string, Subscription>()
  /** Channels that are not, or may not be, as they are wanted. */
  readonly #unsettled = new Set<string>()
  /** Counts the connections: nothing of a former one holds. */
  #session = 0
  #asking = 0
  #failures = 0
  #cancelRetry: (() => void) | null = null
  #isClosed = false
  readonly #stopPinging: () => void

  constructor(options: SubscriptionsOptions) {
    this.#options = options
    const { subscriber, clock } = options
    subscriber.on('ready', () => this.#beginSession())
    // A Cluster has a subscribing connection for each master, and makes them anew without being `ready` again.
    if (subscriber instanceof Cluster) subscriber.on('subscribersReady', () => this.#beginSession())
    this.#stopPinging = subscriber instanceof Cluster ? () => {} : keepAlive(subscriber, clock)
  }

  want(channel: string): void {
    const subscription = this.#subscriptions.get(channel)
    if (subscription !== undefined) subscription.isWanted = true
    else this.#subscriptions.set(channel, { isWanted: true, isAsking: false, wasAsked: false, heardIn: null })
    this.#settle(channel)
  }

  unwant(channel: string): void {
    const subscription = this.#subscriptions.get(channel)
    if (subscription === undefined) return
    subscription.isWanted = false
    this.#settle(channel)
  }

  isHeard(channel: string): boolean {
    return this.#subscriptions.get(channel)?.heardIn === this.#session
  }

  /** Whoever handed in the connection ends it. */
  close(): void {
    this.#isClosed = true
    this.#stopPinging()
    this.#cancelRetry?.()
    this.#subscriptions.clear()
    this.#unsettled.clear()
  }

  #beginSession(): void {
    this.#session++
    for (const channel of this.#subscriptions.keys()) this.#unsettled.add(channel)
    this.#askNext()
  }

  #settle(channel: string): void {
    this.#unsettled.add(channel)
    this.#askNext()
  }

  #askNext(): void {
    for (const channel of this.#unsettled) {
      // Otherwise the next session or the timer goes on.
      if (this.#asking >= askedAtOnceMax || this.#cancelRetry !== null || !this.#isReady) return
      this.#unsettled.delete(channel)
      const subscription = this.#subscriptions.get(channel)
      // One that is being asked about looks at what is wanted when it has its answer.
      if (subscription !== undefined && !subscription.isAsking) void this.#ask(channel, subscription)
    }
  }

  get #isReady(): boolean {
    return !this.#isClosed && this.#session > 0 && this.#options.subscriber.status === 'ready'
  }

  async #ask(channel: string, subscription: Subscription): Promise<void> {
    this.#asking++
    subscription.isAsking = true
    try {
      if (subscription.isWanted) await this.#subscribe(channel, subscription)
      else await this.#unsubscribe(channel, subscription)
      this.#failures = 0
    } catch (error) {
      this.#retryLater(error)
    }
    subscription.isAsking = false
    this.#asking--
    if (this.#isClosed) return
    const { isWanted, wasAsked, heardIn } = subscription
    if (isWanted ? heardIn !== this.#session : wasAsked) this.#unsettled.add(channel)
    else if (!isWanted) this.#subscriptions.delete(channel)
    this.#askNext()
  }

  async #subscribe(channel: string, subscription: Subscription): Promise<void> {
    const { subscriber, onSubscribed } = this.#options
    const session = this.#session
    if (subscription.heardIn === session) return
    // A Cluster remembers channels by itself, once for each time that they are asked for, until they are let go.
    if (subscription.wasAsked && subscriber instanceof Cluster)
      subscriber.sunsubscribe(channel).catch(() => {})
    subscription.wasAsked = true
    await subscriber.ssubscribe(channel)
    if (this.#isClosed || session !== this.#session) return
    subscription.heardIn = session
    onSubscribed(channel)
  }

  async #unsubscribe(channel: string, subscription: Subscription): Promise<void> {
    if (!subscription.wasAsked) return
    subscription.heardIn = null
    await this.#options.subscriber.sunsubscribe(channel)
    subscription.wasAsked = false
  }

  /** A lost connection is followed by the next one; what Redis refuses while it is there is asked again in a while. */
  #retryLater(error: unknown): void {
    if (!this.#isReady || this.#cancelRetry !== null) return
    if (this.#failures === 0) this.#options.onRefused(error instanceof Error ? error.message : String(error))
    const ms = Math.min(retryMsMax, retryMsMin * 2 ** this.#failures++)
    this.#cancelRetry = this.#options.clock.after(ms * (0.5 + Math.random() / 2), () => {
      this.#cancelRetry = null
      this.#askNext()
    })
  }
}

/** Asks for an answer now and then, since a connection that waits for none is never found silent (`redis-connection.ts`). */
function keepAlive(subscriber: Redis, clock: Clock): () => void {
  return clock.every(pingEveryMs, () => {
    if (subscriber.status === 'ready') subscriber.ping().catch(() => {})
  })
}
