/**
 * A broadcast brings the same bytes to everybody, so they are read once and then recognised. Without this the load
 * generator would be at its limit long before the server is.
 */
import type { Ranges } from './edits.ts'

const keptMax = 16
/** Comparing smaller ones costs as much as reading them. */
const keepFromBytes = 96

export class FrameMemo {
  readonly #read: (bytes: Uint8Array, start: number) => Ranges
  readonly #kept: { bytes: Buffer; ranges: Ranges }[] = []

  constructor(read: (bytes: Uint8Array, start: number) => Ranges) {
    this.#read = read
  }

  find(bytes: Buffer, start: number, end: number): Ranges {
    const length = end - start
    if (length < keepFromBytes) return this.#read(bytes, start)
    for (let i = this.#kept.length - 1; i >= 0; i--) {
      const kept = this.#kept[i]!
      if (kept.bytes.byteLength === length && bytes.compare(kept.bytes, 0, length, start, end) === 0)
        return kept.ranges
    }
    const ranges = this.#read(bytes, start)
    if (this.#kept.length >= keptMax) this.#kept.shift()
    this.#kept.push({ bytes: Buffer.from(bytes.subarray(start, end)), ranges })
    return ranges
  }
}
