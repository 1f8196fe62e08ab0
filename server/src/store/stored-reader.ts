import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

/**
 * Reads back, strictly, what this server has written: whatever does not fit is an error that names what was expected and
 * where. What the bytes mean is said where they are written (`entry.ts`, `former-epoch.ts`).
 *
 * Ranges per client are written the same way everywhere, so they stand here: clients: count, then each: client · ranges:
 * count, then each: distance from the end of the range before · length (lib0 varUints).
 */

/** Half-open clock ranges per client: flat [from, to, from, to, ...], sorted. */
export type StoredRanges = ReadonlyMap<number, readonly number[]>

/** Bytes that are not of a known format: a damaged store, or one that a newer server wrote. */
export class StoredFormatError extends Error {
  override name = 'StoredFormatError'
}

export class StoredReader {
  readonly #decoder: decoding.Decoder
  readonly #kind: string

  /** `kind` is what the bytes are to be, for errors. */
  constructor(bytes: Uint8Array, kind: string) {
    this.#decoder = decoding.createDecoder(bytes)
    this.#kind = kind
  }

  /** Reads one thing; `what` it is stands in the error if it is not there. */
  expect<T>(what: string, read: (decoder: decoding.Decoder) => T): T {
    const decoder = this.#decoder
    const start = decoder.pos
    try {
      const value = read(decoder)
      // lib0 hands out a shorter view, instead of throwing, where bytes with a length end too early.
      if (decoder.pos <= decoder.arr.length) return value
    } catch (cause) {
      decoder.pos = start
      throw this.malformed(what, cause)
    }
    decoder.pos = start
    throw this.malformed(what)
  }

  uint(what: string): number {
    return this.expect(what, readUint)
  }

  /** Reads a count and as many items. Each takes at least a byte, so a count beyond the rest is a lie that costs nothing. */
  counted<T>(what: string, readItem: () => T): T[] {
    const { arr, pos } = this.#decoder
    const count = this.uint(`a number of ${what}`)
    if (count > arr.length - pos) throw this.malformed(`${count} ${what}`)
    const items: T[] = []
    for (let i = 0; i < count; i++) items.push(readItem())
    return items
  }

  clientRanges(what: string): Map<number, number[]> {
    const clients = new Map<number, number[]>()
    this.counted(`clients of ${what}`, () => {
      const client = this.uint('a client id')
      if (clients.has(client)) throw this.malformed(`each client once in ${what}, got ${client} again`)
      let end = 0
      const ranges = this.counted(what, () => {
        const from = end + this.uint(`the start of one of the ${what}`)
        const to = from + this.uint(`the length of one of the ${what}`)
        if (to <= from || to > Number.MAX_SAFE_INTEGER)
          throw this.malformed(`${what} of at least one clock below 2^53`)
        end = to
        return [from, to]
      })
      clients.set(client, ranges.flat())
    })
    return clients
  }

  end(): void {
    if (decoding.hasContent(this.#decoder)) throw this.malformed(`the end of the ${this.#kind}`)
  }

  malformed(expected: string, cause?: unknown): StoredFormatError {
    const { pos, arr } = this.#decoder
    return new StoredFormatError(
      `malformed ${this.#kind}: expected ${expected} at byte ${pos} of ${arr.length}`,
      { cause },
    )
  }
}

/** Throws a `StoredFormatError` for ranges that could not be read back as they are. */
export function writeClientRanges(encoder: encoding.Encoder, clients: StoredRanges): void {
  encoding.writeVarUint(encoder, clients.size)
  for (const [client, ranges] of clients) {
    encoding.writeVarUint(encoder, client)
    encoding.writeVarUint(encoder, ranges.length / 2)
    let end = 0
    for (let i = 0; i < ranges.length; i += 2) {
      const from = ranges[i]!
      const to = ranges[i + 1]!
      // A negative number would be written as some other one without a sound, and be found when it is too late.
      if (!(from >= end && to > from))
        throw new StoredFormatError(`expected sorted ranges, got ${from} to ${to} after ${end}`)
      encoding.writeVarUint(encoder, from - end)
      encoding.writeVarUint(encoder, to - from)
      end = to
    }
  }
}

/** lib0 stops at 2^53 only between two bytes, so the last one can still carry a number past it. */
function readUint(decoder: decoding.Decoder): number {
  const value = decoding.readVarUint(decoder)
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is beyond 2^53`)
  return value
}
