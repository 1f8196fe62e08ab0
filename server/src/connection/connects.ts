/**
 * How many connects per second may come from one address. They are counted over windows of ten seconds: after a restart a whole
 * office comes back at once, and what is too much is what goes on.
 */
import { RateLimiterMemory } from 'rate-limiter-flexible'
import type { Clock } from '../foundation/clock.ts'
import { AppError } from '../foundation/errors.ts'
import type { ClientAddress } from '../http/client-address.ts'
import { type OverLimit, overLimit } from './over-limit.ts'

export interface ConnectsLimits {
  readonly perAddressAndSecondMax: number
}

const windowSeconds = 10
/**
 * New addresses that are counted in one window, for the memory that each takes. Beyond it they pass: somebody who has so many is not
 * held up by a limit for each, and the limits for all together still hold.
 */
const countedAddressesMax = 50_000

export class Connects {
  readonly #limits: ConnectsLimits
  readonly #clock: Clock
  readonly #limiter: RateLimiterMemory
  readonly #addressesMax: number
  #windowStartMs: number
  /** Addresses that were new in this window. */
  #addresses = 0

  constructor(limits: ConnectsLimits, clock: Clock, addressesMax = countedAddressesMax) {
    this.#limits = limits
    this.#clock = clock
    this.#addressesMax = addressesMax
    this.#limiter = new RateLimiterMemory({ points: this.#connectsMax, duration: windowSeconds })
    this.#windowStartMs = clock.monotonic()
  }

  /** Counts one connect; null lets it pass. */
  async note({ counted, isLocal }: ClientAddress): Promise<OverLimit | null> {
    if (isLocal || (this.#isCrowded() && (await this.#limiter.get(counted)) === null)) return null
    // Counts like `consume`, and does not throw where it is too much.
    const { consumedPoints, isFirstInDuration } = await this.#limiter.penalty(counted)
    if (isFirstInDuration) this.#addresses++
    if (consumedPoints <= this.#connectsMax) return null
    const { perAddressAndSecondMax: connectsPerSecondMax } = this.#limits
    return overLimit(
      'limitConnectsPerAddressAndSecond',
      new AppError('TOO_MANY_CONNECTS', { connectsPerSecondMax }),
    )
  }

  get #connectsMax(): number {
    return this.#limits.perAddressAndSecondMax * windowSeconds
  }

  #isCrowded(): boolean {
    const nowMs = this.#clock.monotonic()
    if (nowMs - this.#windowStartMs >= windowSeconds * 1000) {
      this.#windowStartMs = nowMs
      this.#addresses = 0
    }
    return this.#addresses >= this.#addressesMax
  }
}
