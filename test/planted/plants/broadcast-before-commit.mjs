/**
 * A planted fault: everybody is shown a window when its commit begins. The commit then takes a little, as on a busy disk, or a
 * kill would have to be lucky to come in between.
 */
import { replaceSource } from './replace-source.mjs'

const append = 'const appended = await this.#append(batch)'
const early = `
    this.#options.onTold(
      batch.drafts.map(({ content }, i) => ({ seq: following.end.seq + 1 + i, ...content })),
      { ms: 0, updates: 0 },
    )
    await new Promise(resolve => setTimeout(resolve, 100))
`
replaceSource('broadcast-before-commit', 'server/src/room/committer.ts', [
  ['    onTold(windows, { ms: this.#committedMs - startedMs, updates: arrivals.length })\n', ''],
  [append, `${early}    ${append}`],
])
