/**
 * How much of a random or repeated test is run, and from which seed.
 *
 * `npm test` takes the small numbers given where they are used; `npm run test:long` sets the environment to the full
 * ones. A wrong value stops the run: a typo that quietly meant "the default" would be reported as a full run.
 */

/** `count('KILLS', 5)` is SYNCLINE_TEST_KILLS, or 5. */
export function count(name: string, fallback: number): number {
  const variable = `SYNCLINE_TEST_${name}`
  const given = process.env[variable]
  if (given === undefined || given === '') return fallback
  const value = Number(given)
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new Error(`${variable} is ${JSON.stringify(given)}; it must be a whole number of at least 1`)
  }
  return value
}

/** The seed of everything random: SYNCLINE_TEST_SEED, or a fixed one, so that a failure is found again. */
export function testSeed(): number {
  return count('SEED', 20_261_121)
}

/** A small seeded source of numbers (mulberry32): equal seeds give equal runs on every machine. */
export class Random {
  #state: number
  readonly seed: number

  constructor(seed: number) {
    this.seed = seed
    this.#state = seed >>> 0
  }

  /** A number in [0, 1). */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number from 0 up to and without `end`. */
  below(end: number): number {
    return Math.floor(this.fraction() * end)
  }

  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new Error('nothing to pick from')
    return list[this.below(list.length)] as T
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length; at++) bytes[at] = this.below(256)
    return bytes
  }

  /** Printable text that does not compress to nothing. */
  text(length: number): string {
    const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789 äöü'
    let text = ''
    for (let at = 0; at < length; at++) text += alphabet[this.below(alphabet.length)]
    return text
  }
}
