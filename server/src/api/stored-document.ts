/**
 * Reads all that is stored of a document, as it was at one moment, while rooms and compaction go on.
 *
 * A base that is replaced meanwhile takes its tail along: what was read then is of two different moments, and is read anew.
 * What is damaged is told to the caller, who decides whether the rest is of use.
 */
import type { StoredEntry } from '../store/entry.ts'
import { describePart, type Head, LogDamage, LogRefusal, type UpdateLog } from '../store/update-log.ts'

const readBytesMax = 4 * 1024 * 1024
/** Compactions of one document are seconds apart. */
const startsMax = 10

export interface StoredDocument {
  /** Null where it could not be read. */
  readonly head: Head | null
  /** Null for one that could not be read. */
  readonly pieces: readonly (Uint8Array | null)[]
  /** What could be read, in order. */
  readonly entries: readonly StoredEntry[]
}

export interface Damage {
  /** Goes on with `problem`. */
  readonly place: string
  readonly problem: string
}

/** `onDamage` is called for each part that is not what was written; it may throw to end this. */
export async function readStoredDocument(
  log: UpdateLog,
  document: string,
  onDamage: (damage: Damage) => void,
): Promise<StoredDocument> {
  for (let start = 1; start <= startsMax; start++) {
    const damages: Damage[] = []
    const reading = new Reading(log, document, damage => damages.push(damage))
    const stored = await reading.read()
    if (stored === 'moved') continue
    for (const damage of damages) onDamage(damage)
    return stored
  }
  throw new Error(`the base of the document was replaced ${startsMax} times while it was read`)
}

type Page =
  | { readonly kind: 'entries'; readonly entries: readonly StoredEntry[]; readonly through: number }
  /** Told; what comes behind it may be whole. */
  | { readonly kind: 'damaged'; readonly through: number }
  | { readonly kind: 'end' }

class Reading {
  readonly #log: UpdateLog
  readonly #document: string
  readonly #onDamage: (damage: Damage) => void

  constructor(log: UpdateLog, document: string, onDamage: (damage: Damage) => void) {
    this.#log = log
    this.#document = document
    this.#onDamage = onDamage
  }

  async read(): Promise<StoredDocument | 'moved'> {
    const head = await this.#orDamage('the document', () => this.#log.load(this.#document))
    const pieces = head === null ? [] : await this.#readPieces(head)
    if (pieces === 'moved') return 'moved'
    const entries = await this.#readEntries(head)
    // A new base may have taken entries along that had not been read yet.
    if (head !== null && (await this.#hasMoved(head))) return 'moved'
    return { head, pieces, entries }
  }

  async #readPieces({ base }: Head): Promise<(Uint8Array | null)[] | 'moved'> {
    const pieces: (Uint8Array | null)[] = []
    for (let number = 0; number < (base?.pieces ?? 0); number++) {
      const place = `piece ${number} of the base`
      const piece = await this.#orDamage(place, () =>
        this.#log.readPiece(this.#document, base!.generation, number),
      )
      if (piece === 'gone') return 'moved'
      pieces.push(piece)
    }
    return pieces
  }

  /** Up to the end that the document had, or to the end that it has where that is not known. */
  async #readEntries(head: Head | null): Promise<StoredEntry[]> {
    const entries: StoredEntry[] = []
    const through = head?.end.seq ?? Number.POSITIVE_INFINITY
    let read = head?.base?.through ?? 0
    while (read < through) {
      const page = await this.#readPage(read)
      if (page.kind === 'end') break
      if (page.kind === 'entries')
        for (const entry of page.entries) if (entry.seq <= through) entries.push(entry)
      read = page.through
    }
    if (read < through && through !== Number.POSITIVE_INFINITY)
      this.#onDamage({ place: 'the log', problem: `ends at ${read}, expected ${through}` })
    return entries
  }

  async #readPage(after: number): Promise<Page> {
    try {
      const entries = await this.#log.readEntries(this.#document, after, readBytesMax)
      return entries.length === 0
        ? { kind: 'end' }
        : { kind: 'entries', entries, through: entries.at(-1)!.seq }
    } catch (error) {
      this.#tell(`the log after entry ${after}`, error)
      const part = error instanceof LogDamage ? error.part : null
      return part?.kind === 'entries' ? { kind: 'damaged', through: part.to } : { kind: 'end' }
    }
  }

  async #hasMoved(head: Head): Promise<boolean> {
    const now = await this.#log.load(this.#document).catch(() => head)
    return now.epoch !== head.epoch || now.base?.generation !== head.base?.generation
  }

  async #orDamage<T>(place: string, read: () => Promise<T>): Promise<T | null> {
    try {
      return await read()
    } catch (error) {
      this.#tell(place, error)
      return null
    }
  }

  #tell(place: string, error: unknown): void {
    // A name that no document can have, or a store that is closed.
    if (error instanceof LogRefusal) throw error
    if (error instanceof LogDamage) this.#onDamage({ place: describePart(error.part), problem: error.found })
    else
      this.#onDamage({
        place,
        problem: `cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      })
  }
}
