/**
 * Keeps bytes that several ask for within a short time, under one bound for all of them: least recently used goes first.
 * Whoever asks while the bytes are still being fetched waits for the same fetch. What only one asks for is not kept: after a
 * restart every document is opened once, and that must not fill the memory.
 */
export class ByteCache {
  readonly #bytesMax: number
  /** In the order of use, least recent first: a Map keeps the order of insertion. */
  readonly #kept = new Map<string, Uint8Array>()
  readonly #fetching = new Map<string, Promise<Uint8Array | null>>()
  #bytes = 0
  /** What was asked for since the last sweep, and whether more than once. */
  readonly #asked = new Map<string, boolean>()

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Null where there is nothing (any more); that is not kept. */
  get(key: string, fetch: () => Promise<Uint8Array | null>): Promise<Uint8Array | null> | Uint8Array {
    this.#asked.set(key, this.#asked.has(key))
    const kept = this.#kept.get(key)
    if (kept !== undefined) {
      this.#kept.delete(key)
      this.#kept.set(key, kept)
      return kept
    }
    return this.#fetching.get(key) ?? this.#fetch(key, fetch)
  }

  /** Lets go of what nobody has asked for since the last sweep: after a storm the memory is worth more elsewhere. */
  sweep(): void {
    for (const [key, { byteLength }] of this.#kept) {
      if (this.#asked.has(key)) continue
      this.#kept.delete(key)
      this.#bytes -= byteLength
    }
    this.#asked.clear()
  }

  #fetch(key: string, fetch: () => Promise<Uint8Array | null>): Promise<Uint8Array | null> {
    const fetching = fetch().then(bytes => {
      if (bytes !== null && this.#asked.get(key) === true) this.#keep(key, bytes)
      return bytes
    })
    this.#fetching.set(key, fetching)
    const done = () => this.#fetching.delete(key)
    fetching.then(done, done)
    return fetching
  }

  #keep(key: string, bytes: Uint8Array): void {
    if (bytes.byteLength > this.#bytesMax) return
    this.#kept.set(key, bytes)
    this.#bytes += bytes.byteLength
    for (const [oldest, { byteLength }] of this.#kept) {
      if (this.#bytes <= this.#bytesMax) return
      this.#kept.delete(oldest)
      this.#bytes -= byteLength
    }
  }
}
