/**
 * How far something is, in one line on a terminal that is written over and over. Nobody else is shown it: a script reads what
 * came of it. Forty lines of ours stand for a dependency with formats, colours and several bars, of which we need none.
 */
import type { Progress } from '../store/update-log.ts'

export interface ProgressLine {
  show(progress: Progress): void
  /** Takes the line away. */
  clear(): void
}

/** A terminal does not need it more often, and a slow one would hold up the work. */
const pauseMs = 100
const barCharacters = 24
const clearLine = '\r\x1b[K'

export function progressLine(
  what: string,
  terminal: { readonly write: ((text: string) => void) | null; readonly nowMs: () => number },
): ProgressLine {
  const { write, nowMs } = terminal
  if (write === null) return { show() {}, clear() {} }
  let shownMs = Number.NEGATIVE_INFINITY
  return {
    show({ done, total }) {
      if (nowMs() - shownMs < pauseMs) return
      shownMs = nowMs()
      const share = total > 0 ? Math.min(done / total, 1) : 1
      const bar = '#'.repeat(Math.floor(share * barCharacters)).padEnd(barCharacters, '.')
      write(`${clearLine}${what} [${bar}] ${Math.floor(share * 100)} %`)
    },
    clear() {
      if (shownMs !== Number.NEGATIVE_INFINITY) write(clearLine)
    },
  }
}
