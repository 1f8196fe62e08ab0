import type { DatabaseSync } from 'node:sqlite'
import { documentChecksum } from './disk-checksum.ts'
import type { Recent } from './disk-recent.ts'
import { documentKey } from './document-key.ts'
import { draw8Bytes } from './random-bytes.ts'
import { type End, noLink } from './update-log.ts'

/**
 * Finds a document's row, makes it, and says where its log ends. What is in the log is others' business.
 */

/** The row of a document. */
export interface DocumentRow {
  readonly id: number
  readonly epoch: string
  /** Of the current base, null if there is none. */
  readonly generation: number | null
}

export type Documents = ReturnType<typeof createDocuments>

export function createDocuments(database: DatabaseSync, recent: Recent) {
  const selectDocument = database.prepare('SELECT id, epoch, generation FROM document WHERE name = ?')
  const insertDocument = database.prepare('INSERT INTO document (name, epoch, checksum) VALUES (?, ?, ?)')
  const selectChecked = database.prepare('SELECT name, epoch, checksum FROM document WHERE id = ?')
  const selectLastEntry = database.prepare(
    'SELECT seq, link FROM entry WHERE document = ? ORDER BY seq DESC LIMIT 1',
  )
  const selectLink = database.prepare('SELECT link FROM entry WHERE document = ? AND seq = ?')
  const selectBaseEnd = database.prepare('SELECT through AS seq, link FROM base WHERE generation = ?')

  return {
    find(document: string): DocumentRow | null {
      const row = selectDocument.get(documentKey(document))
      if (row === undefined) return null
      return { id: row.id as number, epoch: toHex(row.epoch), generation: row.generation as number | null }
    },
    /** Inside a transaction. */
    create(document: string, named: string | null): DocumentRow {
      const epoch = named === null ? draw8Bytes() : Buffer.from(named, 'hex')
      const key = documentKey(document)
      const { lastInsertRowid } = insertDocument.run(key, epoch, documentChecksum(key, epoch))
      return { id: Number(lastInsertRowid), epoch: toHex(epoch), generation: null }
    },
    /** Whether a document's row is what was written: whoever reads the document asks once. */
    isWhole({ id }: DocumentRow): boolean {
      const { name, epoch, checksum } = selectChecked.get(id)!
      return documentChecksum(name as Uint8Array, epoch as Uint8Array) === checksum
    },
    /** The last entry, or the base's last one where all that is in the base is trimmed away. */
    end({ id, generation }: DocumentRow): End {
      const end = recent.end(id)
      if (end !== null) return end
      const row = selectLastEntry.get(id) ?? (generation === null ? undefined : selectBaseEnd.get(generation))
      return row === undefined ? { seq: 0, link: noLink } : { seq: row.seq as number, link: toHex(row.link) }
    },
    /** The link of the entry at `seq`; null where the log does not reach it, `'in base'` where it is not kept any more. */
    linkAt({ id, generation }: DocumentRow, seq: number): string | 'in base' | null {
      const base = generation === null ? undefined : selectBaseEnd.get(generation)
      const through = (base?.seq ?? 0) as number
      if (seq < through) return 'in base'
      if (seq === through) return base === undefined ? noLink : toHex(base.link)
      const row = selectLink.get(id, seq) ?? recent.rowsAfter(id, seq - 1)[0]
      return row === undefined ? null : toHex(row.link)
    },
  }
}

/** The hex digits of a BLOB column. */
export function toHex(column: unknown): string {
  return Buffer.from(column as Uint8Array).toString('hex')
}
