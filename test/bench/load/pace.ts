/**
 * Lets everybody send at an own moment of the same period, however many they are. A late turn sends what is due at once,
 * and the latency counts from the moment of sending: a server is not charged for a generator that was late.
 */
const turnMs = 1

/** Calls `send` for each of `count` every `periodMs` until the function that it returns is called. */
export function pace(count: number, periodMs: number, send: (index: number) => void): () => void {
  const startMs = performance.now()
  let next = 0
  let timer: NodeJS.Timeout
  const turn = () => {
    const due = ((performance.now() - startMs) / periodMs) * count
    // The generator was held up for longer than a period: what was missed is left out, or it would never catch up.
    if (due - next > count) next = Math.floor(due - count)
    for (; next < due; next++) send(next % count)
    timer = setTimeout(turn, turnMs)
  }
  turn()
  return () => clearTimeout(timer)
}
