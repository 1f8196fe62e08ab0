import type { DatabaseSync } from 'node:sqlite'
import { createAppender } from './disk-append.ts'
import type { Bases } from './disk-base.ts'
import type { Chores } from './disk-chores.ts'
import { type Contents, sliceBytesMax, type WriteAhead } from './disk-content.ts'
import type { Documents } from './disk-document.ts'
import type { Recent } from './disk-recent.ts'
import type { Replacements } from './disk-replacement.ts'
import type { Answer, FromThread, Request, RequestOf } from './disk-requests.ts'
import type { Room } from './disk-room.ts'
import { passingTrouble } from './disk-transaction.ts'
import { createWaiting, readyAppend, type WaitingBase, waitingAppend } from './disk-waiting.ts'
import { LogDamage, LogRefusal, type Replaced } from './update-log.ts'

/**
 * Decides what the store thread writes next, and what becomes of it when it cannot be written.
 *
 * Each turn commits the appends that wait in one transaction, and then makes one small step of what is large: contents
 * written beforehand, a deletion, a base, a chore. So nothing large stands between an append and the disk for longer
 * than a slice.
 *
 * When the disk is full or fails, nothing is lost: the transaction was rolled back, its appends still wait in their order, and
 * nothing is written until the main side, which owns the time, says when to try again. Where only something large found no
 * room, the rest goes on.
 */
export interface Writer {
  take(request: Request): boolean
  /** Writes some. True when more could be written at once. */
  turn(): boolean
  /** The pause after a failure is over. */
  tryAgain(): void
  isIdle(): boolean
}

export interface WriterParts {
  readonly documents: Documents
  readonly contents: Contents
  readonly recent: Recent
  readonly bases: Bases
  readonly replacements: Replacements
  readonly chores: Chores
  readonly room: Room
  answer(answers: Answer[]): void
  tell(message: FromThread): void
}

export function createWriter(database: DatabaseSync, parts: WriterParts): Writer {
  const { documents, contents, recent, bases, replacements, chores, room, answer, tell } = parts
  const append = createAppender(database, { documents, contents, recent })
  const waiting = createWaiting()
  /** Nothing is written until `tryAgain`. */
  let stalled = false
  /** The large entries of appends are not written until then; everything else is. */
  let largeStalled = false
  /** What was given up is swept before something large is tried again: it may hold the room for it. */
  let sweepFirst = false
  /** The newest write that waited at the first failure, until it and all before it are written. */
  let awayThrough: number | null = null

  /** Runs a write. Null after trouble that may pass: then nothing was written, and it is tried again. */
  function write<T>(work: () => T, what: 'append' | 'large' | 'chore'): T | null {
    try {
      return work()
    } catch (error) {
      const reason = passingTrouble(error)
      if (reason === null) throw error
      if (what === 'large') largeStalled = true
      else stalled = true
      if (what !== 'chore') awayThrough ??= waiting.lastId()
      // What was written beforehand may fill the disk that the others' appends wait for.
      waiting.restartLargeAppends()
      chores.expectMore()
      tell({ kind: 'stalled', writes: what !== 'chore', reason })
      return null
    }
  }

  function finish(done: readonly object[], answers: Answer[]): void {
    waiting.done(done)
    answer(answers)
    if (awayThrough === null || waiting.firstId() <= awayThrough) return
    awayThrough = null
    tell({ kind: 'recovered' })
  }

  function commitAppends(): void {
    const taken = waiting.nextTransaction()
    if (taken.length === 0) return
    const answers = write(() => append(taken.map(readyAppend)), 'append')
    if (answers === null) return
    finish(taken, answers)
    for (const { ahead } of taken) ahead?.release()
  }

  function stepLargeAppend(): boolean {
    const next = largeStalled ? undefined : waiting.nextLargeAppend()
    if (next === undefined) return false
    const parts = next.large.map(entry => entry.body)
    const begun = next.ahead
    const done = write(() => {
      if (begun === null) room.demand(totalBytes(parts))
      next.ahead = begun ?? contents.writeAhead(parts)
      return stepAhead(next.ahead)
    }, 'large')
    next.aheadDone = done ?? false
    return true
  }

  function stepAhead(ahead: WriteAhead): boolean {
    room.demand(sliceBytesMax)
    const done = ahead.step()
    room.settle()
    return done
  }

  function deleteOne(): boolean {
    const next = waiting.nextDelete()
    if (next === undefined) return false
    const { id, document } = next.request
    const answered = write(() => orFailure(id, () => replacements.deleteDocument(document)), 'append')
    if (answered === null) return true
    chores.expectMore()
    finish([next], [answered])
    return true
  }

  function stepBase(): boolean {
    const next = waiting.nextBase()
    if (next === undefined) return false
    const answered = advanceBase(next)
    if (answered === null) return true
    next.ahead?.release()
    chores.expectMore()
    finish([next], [answered])
    return true
  }

  const beforehand = (request: WaitingBase['request']) =>
    request.kind === 'renew' ? replacements.answerBeforehand(request) : bases.answerBeforehand(request)
  const partsOf = (request: WaitingBase['request']) =>
    request.kind === 'renew' ? replacements.partsOf(request) : bases.partsOf(request.base)
  const swap = (request: WaitingBase['request'], ahead: WriteAhead) =>
    request.kind === 'renew' ? replacements.swap(request, ahead) : bases.swap(request, ahead)

  /** Null while there is more to write. A base does not wait for room: see `Replaced`. */
  function advanceBase(next: WaitingBase): Answer | null {
    const { request } = next
    const away: Replaced = { ok: false, reason: 'away' }
    try {
      if (next.ahead === null) {
        const value = beforehand(request)
        if (value !== null) return { id: request.id, ok: true, value }
        const parts = partsOf(request)
        room.demand(totalBytes(parts))
        next.ahead = contents.writeAhead(parts)
      }
      if (next.aheadDone) return { id: request.id, ok: true, value: swap(request, next.ahead) }
      next.aheadDone = stepAhead(next.ahead)
      return null
    } catch (error) {
      return passingTrouble(error) === null
        ? failure(request.id, error)
        : { id: request.id, ok: true, value: away }
    }
  }

  function doChore(): boolean {
    const more = write(() => chores.step(), 'chore') ?? false
    if (!more) sweepFirst = false
    return more
  }

  return {
    take(request) {
      if (request.kind === 'append') waiting.push(waitingAppend(request))
      else if (request.kind === 'delete') waiting.push({ kind: 'delete', request })
      else if (request.kind === 'replace' || request.kind === 'renew')
        waiting.pushBase({ request, ahead: null, aheadDone: false })
      else if (request.kind === 'drop') letGo(request)
      else return false
      return true
    },
    turn() {
      if (!stalled) commitAppends()
      if (stalled) return false
      const stepped = (sweepFirst && doChore()) || stepLargeAppend() || deleteOne() || stepBase() || doChore()
      return !stalled && (stepped || waiting.nextTransaction().length > 0)
    },
    tryAgain() {
      room.relieve()
      stalled = false
      largeStalled = false
      sweepFirst = true
    },
    isIdle: () => waiting.isEmpty(),
  }

  function letGo(request: RequestOf<'drop'>): void {
    answer([orFailure(request.id, () => bases.letGo(request))])
    chores.expectMore()
  }
}

function totalBytes(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0)
}

/** The answer to a request for something to be done. Trouble that may pass is thrown on. */
function orFailure(id: number, work: () => void): Answer {
  try {
    work()
    return { id, ok: true, value: null }
  } catch (error) {
    if (passingTrouble(error) !== null) throw error
    return failure(id, error)
  }
}

/** The answer to a request that came to nothing. */
export function failure(id: number, error: unknown): Answer {
  const { message } = error as Error
  const failed = { id, ok: false as const, refused: error instanceof LogRefusal, message }
  if (!(error instanceof LogDamage)) return failed
  const { document, part, found } = error
  return { ...failed, damage: { document, part, found } }
}
