import { randomFillSync } from 'node:crypto'

/**
 * Draws the 8 random bytes of links and epochs.
 *
 * Many at a time: a call to the system's generator costs more than all the rest of an append.
 */
const drawnAtOnceBytes = 8_192
const pool = Buffer.alloc(drawnAtOnceBytes)
let used = drawnAtOnceBytes

/** 8 bytes that nobody else has; they stay what they are. */
export function draw8Bytes(): Buffer {
  if (used === drawnAtOnceBytes) {
    randomFillSync(pool)
    used = 0
  }
  used += 8
  return Buffer.from(pool.subarray(used - 8, used))
}
