/**
 * Changes the source text of one module of a server before it is loaded: the way in which faults are planted, so that the
 * product has no switch for them. To be given to the server by `--import`; its threads inherit that.
 *
 * A replacement that does not fit exactly once ends the server: a plant that planted nothing would let every test that looks
 * for its consequences pass for the wrong reason. One that was planted says so on stderr (`planted NAME in FILE`).
 */
import { writeSync } from 'node:fs'
import { registerHooks } from 'node:module'

const stderr = 2

/** Replaces each `[before, after]` in the module whose path ends in `file`. */
export function replaceSource(name, file, replacements) {
  changeSource(name, file, source => {
    let changed = source
    for (const [before, after] of replacements) {
      const parts = changed.split(before)
      if (parts.length !== 2) {
        throw new Error(
          `plant ${name}: found ${JSON.stringify(before)} ${parts.length - 1} times in ${file}, expected it once`,
        )
      }
      changed = parts.join(after)
    }
    return changed
  })
}

/** Passes the source text of the module whose path ends in `file` through `change`, which has to change something. */
export function changeSource(name, file, change) {
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context)
      if (!url.endsWith(`/${file}`)) return loaded
      const before = String(loaded.source)
      const source = change(before)
      if (source === before) throw new Error(`plant ${name}: nothing was changed in ${file}`)
      writeSync(stderr, `planted ${name} in ${file}\n`)
      return { ...loaded, source }
    },
  })
}
