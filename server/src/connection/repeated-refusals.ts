/**
 * Whether somebody was refused a short while ago, and how a refusal is told then: some clients come back the moment they are told,
 * and for ever. The second time within a minute they wait for it, and so many may wait that it does not become a burden itself.
 */
import { hash } from 'node:crypto'
import type { Clock } from '../foundation/clock.ts'
import { Tally } from '../foundation/tally.ts'
import type { ClientAddress } from '../http/client-address.ts'

export type Telling =
  | { readonly how: 'at-once' }
  /** After the delay. To be released when it was told, or when whoever waits for it has gone. */
  | { readonly how: 'later'; readonly delayMs: number; readonly release: () => void }
  /** Too many wait already: the socket is ended without a word. */
  | { readonly how: 'never' }

const rememberMs = 60_000
const delayMs = 5_000
/** Refusals that are remembered; of more, the oldest are forgotten. */
const rememberedMax = 10_000
/** Refused ones that may wait to be told so. */
const waitingMax = 2_000
const waitingPerAddressMax = 200

export class RepeatedRefusals {
  readonly #clock: Clock
  /** When each was refused last, the oldest first: a Map keeps the order of insertion. */
  readonly #refusedMs = new Map<string, number>()
  readonly #waiting = new Tally({ max: waitingMax, perAddressMax: waitingPerAddressMax })

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Refusals that are remembered. */
  get remembered(): number {
    return this.#refusedMs.size
  }

  /** Refused ones that wait to be told so. */
  get waiting(): number {
    return this.#waiting.all
  }

  /** Notes that a token, or somebody without one, was refused. */
  note(token: string | null, address: ClientAddress): Telling {
    return this.#isRepeated(token, address) ? this.#wait(address) : { how: 'at-once' }
  }

  #isRepeated(token: string | null, { counted }: ClientAddress): boolean {
    const nowMs = this.#clock.monotonic()
    const key = `${token === null ? 'none' : hash('sha256', token)} ${counted}`
    const lastMs = this.#refusedMs.get(key) ?? Number.NEGATIVE_INFINITY
    this.#refusedMs.delete(key)
    this.#refusedMs.set(key, nowMs)
    this.#forget(nowMs - rememberMs)
    return nowMs - lastMs < rememberMs
  }

  #forget(beforeMs: number): void {
    for (const [key, refusedMs] of this.#refusedMs) {
      if (refusedMs > beforeMs && this.#refusedMs.size <= rememberedMax) return
      this.#refusedMs.delete(key)
    }
  }

  #wait(address: ClientAddress): Telling {
    const counted = this.#waiting.take(address)
    return counted.ok ? { how: 'later', delayMs, release: counted.release } : { how: 'never' }
  }
}
