/**
 * A planted fault: what lies behind gaps is not looked at when an update is compared with what is known.
 */
import { replaceSource } from './replace-source.mjs'

replaceSource('room-forget-held-ranges', 'server/src/room/known.ts', [
  ['if (held !== undefined && left.length > 0) left = subtractRanges(left, held)', ''],
])
