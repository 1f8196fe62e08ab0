/**
 * A planted fault: authors are told that a window is saved when its commit begins. The commit then takes a little, as on a busy
 * disk, or a kill would have to be lucky to come in between.
 */
import { replaceSource } from './replace-source.mjs'

// Without the echo of own edits that were cut: that is what is shown, and this fault is about what is told.
const commit = 'this.#options.queue.commit(batch.arrivals.map(({ onSaved, ...arrival }) => arrival))'
const append = 'const appended = await this.#append(batch)'
replaceSource('acknowledge-before-flush', 'server/src/room/committer.ts', [
  ['    queue.commit(arrivals)\n', ''],
  [append, `${commit}\n    await new Promise(resolve => setTimeout(resolve, 100))\n    ${append}`],
])
