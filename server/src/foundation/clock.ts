/**
 * Time, handed in wherever something waits or measures, so that tests can move it instead of sleeping.
 */
export interface Clock {
  /** Milliseconds since 1970, for what is written down. */
  now(): number
  /** Milliseconds that only go forward, for durations. */
  monotonic(): number
  /** Calls once after `ms`; the returned function cancels. Does not keep the process alive. */
  after(ms: number, call: () => void): () => void
  /** Calls every `ms` until cancelled. Does not keep the process alive. */
  every(ms: number, call: () => void): () => void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms).unref()
    return () => clearTimeout(timer)
  },
  every(ms, call) {
    const timer = setInterval(call, ms).unref()
    return () => clearInterval(timer)
  },
}
