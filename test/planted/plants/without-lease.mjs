/**
 * A planted fault: everybody compacts, whoever else is at it, and whoever came too late tries again as soon as the others. The
 * lease saves work, and nothing may depend on it. A base takes a little, as that of a large document does, or they would seldom meet.
 */
import { replaceSource } from './replace-source.mjs'

replaceSource('without-lease', 'server/src/room/shrinking.ts', [
  [
    'await this.#options.log.claimCompaction(this.#options.document).catch(() => null)',
    '(() => {}) as (() => void) | null',
  ],
  ['this.#failedAtWindows = tail.windows', ''],
])

const swap = 'const replaced = await this.#log.replaceBase('
replaceSource('without-lease', 'server/src/compaction/compactor.ts', [
  [swap, `await new Promise(resolve => setTimeout(resolve, 100))\n    ${swap}`],
])
