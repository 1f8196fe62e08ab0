import type { DatabaseSync } from 'node:sqlite'
import { baseChecksum } from './disk-checksum.ts'
import { type Contents, DamagedContent, namingDamage, type WriteAhead } from './disk-content.ts'
import { type DocumentRow, type Documents, toHex } from './disk-document.ts'
import type { Recent } from './disk-recent.ts'
import type { RequestOf } from './disk-requests.ts'
import type { Base, NewBase, Replaced } from './update-log.ts'

/**
 * Bases: written piece by piece beforehand, put in place by one small transaction, read piece by piece.
 *
 * The transaction that puts a base in place also writes down what is to be removed after it (`chore`): the tail that it holds,
 * and the former generation. That removal is `disk-chores.ts`'s, and a former generation is out of its reach
 * while it stands in `kept`.
 */
export type Bases = ReturnType<typeof createBases>

const keptGenerationsMax = 10_000

interface BaseRow extends Omit<Base, 'byteVector' | 'documentVector' | 'catchUp'> {
  readonly nonce: string
  readonly byteVector: number
  readonly documentVector: number
  readonly catchUp: number
}

/** The parts of a base, as they are to be stored. */
export type BaseParts = Pick<NewBase, 'pieces' | 'byteVector' | 'documentVector' | 'catchUp'>

export interface BasePlace {
  /** The id of the document's row. */
  readonly document: number
  readonly through: number
  readonly link: Uint8Array
  /** Tells a base that is asked for again from a new one. */
  readonly nonce: string
}

export function createBases(
  database: DatabaseSync,
  others: { documents: Documents; contents: Contents; recent: Recent },
) {
  const { documents, contents, recent } = others
  const selectBase = database.prepare('SELECT * FROM base WHERE generation = ? AND document = ?')
  const selectNonce = database.prepare('SELECT nonce FROM base WHERE generation = ?')
  const insertBase = database.prepare(
    `INSERT INTO base
       (document, through, link, nonce, pieces, bytes, byte_vector, document_vector, catch_up, checksum)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const selectPiece = database.prepare('SELECT content FROM piece WHERE generation = ? AND number = ?')
  const insertPiece = database.prepare('INSERT INTO piece (generation, number, content) VALUES (?, ?, ?)')
  const setGeneration = database.prepare('UPDATE document SET generation = ? WHERE id = ?')
  const deleteDocument = database.prepare('DELETE FROM document WHERE id = ?')
  const insertTrim = database.prepare('INSERT INTO chore (document, through) VALUES (?, ?)')
  const insertDrop = database.prepare('INSERT INTO chore (generation) VALUES (?)')
  /** Former generations that can still be read, with their document. Empty when the store is opened: readers are gone then. */
  const kept = new Map<number, number>()

  /** The current base. Throws `DamagedContent` where its row is missing or changed. */
  function findCurrent({ id: document, generation }: DocumentRow): BaseRow | null {
    if (generation === null) return null
    const row = selectBase.get(generation, document)
    if (row === undefined) throw new DamagedContent('is missing')
    const [link, nonce] = [row.link as Uint8Array, row.nonce as Uint8Array]
    const numbers = {
      through: row.through as number,
      pieces: row.pieces as number,
      bytes: row.bytes as number,
      byteVector: row.byte_vector as number,
      documentVector: row.document_vector as number,
      catchUp: row.catch_up as number,
    }
    if (baseChecksum({ document, link, nonce, ...numbers }) !== row.checksum)
      throw new DamagedContent('is not what was written: its checksum differs')
    return { generation, link: toHex(link), nonce: toHex(nonce), ...numbers }
  }

  /** What a base would be put on top of, or the answer if it cannot be. */
  function place(request: RequestOf<'replace'>): Replaced | { document: DocumentRow; link: string } {
    const superseded = { ok: false, reason: 'superseded' } as const
    const document = documents.find(request.document)
    if (document === null) return superseded
    const current = findCurrent(document)
    // Asked again because the thread died between the commit and the answer.
    if (current?.nonce === request.nonce) return { ok: true, generation: current.generation }
    if (document.generation !== request.expected) return superseded
    const link = documents.linkAt(document, request.base.through)
    if (link === null || link === 'in base' || (request.base.link ?? link) !== link) return superseded
    return { document, link }
  }

  /** The answer that can be given without writing anything, or null if the base is to be written. */
  function answerBeforehand(request: RequestOf<'replace'>): Replaced | null {
    const placed = place(request)
    return 'ok' in placed ? placed : null
  }

  /** Everything of a base that has its own content: the pieces, then the three that every join reads. */
  function partsOf({ pieces, byteVector, documentVector, catchUp }: BaseParts): Uint8Array[] {
    return [...pieces, byteVector, documentVector, catchUp]
  }

  /** Puts a base in place whose parts have been written. */
  function swap(request: RequestOf<'replace'>, written: WriteAhead): Replaced {
    // failpoint: base-pieces-written
    const { replaced, former } = recent.transact(() => {
      const placed = place(request)
      if ('ok' in placed) return { replaced: placed, former: null }
      const { document, link } = placed
      const { base, nonce } = request
      const at = { document: document.id, through: base.through, link: Buffer.from(link, 'hex'), nonce }
      const generation = insertWhole(at, base, written.contents)
      // A row that the base holds must not be filed once the tail is trimmed.
      recent.file(document.id)
      insertTrim.run(document.id, request.base.through)
      if (document.generation !== null) insertDrop.run(document.generation)
      // failpoint: before-base-swap-commit
      return { replaced: { ok: true, generation } as const, former: document }
    })
    // failpoint: base-swapped
    if (former !== null && former.generation !== null) keep(former.generation, former.id)
    return replaced
  }

  function keep(generation: number, document: number): void {
    kept.set(generation, document)
    // Rooms let go of what they no longer read; one that forgets must not make the store grow for ever.
    if (kept.size > keptGenerationsMax) kept.delete(kept.keys().next().value!)
  }

  /** Inside a transaction: makes what was written beforehand the current base of a document, and tells its generation. */
  function insertWhole(
    { document, through, link, nonce: nonceHex }: BasePlace,
    parts: BaseParts,
    written: readonly number[],
  ): number {
    const pieces = written.slice(0, parts.pieces.length)
    const [byteVector, documentVector, catchUp] = written.slice(parts.pieces.length) as [
      number,
      number,
      number,
    ]
    const bytes = parts.pieces.reduce((sum, piece) => sum + piece.length, 0)
    const nonce = Buffer.from(nonceHex, 'hex')
    const numbers = { document, through, pieces: pieces.length, bytes, byteVector, documentVector, catchUp }
    const { lastInsertRowid } = insertBase.run(
      document,
      through,
      link,
      nonce,
      pieces.length,
      bytes,
      byteVector,
      documentVector,
      catchUp,
      baseChecksum({ ...numbers, link, nonce }),
    )
    const generation = Number(lastInsertRowid)
    for (const [number, content] of pieces.entries()) insertPiece.run(generation, number, content)
    for (const content of written) contents.refer(content)
    setGeneration.run(generation, document)
    return generation
  }

  /**
   * Inside a transaction: removes a document at once for everybody who asks, and leaves the removal of its bytes to the
   * chores. What it returns is to be called when the transaction is committed.
   */
  function removeDocument({ id, generation }: DocumentRow): () => void {
    deleteDocument.run(id)
    insertTrim.run(id, Number.MAX_SAFE_INTEGER)
    if (generation !== null) insertDrop.run(generation)
    return () => {
      recent.forget(id)
      for (const [former, document] of kept) if (document === id) kept.delete(former)
    }
  }

  return {
    answerBeforehand,
    partsOf,
    swap,
    insertWhole,
    /** What tells whether this base was already put in place. */
    nonceOf: (generation: number): string => toHex(selectNonce.get(generation)?.nonce ?? new Uint8Array()),
    removeDocument,
    /** The current base with everything that a join needs, or null if there is none. */
    readCurrent(document: DocumentRow): Base | null {
      const row = findCurrent(document)
      if (row === null) return null
      const { nonce: _, ...base } = row
      return {
        ...base,
        byteVector: contents.read(row.byteVector),
        documentVector: contents.read(row.documentVector),
        catchUp: contents.read(row.catchUp),
      }
    },
    readPiece({ document: name, generation, piece }: RequestOf<'piece'>): Uint8Array | 'gone' {
      const document = documents.find(name)
      if (document === null) return 'gone'
      if (generation !== document.generation && kept.get(generation) !== document.id) return 'gone'
      const row = selectPiece.get(generation, piece)
      if (row === undefined) throw new Error(`the base of generation ${generation} has no piece ${piece}`)
      return namingDamage(name, { kind: 'piece', piece }, () => contents.read(row.content as number))
    },
    isKept: (generation: number): boolean => kept.has(generation),
    /** Nobody reads a former generation any more: the chores may remove it. */
    letGo({ document: name, generation }: RequestOf<'drop'>): void {
      const document = documents.find(name)
      if (document !== null && kept.get(generation) === document.id) kept.delete(generation)
    },
  }
}
