/**
 * What authentication tells its operator, for logs and metrics. Nothing depends on it being heard.
 */

/** What lies outside of this server, and may be away: key set, callback, the list of revocations. */
export type AuthPart = 'keys' | 'callback' | 'revocations'

export type AuthEvent =
  /** `reason` is one sentence without a token. */
  | { readonly kind: 'away'; readonly part: AuthPart; readonly reason: string }
  | { readonly kind: 'here'; readonly part: AuthPart }
  /** How many are kept from now on. */
  | { readonly kind: 'revocations'; readonly count: number }

/** Tells when a part goes away and when it comes back, once each: a part that is away is asked all the time. */
export class Outage {
  readonly #part: AuthPart
  readonly #onEvent: (event: AuthEvent) => void
  #reason: string | null = null

  constructor(part: AuthPart, onEvent: (event: AuthEvent) => void) {
    this.#part = part
    this.#onEvent = onEvent
  }

  /** Why it is away, or null. */
  get reason(): string | null {
    return this.#reason
  }

  begin(reason: string): void {
    if (this.#reason === null) this.#onEvent({ kind: 'away', part: this.#part, reason })
    this.#reason = reason
  }

  end(): void {
    if (this.#reason !== null) this.#onEvent({ kind: 'here', part: this.#part })
    this.#reason = null
  }
}
