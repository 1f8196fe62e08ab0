/**
 * The log in memory behind a door: appends can be held back, fail, or never come back, and what is in the log can be read at
 * any moment, without a promise.
 */
import type { Entry } from '@syncline/server/internal/store/entry'
import { createMemoryLog } from '@syncline/server/internal/store/memory-log'
import type { Appended, NewBase, Replaced, UpdateLog } from '@syncline/server/internal/store/update-log'
import type { TestClock } from './room-clock.ts'

export interface TestLog extends UpdateLog {
  /** Appends wait from now on, until they are let through one by one or all. */
  hold(): void
  /** Lets the oldest append through that waits; false if none does. */
  letOne(): boolean
  /** Lets all through that wait, and holds back none any more. */
  release(): void
  /** The next append is rejected with this: the entry can never be taken. */
  refuse(error: Error): void
  /** Appends that wait. */
  readonly held: number
  /** The updates of every entry that was ever appended, in order: bases do not change it. */
  readonly appended: readonly { readonly document: string; readonly entry: Entry }[]
  /** Bases that were put under the log. */
  readonly bases: readonly NewBase[]
  readonly droppedGenerations: readonly number[]
  /** Bases are put under the log from now on, and nobody is told: the process ends right after the swap. */
  swapSilently: boolean
  /** Called before a piece is answered; for tests that let something happen in the middle of a join. */
  onReadPiece: (generation: number, piece: number) => void | Promise<void>
  /** The process is gone: what waits is never answered, and nothing that is asked from now on. Gives what it left behind. */
  kill(options: { readonly keepHeld: number }): Promise<TestLog>
}

interface Waiting {
  readonly go: () => Promise<void>
}

/** A log in memory; `memory` is handed on when a killed one is opened again. */
export function createTestLog(
  clock: TestClock,
  memory: UpdateLog = createMemoryLog({ clock }),
  appended: { document: string; entry: Entry }[] = [],
): TestLog {
  const waiting: Waiting[] = []
  const bases: NewBase[] = []
  const droppedGenerations: number[] = []
  let holding = false
  let dead = false
  let refusal: Error | null = null
  const never = <T>() => new Promise<T>(() => {})
  const unlessDead = <T>(call: () => Promise<T>): Promise<T> => (dead ? never<T>() : call())

  async function appendNow(...append: Parameters<UpdateLog['append']>): Promise<Appended> {
    const [document, , entries] = append
    const result = await memory.append(...append)
    for (const entry of entries) appended.push({ document, entry })
    return result
  }

  return {
    ...memory,
    load: document => unlessDead(() => memory.load(document)),
    readEntries: (document, after, bytesMax) =>
      unlessDead(() => memory.readEntries(document, after, bytesMax)),
    async readPiece(document, generation, piece) {
      if (dead) return never()
      await this.onReadPiece(generation, piece)
      return memory.readPiece(document, generation, piece)
    },
    append(...append) {
      if (dead) return never()
      if (refusal !== null) {
        const error = refusal
        refusal = null
        return Promise.reject(error)
      }
      if (!holding) return appendNow(...append)
      return new Promise((resolve, reject) => {
        const go = () => appendNow(...append).then(result => (dead ? undefined : resolve(result)), reject)
        waiting.push({ go })
      })
    },
    async replaceBase(document, expected, base): Promise<Replaced> {
      if (dead) return never()
      const replaced = await memory.replaceBase(document, expected, base)
      if (replaced.ok) bases.push(base)
      return dead || this.swapSilently ? never() : replaced
    },
    async dropGeneration(document, generation) {
      if (dead) return never()
      droppedGenerations.push(generation)
      await memory.dropGeneration(document, generation)
    },
    hold() {
      holding = true
    },
    letOne() {
      const next = waiting.shift()
      void next?.go()
      return next !== undefined
    },
    release() {
      holding = false
      for (const { go } of waiting.splice(0)) void go()
    },
    refuse(error) {
      refusal = error
    },
    get held() {
      return waiting.length
    },
    appended,
    bases,
    droppedGenerations,
    swapSilently: false,
    onReadPiece: () => {},
    async kill({ keepHeld }) {
      dead = true
      for (const { go } of waiting.splice(0).slice(0, keepHeld)) await go()
      return createTestLog(clock, memory, appended)
    },
  }
}
