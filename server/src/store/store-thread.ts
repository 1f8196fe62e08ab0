import { Worker } from 'node:worker_threads'
import type { Clock } from '../foundation/clock.ts'
import type { Answer, FromThread, Request, RequestKind, Requests, ToThread } from './disk-requests.ts'
import { Gathering } from './gathering.ts'
import type { StoreEvent } from './store-event.ts'
import { createTroubleHealth, type TroubleHealth } from './store-health.ts'
import { StoreOpenError } from './store-open-error.ts'
import { HistoryRewritten, LogDamage, LogRefusal, type Progress } from './update-log.ts'

/**
 * The main thread's side of the store thread: carries requests over and answers back, and keeps a thread alive.
 *
 * Requests of one turn of the event loop go over in one message, so that they can be committed together. A thread that dies is
 * replaced, and what it has not answered is asked again in the same order: an append that it had committed is recognised
 * by its nonces, a base by its own. There is no last attempt, only a longest pause: giving up would turn a wait into a loss,
 * and those who wait have limits of their own.
 */
export interface StoreThread {
  /** Rejects with a `LogRefusal` for what can never be done, with an `Error` for what may be asked again. */
  ask<K extends RequestKind>(
    kind: K,
    ask: Requests[K]['ask'],
    onProgress?: (progress: Progress) => void,
  ): Promise<Requests[K]['answer']>
  readonly health: TroubleHealth
  /**
   * Waits for what was asked, within limits. False when the thread would not end: it may still write, so nobody else may
   * be let into the folder while this process lives.
   */
  close(): Promise<boolean>
}

const tryAgainPauseMs = 250
const restartPauseFirstMs = 100
const restartPauseMaxMs = 10_000
const silenceCheckMs = 500
const closeWaitMaxMs = 10_000
const terminateWaitMaxMs = 1_000
const requestsWaitingMax = 262_144

/** Kinds that are answered within a few turns of a thread that works. */
const shortKinds: ReadonlySet<RequestKind> = new Set(['append', 'load', 'read', 'piece', 'list'])

interface Unanswered {
  readonly request: Request
  readonly askedMs: number
  resolve(value: unknown): void
  reject(error: Error): void
  readonly onProgress: ((progress: Progress) => void) | undefined
}

interface Running {
  readonly worker: Worker
  opened: boolean
  /** When it last said something, on the monotonic clock. */
  heardMs: number
  /** Why it ended, if it said so. */
  error: Error | null
}

/** Starts a thread for a store file. Rejects with a `StoreOpenError` if that cannot be opened. */
export async function startStoreThread(options: {
  readonly file: string
  readonly clock: Clock
  readonly onEvent: (event: StoreEvent) => void
  /** A thread that says nothing for so long, while a short request waits, counts as away. */
  readonly graceMs: number
}): Promise<StoreThread> {
  const { file, clock, onEvent, graceMs } = options
  const health = createTroubleHealth(clock, onEvent)
  const unanswered = new Map<number, Unanswered>()
  let outbox: Request[] = []
  let flushScheduled = false
  const gathering = new Gathering()
  let lastId = 0
  let running: Running | null = null
  let deathsInARow = 0
  let closed: Promise<boolean> | null = null
  let cancelRestart = () => {}
  const firstOpening = Promise.withResolvers<void>()
  let openedOnce = false

  function startThread(): void {
    const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const worker = new Worker(new URL(`./disk-thread.${ending}`, import.meta.url), {
      name: 'syncline-store',
      workerData: { file },
    })
    const thread: Running = { worker, opened: false, heardMs: clock.monotonic(), error: null }
    running = thread
    worker.on('message', (message: FromThread) => hear(thread, message))
    worker.on('error', error => {
      thread.error = error as Error
    })
    worker.on('exit', code => ended(thread, code))
  }

  function hear(thread: Running, message: FromThread): void {
    thread.heardMs = clock.monotonic()
    health.end('silent')
    switch (message.kind) {
      case 'opened':
        return opened(thread)
      case 'not-opened':
        thread.error = new StoreOpenError(message.code, message.message)
        return
      case 'answers':
        deathsInARow = 0
        for (const answer of message.answers) settle(answer)
        return
      case 'progress':
        unanswered.get(message.id)?.onProgress?.(message.progress)
        return
      case 'stalled':
        if (message.writes) health.begin('stalled', message.reason)
        else onEvent({ kind: 'chores-stalled', reason: message.reason })
        clock.after(tryAgainPauseMs, () => post(thread, { kind: 'try-again' }))
        return
      case 'recovered':
        health.end('stalled')
    }
  }

  function opened(thread: Running): void {
    thread.opened = true
    openedOnce = true
    // Everything that has no answer yet, also what is in the outbox, in the order in which it was asked.
    outbox = []
    const requests = Array.from(unanswered.values(), ({ request }) => request)
    if (requests.length > 0) post(thread, { kind: 'requests', requests })
    health.end('dead')
    firstOpening.resolve()
  }

  function settle(answer: Answer): void {
    const asked = unanswered.get(answer.id)
    if (asked === undefined) return
    unanswered.delete(answer.id)
    if (answer.ok) asked.resolve(answer.value)
    else asked.reject(asError(answer))
  }

  function ended(thread: Running, code: number): void {
    if (running !== thread) return
    running = null
    const error = thread.error ?? new Error(`the store thread ended with code ${code}`)
    if (!openedOnce) return firstOpening.reject(error)
    if (closed !== null && unanswered.size === 0) return
    const restartInMs = Math.min(restartPauseFirstMs * 2 ** deathsInARow, restartPauseMaxMs)
    deathsInARow += 1
    // A new thread is not stalled, and if it comes to that it says so itself.
    health.begin('dead', `the store thread died: ${error.message}`)
    health.end('stalled')
    onEvent({ kind: 'thread-died', reason: error.message, restartInMs })
    cancelRestart = clock.after(restartInMs, startThread)
  }

  function post(thread: Running | null, message: ToThread): void {
    if (thread?.opened) thread.worker.postMessage(message)
  }

  function flush(): void {
    flushScheduled = false
    const requests = outbox
    outbox = []
    // Without a thread they are not lost: the next one is asked for all that is unanswered.
    if (requests.length > 0) post(running, { kind: 'requests', requests })
  }

  function send<K extends RequestKind>(
    kind: K,
    ask: Requests[K]['ask'],
    onProgress?: (progress: Progress) => void,
  ): Promise<Requests[K]['answer']> {
    return new Promise((resolve, reject) => {
      lastId += 1
      const request = { id: lastId, kind, ...ask } as unknown as Request
      const settled = resolve as (value: unknown) => void
      unanswered.set(lastId, { request, askedMs: clock.monotonic(), resolve: settled, reject, onProgress })
      outbox.push(request)
      const waitMs = gathering.note(clock.monotonic())
      if (flushScheduled) return
      flushScheduled = true
      if (waitMs === 0) setImmediate(flush)
      else clock.after(waitMs, flush)
    })
  }

  function lookForSilence(): void {
    if (!running?.opened || clock.monotonic() - running.heardMs < graceMs) return
    for (const { request, askedMs } of unanswered.values()) {
      if (!shortKinds.has(request.kind)) continue
      if (clock.monotonic() - askedMs >= graceMs)
        health.begin('silent', `the store thread has not answered for ${graceMs} ms`)
      return
    }
  }
  const cancelSilenceCheck = clock.every(silenceCheckMs, lookForSilence)

  async function close(): Promise<boolean> {
    await within(clock, closeWaitMaxMs, send('close', {}))
    cancelRestart()
    cancelSilenceCheck()
    const ended = running === null || (await within(clock, terminateWaitMaxMs, running.worker.terminate()))
    for (const { reject } of unanswered.values())
      reject(new LogRefusal('the store was closed before it was known to have done this'))
    unanswered.clear()
    return ended
  }

  startThread()
  try {
    await firstOpening.promise
  } catch (error) {
    cancelSilenceCheck()
    throw error
  }
  return {
    async ask(kind, ask, onProgress) {
      if (closed !== null) throw new LogRefusal('the store is closed')
      if (unanswered.size >= requestsWaitingMax)
        throw new LogRefusal(`${requestsWaitingMax} requests wait for the store, no more are taken`)
      return send(kind, ask, onProgress)
    },
    health,
    close() {
      closed ??= close()
      return closed
    },
  }
}

function asError({ refused, rewritten, message, damage }: Extract<Answer, { ok: false }>): Error {
  if (damage !== undefined) return new LogDamage(damage.document, damage.part, damage.found)
  if (rewritten === true) return new HistoryRewritten(message)
  return refused ? new LogRefusal(message) : new Error(message)
}

/** Waits for a promise, but not longer. True when it was kept in time. */
function within(clock: Clock, ms: number, promise: Promise<unknown>): Promise<boolean> {
  return new Promise(resolve => {
    const cancel = clock.after(ms, () => resolve(false))
    promise.then(
      () => {
        cancel()
        resolve(true)
      },
      () => resolve(false),
    )
  })
}
