/**
 * Millions of latencies, counted in buckets of 0.01 ms below 100 ms and of 1 ms up to a minute: constant memory, and a
 * percentile that is never more wrong than a bucket is wide.
 */
const fineMs = 100
const fineBuckets = 10_000
const coarseBuckets = 60_000

export class Latencies {
  readonly #fine = new Uint32Array(fineBuckets)
  readonly #coarse = new Uint32Array(coarseBuckets)
  count = 0
  max = 0

  add(ms: number): void {
    this.count++
    if (ms > this.max) this.max = ms
    if (ms < fineMs) this.#fine[ms > 0 ? (ms * 100) | 0 : 0]!++
    else this.#coarse[Math.min(ms | 0, coarseBuckets - 1)]!++
  }

  /** The latency that `fraction` of all do not exceed, or null without any. */
  percentile(fraction: number): number | null {
    if (this.count === 0) return null
    let left = Math.ceil(this.count * fraction)
    for (let i = 0; i < fineBuckets; i++) {
      left -= this.#fine[i]!
      if (left <= 0) return (i + 1) / 100
    }
    for (let i = 0; i < coarseBuckets; i++) {
      left -= this.#coarse[i]!
      if (left <= 0) return i + 1
    }
    return this.max
  }
}
