/**
 * When a document's tail is worth compacting. Sizes in bytes of updates.
 */
export interface TailSize {
  readonly tailBytes: number
  readonly tailWindows: number
  readonly baseBytes: number
}

const tailBytesMin = 64 * 1024
const tailWindowsMax = 2_000
const idleWindowsMin = 64
const idleShareOfBase = 0.1

/** While people type: the tail costs every joiner raw history, a compaction costs the whole document once. */
export function isDueWhileBusy({ tailBytes, tailWindows, baseBytes }: TailSize): boolean {
  return tailBytes > Math.max(tailBytesMin, baseBytes / 2) || tailWindows > tailWindowsMax
}

/** At rest: one keystroke a minute must not rewrite 5 MB. */
export function isDueAtRest({ tailBytes, tailWindows, baseBytes }: TailSize): boolean {
  return tailWindows > idleWindowsMin || (baseBytes > 0 && tailBytes > baseBytes * idleShareOfBase)
}
