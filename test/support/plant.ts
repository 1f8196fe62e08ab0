/**
 * The faults that tests plant into a server, by name: modules of `planted/plants`, given to the child by `--import`.
 */
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ServerProcess } from './server-process.ts'

const plantsFolder = path.resolve(import.meta.dirname, '../planted/plants')

/** For `imports` of `startServer`. */
export function plant(name: string): string {
  return pathToFileURL(path.join(plantsFolder, `${name}.mjs`)).href
}

/** Throws if a plant is not in the sources that this server runs: whatever it did then proves nothing. */
export function assertPlanted(server: ServerProcess, name: string, file: string): void {
  if (server.stderr.includes(`planted ${name} in ${file}\n`)) return
  throw new Error(`${name} was not planted in ${file}; the server says ${server.stderr.slice(0, 2_000)}`)
}
