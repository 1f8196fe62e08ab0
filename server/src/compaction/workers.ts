/**
 * The pool of worker threads. A dead worker is replaced, and what it was doing is asked once more; a task that takes too
 * long is ended with its worker. Nobody's edit waits for a worker, except a large update for its own inspection.
 */
import type { ClientRanges } from '@syncline/shared/update/ranges'
import type { StateVector } from '@syncline/shared/update/vector'
import type { WalkLimits } from '@syncline/shared/update/walk'
import { Piscina } from 'piscina'
import type { Tasks } from './compaction-worker.ts'

/** One for compaction, one for what somebody waits for. */
const threadsMax = 2
/** An idle thread collects no garbage: what the last documents took would stay taken until it ends. */
const threadIdleMsMax = 5_000
/** A worker makes and drops whole documents. Without this bound it takes 50 MB more for them, and is about 5 % faster. */
const threadYoungGenerationMaxMb = 24
/** Tasks that wait for a thread; each holds at most one update or piece, compactions are queued before they read. */
const waitingTasksMax = 10_000
/** Far more than 100 MB of document take; a task that goes on longer has met content that Yjs cannot digest. */
const taskMsMax = 5 * 60_000
const triesMax = 2

export interface WorkersOptions {
  /** A worker died or was ended: its task is asked once more or has failed. */
  readonly onWorkerLost: (task: string, error: unknown) => void
}

export class Workers {
  readonly #pool: Piscina
  readonly #onWorkerLost: WorkersOptions['onWorkerLost']

  constructor({ onWorkerLost }: WorkersOptions) {
    this.#onWorkerLost = onWorkerLost
    const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    this.#pool = new Piscina({
      filename: new URL(`./compaction-worker.${ending}`, import.meta.url).href,
      minThreads: 0,
      maxThreads: threadsMax,
      idleTimeout: threadIdleMsMax,
      resourceLimits: { maxYoungGenerationSizeMb: threadYoungGenerationMaxMb },
      maxQueue: waitingTasksMax,
    })
  }

  inspect = (update: Uint8Array, limits: WalkLimits) => this.#run('inspect', { update, limits })
  cut = (update: Uint8Array, structs: ClientRanges, deletes: ClientRanges) =>
    this.#run('cut', { update, structs, deletes })
  split = (update: Uint8Array, pieceBytesMax: number) => this.#run('split', { update, pieceBytesMax })
  difference = (piece: Uint8Array, vector: StateVector) => this.#run('difference', { piece, vector })
  buildBase = (input: Parameters<Tasks['buildBase']>[0]) => this.#run('buildBase', input, 1)
  readContent = (input: Parameters<Tasks['readContent']>[0]) => this.#run('readContent', input, 1)
  checkContent = (input: Parameters<Tasks['checkContent']>[0]) => this.#run('checkContent', input, 1)
  prepareReplacement = (input: Parameters<Tasks['prepareReplacement']>[0]) =>
    this.#run('prepareReplacement', input, 1)

  async #run<Name extends keyof Tasks>(
    task: Name,
    argument: Parameters<Tasks[Name]>[0],
    tries = triesMax,
  ): Promise<ReturnType<Tasks[Name]>> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#pool.run({ task, argument }, { signal: AbortSignal.timeout(taskMsMax) })
      } catch (error) {
        this.#onWorkerLost(task, error)
        if (attempt >= tries) throw error
      }
    }
  }

  async close(): Promise<void> {
    await this.#pool.destroy()
  }
}
