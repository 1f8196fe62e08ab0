/**
 * The public keys of the application as they stand at a URL (JSON Web Key Set, RFC 7517), kept and read again.
 *
 * A token that names a key (`kid`) which is not there makes the set be read again, at most once in a while however many such
 * tokens come; they wait for it, since the refusal of a token is final. While the URL cannot be read, the keys that are known
 * go on to count, for a day: an outage of the application must not end everybody's work, and a key taken out of the set
 * must not count for ever.
 */
import { createLocalJWKSet, errors, type JWTVerifyGetKey } from 'jose'
import { z } from 'zod'
import type { Clock } from '../foundation/clock.ts'
import { withDeadline } from '../foundation/deadline.ts'
import { type AuthEvent, Outage } from './auth-event.ts'
import { type Fetch, FetchFailure, fetchJson } from './fetch-json.ts'

export interface KeySetOptions {
  readonly url: string
  readonly clock: Clock
  readonly fetch: Fetch
  readonly onEvent: (event: AuthEvent) => void
}

/** There are no keys to check with. The message is one clause. */
export class KeysUnavailable extends Error {
  override name = 'KeysUnavailable'
}

/** After this long keys are read again, while the ones that are known go on to count. */
const freshMs = 10 * 60_000
const keptMsMax = 24 * 60 * 60_000
/** Between the beginnings of two readings. */
const cooldownMs = 5_000
const readingMsMax = 5_000
const bytesMax = 256 * 1024
const keysMax = 100

/** What is in a key is looked at when a token names it. */
const keySetSchema = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(keysMax) })

export class KeySet {
  readonly #options: KeySetOptions
  readonly #outage: Outage
  #keys: { readonly find: JWTVerifyGetKey; readonly readMs: number } | null = null
  #reading: Promise<void> | null = null
  #lastReadingMs = Number.NEGATIVE_INFINITY

  /** Begins to read, so that the first token need not wait and an operator sees at once that something is wrong. */
  constructor(options: KeySetOptions) {
    this.#options = options
    this.#outage = new Outage('keys', options.onEvent)
    void this.#read()
  }

  /** The key for a token. Rejects with `KeysUnavailable`, or with the errors of jose: no key, or several that may be it. */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    if (this.#ageMs() > freshMs) {
      const reading = this.#read()
      if (this.#ageMs() > keptMsMax) await reading
    }
    try {
      return await this.#findKnown(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      await this.#read()
      if (this.#outage.reason !== null) throw new KeysUnavailable(this.#outage.reason)
      return this.#findKnown(header, token)
    }
  }

  #findKnown: JWTVerifyGetKey = async (header, token) => {
    if (this.#keys === null || this.#ageMs() > keptMsMax)
      throw new KeysUnavailable(this.#outage.reason ?? 'they have not been read')
    return this.#keys.find(header, token)
  }

  #ageMs(): number {
    return this.#keys === null
      ? Number.POSITIVE_INFINITY
      : this.#options.clock.monotonic() - this.#keys.readMs
  }

  /** Resolves after the next reading, whether or not it succeeded. All who ask meanwhile share it. */
  #read(): Promise<void> {
    this.#reading ??= this.#readOnce().finally(() => {
      this.#reading = null
    })
    return this.#reading
  }

  async #readOnce(): Promise<void> {
    const { clock, fetch, url } = this.#options
    const waitMs = this.#lastReadingMs + cooldownMs - clock.monotonic()
    if (waitMs > 0) await new Promise<void>(go => clock.after(waitMs, go))
    this.#lastReadingMs = clock.monotonic()
    try {
      const { status, body } = await withDeadline({ clock, ms: readingMsMax }, signal =>
        fetchJson(fetch, url, { headers: { Accept: 'application/json' }, bytesMax, signal }),
      )
      if (status !== 200) throw new FetchFailure(`it answered ${status}`)
      const keySet = keySetSchema.safeParse(body)
      if (!keySet.success) throw new FetchFailure(`its answer is no set of at most ${keysMax} keys`)
      this.#keys = { find: createLocalJWKSet(keySet.data), readMs: clock.monotonic() }
      this.#outage.end()
    } catch (error) {
      this.#outage.begin((error as Error).message)
    }
  }
}
