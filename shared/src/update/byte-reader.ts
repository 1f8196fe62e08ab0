/**
 * A position in bytes from outside, and the two readings that all our formats share.
 *
 * Reading past the end or past 2^53 - 1 throws `Malformed`, which never leaves the function that was handed the
 * bytes: it is turned into an outcome there. A thrown value keeps the reading free of a check after every number.
 */

/** Why bytes were refused. No `Error`: nobody needs a stack, and whoever sends garbage should not make us build one. */
export class Malformed {
  readonly reason: string
  constructor(reason: string) {
    this.reason = reason
  }
}

const bytesOfLongestUint = 8

/** Reads numbers and lengths from front to back, without allocating. */
export class ByteReader {
  bytes: Uint8Array
  pos = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  /** How many bytes are still to be read. */
  get left(): number {
    return this.bytes.length - this.pos
  }

  byte(): number {
    if (this.pos >= this.bytes.length) throw new Malformed('it ends in the middle')
    return this.bytes[this.pos++]!
  }

  /** A variable-length number as lib0 writes it, at most 2^53 - 1. */
  uint(): number {
    const bytes = this.bytes
    if (this.pos >= bytes.length) throw new Malformed('it ends in the middle')
    const first = bytes[this.pos++]!
    return first < 0x80 ? first : this.#longUint(first & 0x7f)
  }

  #longUint(low: number): number {
    const bytes = this.bytes
    let value = low
    let factor = 128
    for (let i = 1; i < bytesOfLongestUint; i++) {
      if (this.pos >= bytes.length) throw new Malformed('it ends in the middle')
      const byte = bytes[this.pos++]!
      value += (byte & 0x7f) * factor
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) break
        return value
      }
      factor *= 128
    }
    throw new Malformed('a number in it is beyond 2^53')
  }

  /** Steps over `count` bytes. */
  skip(count: number): void {
    if (count > this.bytes.length - this.pos) throw new Malformed('it ends in the middle')
    this.pos += count
  }
}
