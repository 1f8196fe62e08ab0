/**
 * A planted fault: the state vector counts what lies behind a Skip, so that what the Skip stands for is taken for known.
 */
import { replaceSource } from './replace-source.mjs'

replaceSource('room-count-over-gaps', 'server/src/room/known.ts', [
  ['if (ranges[i]! <= clock) clock =', 'clock ='],
  ['else addRange(held, ranges[i]!, ranges[i + 1]!)', ''],
])
