/**
 * Replaces a document's base and tail by a new base: reads what is stored, has it built and verified in the worker, and
 * swaps it in by compare-and-swap. Never touches what is in memory: the room is told what came of it.
 *
 * One document at a time: the others wait by name only, so that memory holds one document however many are due.
 */
import type { ClientRanges } from '@syncline/shared/update/ranges'
import type { StoredEntry } from '../store/entry.ts'
import { type Base, noLink, type Replaced, type UpdateLog } from '../store/update-log.ts'
import type { Workers } from './workers.ts'

export interface CompactionRequest {
  readonly document: string
  /**
   * What to compact, asked for when the document's turn has come: what is written while others are compacted is then in this
   * base, and not a reason for the next one.
   */
  readonly begin: () => CompactionScope
}

export interface CompactionScope {
  /** The current base as the room knows it. */
  readonly base: Base | null
  /** The new base holds all entries up to this seq. */
  readonly through: number
}

export type CompactionOutcome =
  | { readonly outcome: 'replaced'; readonly base: Base; readonly deletes: ClientRanges }
  /** Somebody else replaced the base first; nothing was changed. */
  | { readonly outcome: 'superseded' }
  /** Nothing was changed. `seq` and `authors` name the entry at fault where it can be told. */
  | {
      readonly outcome: 'failed'
      readonly reason: string
      readonly seq?: number
      readonly authors?: readonly string[]
    }

const readBytesMax = 1024 * 1024

export class Compactor {
  readonly #log: UpdateLog
  readonly #workers: Pick<Workers, 'buildBase'>
  #turn: Promise<unknown> = Promise.resolve()

  constructor(log: UpdateLog, workers: Pick<Workers, 'buildBase'>) {
    this.#log = log
    this.#workers = workers
  }

  /** Never rejects. */
  compact(request: CompactionRequest): Promise<CompactionOutcome> {
    const turn = this.#turn.then(() => this.#compact(request)).catch(failed)
    this.#turn = turn
    return turn
  }

  /** Resolves when nothing is being compacted. */
  async idle(): Promise<void> {
    await this.#turn
  }

  async #compact({ document, begin }: CompactionRequest): Promise<CompactionOutcome> {
    const { base, through } = begin()
    const pieces = await this.#readPieces(document, base)
    if (pieces === 'gone') return { outcome: 'superseded' }
    const entries = await this.#readEntries(document, base?.through ?? 0, through)
    const inputs = entries.map(({ seq, update }) => ({ seq, update }))
    const built = await this.#workers.buildBase({ pieces, entries: inputs })
    if (!built.ok) {
      const atFault = entries.find(({ seq }) => seq === built.seq)
      const named = atFault && { seq: atFault.seq, authors: atFault.authors.map(author => author.name) }
      return { outcome: 'failed', reason: built.reason, ...named }
    }
    const { byteVector, documentVector, catchUp, deletes } = built
    const link = entries.at(-1)?.link ?? base?.link ?? noLink
    const parts = { through, link, byteVector, documentVector, catchUp }
    const expected = base?.generation ?? null
    const replaced = await this.#log.replaceBase(document, expected, { ...parts, pieces: built.pieces })
    if (!replaced.ok) return notReplaced(replaced.reason)
    const bytes = built.pieces.reduce((sum, piece) => sum + piece.byteLength, 0)
    const current = { ...parts, generation: replaced.generation, pieces: built.pieces.length, bytes }
    return { outcome: 'replaced', base: current, deletes }
  }

  async #readPieces(document: string, base: Base | null): Promise<Uint8Array[] | 'gone'> {
    const pieces: Uint8Array[] = []
    for (let number = 0; number < (base?.pieces ?? 0); number++) {
      const piece = await this.#log.readPiece(document, base!.generation, number)
      if (piece === 'gone') return 'gone'
      pieces.push(piece)
    }
    return pieces
  }

  async #readEntries(document: string, after: number, through: number): Promise<StoredEntry[]> {
    const entries: StoredEntry[] = []
    let read = after
    while (read < through) {
      const page = await this.#log.readEntries(document, read, readBytesMax)
      if (page.length === 0) throw new Error(`the log of this document ends at ${read}, expected ${through}`)
      for (const entry of page) if (entry.seq <= through) entries.push(entry)
      read = page.at(-1)!.seq
    }
    return entries
  }
}

function notReplaced(reason: Extract<Replaced, { ok: false }>['reason']): CompactionOutcome {
  return reason === 'superseded'
    ? { outcome: reason }
    : { outcome: 'failed', reason: `the new base was not stored: ${reason}` }
}

function failed(error: unknown): CompactionOutcome {
  return { outcome: 'failed', reason: error instanceof Error ? error.message : String(error) }
}
