/**
 * No fault: compaction becomes due at every 60 windows, so that a second of typing passes its swap several times.
 */
import { replaceSource } from './replace-source.mjs'

replaceSource('eager-compaction', 'server/src/room/compaction-due.ts', [
  ['const tailWindowsMax = 2_000', 'const tailWindowsMax = 60'],
])
