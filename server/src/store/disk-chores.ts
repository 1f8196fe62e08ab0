import type { DatabaseSync } from 'node:sqlite'
import type { Bases } from './disk-base.ts'
import { type Contents, sliceBytesMax } from './disk-content.ts'
import { transact } from './disk-transaction.ts'

/**
 * Removes, a little at a time, what no longer counts: the tail that a base holds, former generations, deleted documents, and
 * contents that nothing refers to.
 *
 * Each chore was written down by the transaction that made it one, so a crash between two steps loses nothing: the next
 * opening finds the chore and goes on.
 */
export interface Chores {
  /** Does a step in one small transaction. False when nothing is left to do until `expectMore`. */
  step(): boolean
  /** Something may be to do again. */
  expectMore(): void
}

const rowsAtOnceMax = 256

interface ChoreRow {
  readonly id: number
  readonly document: number | null
  readonly through: number | null
  readonly generation: number | null
}

export function createChores(database: DatabaseSync, bases: Bases, contents: Contents): Chores {
  const selectChores = database.prepare('SELECT id, document, through, generation FROM chore ORDER BY id')
  const deleteChore = database.prepare('DELETE FROM chore WHERE id = ?')
  const selectOldEntries = database.prepare(
    `SELECT seq, content, length(body) AS bytes FROM entry WHERE document = ? AND seq <= ? ORDER BY seq LIMIT ?`,
  )
  const deleteEntries = database.prepare('DELETE FROM entry WHERE document = ? AND seq <= ?')
  const selectBaseContents = database.prepare(
    'SELECT byte_vector, document_vector, catch_up FROM base WHERE generation = ?',
  )
  const deleteBase = database.prepare('DELETE FROM base WHERE generation = ?')
  const selectPieces = database.prepare(
    'SELECT number, content FROM piece WHERE generation = ? ORDER BY number LIMIT ?',
  )
  const deletePiece = database.prepare('DELETE FROM piece WHERE generation = ? AND number = ?')
  let mayHaveWork = true

  function nextChore(): ChoreRow | null {
    for (const chore of selectChores.iterate() as Iterable<unknown> as Iterable<ChoreRow>)
      if (chore.generation === null || !bases.isKept(chore.generation)) return chore
    return null
  }

  function doStep(chore: ChoreRow): void {
    transact(database, () => {
      const done = chore.generation === null ? trim(chore.document!, chore.through!) : drop(chore.generation)
      if (done) deleteChore.run(chore.id)
    })
  }

  /** Removes the oldest entries, as many as make a small transaction. True when none is left. */
  function trim(document: number, through: number): boolean {
    const old = selectOldEntries.all(document, through, rowsAtOnceMax)
    let budget = sliceBytesMax
    let last = 0
    let count = 0
    for (const row of old) {
      if (row.content !== null) contents.letGo(row.content as number)
      budget -= (row.bytes as number | null) ?? 0
      last = row.seq as number
      count += 1
      if (budget <= 0) break
    }
    deleteEntries.run(document, last)
    // failpoint: tail-trimming
    return count === old.length && old.length < rowsAtOnceMax
  }

  /** Removes a base and some of its pieces. True when none is left. */
  function drop(generation: number): boolean {
    const base = selectBaseContents.get(generation)
    if (base !== undefined) {
      for (const content of Object.values(base)) contents.letGo(content as number)
      deleteBase.run(generation)
    }
    const pieces = selectPieces.all(generation, rowsAtOnceMax)
    for (const { number, content } of pieces) {
      contents.letGo(content as number)
      deletePiece.run(generation, number as number)
    }
    return pieces.length < rowsAtOnceMax
  }

  return {
    step() {
      if (!mayHaveWork) return false
      const chore = nextChore()
      if (chore !== null) doStep(chore)
      else mayHaveWork = transact(database, contents.sweep)
      return mayHaveWork
    },
    expectMore() {
      mayHaveWork = true
    },
  }
}
