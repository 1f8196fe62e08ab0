import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { SavedEntry } from './store-evidence.ts'

/**
 * Runs `store-program.ts` in a process of its own and listens to it.
 */
export interface StoreProcess {
  readonly child: ChildProcess
  /** What it was told is saved, so far. */
  readonly saved: readonly SavedEntry[]
  /** Everything else that it said: changes of health. */
  readonly said: readonly { health: string; reason: string }[]
  readonly stderr: string
  /** Resolves when it has ended and all that it said has been heard. */
  readonly ended: Promise<NodeJS.Signals | number>
}

export function startStoreProcess(
  folder: string,
  mode: 'load' | 'one-append',
  options: { readonly imports?: readonly string[]; readonly env?: NodeJS.ProcessEnv } = {},
): StoreProcess {
  const imports = (options.imports ?? []).flatMap(url => ['--import', url])
  const program = join(import.meta.dirname, 'store-program.ts')
  const child = spawn(process.execPath, ['--conditions=syncline-source', ...imports, program, folder, mode], {
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const saved: SavedEntry[] = []
  const said: { health: string; reason: string }[] = []
  let unfinished = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (unfinished + text).split('\n')
    // The kill may cut the last line: what was not said whole was not said.
    unfinished = lines.pop()!
    for (const line of lines.map(line => JSON.parse(line)))
      (line.nonce === undefined ? said : saved).push(line)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = once(child, 'close').then(([code, signal]) => (signal ?? code) as NodeJS.Signals | number)
  return {
    child,
    saved,
    said,
    get stderr() {
      return stderr
    },
    ended,
  }
}

/** The address of a module beside this one, for `imports`. */
export function besides(name: string): string {
  return pathToFileURL(join(import.meta.dirname, name)).href
}
