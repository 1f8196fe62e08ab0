/**
 * Makes a server fail at a named point of its way: the test's side of `planted/plants/failpoints.mjs`, which lives in the server.
 * A failpoint is armed from outside while the server runs, so that its start and its first joins pass unharmed.
 */
import { randomUUID } from 'node:crypto'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { plant } from './plant.ts'
import type { ServerOptions, ServerProcess } from './server-process.ts'
import { waitUntil } from './wait-until.ts'

/** Inside a compaction's swap, in the order in which they are passed. */
export const swapFailpoints = [
  'base-pieces-written',
  'before-base-swap-commit',
  'base-swapped',
  'tail-trimming',
] as const

/** Inside the replacement of a document, in the same way. */
export const replacementFailpoints = [
  'replacement-written',
  'before-replacement-commit',
  'document-replaced',
] as const

/** Where entries move from the table that takes them to their document's place, and are removed from it. */
export const filingFailpoints = ['recent-filed', 'recent-swept'] as const

export type Failpoint =
  | (typeof swapFailpoints)[number]
  | (typeof replacementFailpoints)[number]
  | (typeof filingFailpoints)[number]
  | 'before-append-commit'
  | 'append-committed'
  | 'worker-buildBase'
  | 'worker-prepareReplacement'
  | 'worker-inspect'
  | 'worker-cut'
  | 'worker-difference'

export type FailpointAction = 'kill' | 'exit' | 'throw' | 'hold'

export class Failpoints implements Disposable {
  readonly #file = path.join(tmpdir(), `syncline-failpoint-${randomUUID()}`)

  /** For `startServer`. */
  get options(): Required<Pick<ServerOptions, 'imports' | 'env'>> {
    return { imports: [plant('failpoints')], env: { FAILPOINT_FILE: this.#file } }
  }

  /** From now on, the `passage`-th time that somebody comes by. Fires once, but `hold`, which lasts until `disarm`. */
  arm(failpoint: Failpoint, action: FailpointAction, passage = 1): void {
    // Renamed into place: a server that read half a line would pass by.
    const unfinished = `${this.#file}-new`
    writeFileSync(unfinished, `${failpoint} ${action} ${passage}`)
    renameSync(unfinished, this.#file)
  }

  /** Also lets go on what is held. */
  disarm(): void {
    rmSync(this.#file, { force: true })
  }

  /** How often it has fired in this server. */
  fired(server: ServerProcess, failpoint: Failpoint): number {
    return server.stderr.split('\n').filter(line => line.startsWith(`failpoint ${failpoint} `)).length
  }

  async waitUntilFired(server: ServerProcess, failpoint: Failpoint, timeoutMs?: number): Promise<void> {
    await waitUntil(`the server to come by ${failpoint}`, () => this.fired(server, failpoint) > 0, {
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      found: () => server.stderr.slice(-1_000),
    })
  }

  [Symbol.dispose](): void {
    this.disarm()
  }
}
