import type { DatabaseSync } from 'node:sqlite'
import type { Bases } from './disk-base.ts'
import { entryChecksum } from './disk-checksum.ts'
import { type Contents, DamagedContent, namingDamage } from './disk-content.ts'
import { type DocumentRow, type Documents, toHex } from './disk-document.ts'
import type { FormerEpochs } from './disk-former-epoch.ts'
import type { Recent } from './disk-recent.ts'
import type { RequestOf, StoredBody, StoredHead } from './disk-requests.ts'
import { documentKey } from './document-key.ts'
import { type ListedDocument, LogDamage, noLink } from './update-log.ts'

/**
 * Answers what is asked about the log. Each answer is one short read, finished before the next tick: a read that
 * stays open would keep the write-ahead log from being reset.
 */
export const readBytesMax = 8 * 1024 * 1024
export const listDocumentsMax = 10_000

export type Reader = ReturnType<typeof createReader>

export function createReader(
  database: DatabaseSync,
  parts: {
    documents: Documents
    bases: Bases
    contents: Contents
    formerEpochs: FormerEpochs
    recent: Recent
  },
) {
  const { documents, bases, contents, formerEpochs, recent } = parts
  const selectThrough = database.prepare('SELECT through FROM base WHERE generation = ?')
  const selectEntries = database.prepare(
    `SELECT seq, link, previous_link, nonce, checksum, body, content FROM entry
     WHERE document = ? AND seq > ? ORDER BY seq`,
  )
  const selectDocuments = database.prepare(
    `SELECT id, CAST(name AS BLOB) AS name, epoch, document.generation AS generation, base.bytes AS bytes, through
     FROM document LEFT JOIN base ON base.generation = document.generation
     WHERE ? IS NULL OR name > ? ORDER BY name LIMIT ?`,
  )

  return {
    load({ document: name }: RequestOf<'load'>): StoredHead {
      const document = documents.find(name)
      if (document === null)
        return { epoch: null, end: { seq: 0, link: noLink }, base: null, formerEpochs: [] }
      if (!documents.isWhole(document))
        throw new LogDamage(name, { kind: 'document' }, 'is not what was written: its checksum differs')
      return {
        epoch: document.epoch,
        end: documents.end(document),
        base: namingDamage(name, { kind: 'base' }, () => bases.readCurrent(document)),
        formerEpochs: namingDamage(name, { kind: 'document' }, () => formerEpochs.read(document.id)),
      }
    },

    /**
     * Entries after the base and after `after`. Throws if one of them is missing or changed: a room that went on without
     * it would serve a document that lacks what somebody was told is saved. What comes before it is handed out first.
     */
    readEntries({ document: name, after, bytesMax }: RequestOf<'read'>): StoredBody[] {
      const document = documents.find(name)
      if (document === null) return []
      const found: StoredBody[] = []
      let seq = Math.max(after, throughOf(name, document))
      let budget = Math.min(bytesMax, readBytesMax)
      try {
        for (const row of rowsAfter(document.id, seq)) {
          const stored = readEntry(name, document, row, seq + 1)
          budget -= stored.body.length
          if (budget < 0 && found.length > 0) break
          found.push(stored)
          seq += 1
        }
      } catch (error) {
        if (found.length === 0 || !(error instanceof LogDamage)) throw error
      }
      return found
    },

    readPiece: bases.readPiece,

    list({ after, limit }: RequestOf<'list'>): ListedDocument[] {
      const from = after === null ? null : documentKey(after)
      return selectDocuments.all(from, from, Math.min(limit, listDocumentsMax)).map(row => {
        const epoch = toHex(row.epoch)
        const end = documents.end({
          id: row.id as number,
          epoch,
          generation: row.generation as number | null,
        })
        return {
          document: Buffer.from(row.name as Uint8Array).toString('utf8'),
          epoch,
          end,
          baseBytes: (row.bytes as number | null) ?? 0,
          tailEntries: end.seq - ((row.through as number | null) ?? 0),
        }
      })
    },
  }

  function* rowsAfter(document: number, seq: number): Iterable<Record<string, unknown>> {
    yield* selectEntries.iterate(document, seq)
    yield* recent.rowsAfter(document, seq)
  }

  function throughOf(name: string, { generation }: DocumentRow): number {
    if (generation === null) return 0
    const row = selectThrough.get(generation)
    if (row === undefined) throw new LogDamage(name, { kind: 'base' }, 'is missing')
    return row.through as number
  }

  function readEntry(
    name: string,
    document: DocumentRow,
    row: Record<string, unknown>,
    expectedSeq: number,
  ): StoredBody {
    const { seq, link, previous_link: previousLink, nonce } = row as unknown as StoredEntryRow
    if (seq !== expectedSeq) {
      const kind = 'entries'
      throw new LogDamage(name, { kind, from: expectedSeq, to: seq - 1 }, `missing: entry ${seq} comes next`)
    }
    return namingDamage(name, { kind: 'entries', from: seq, to: seq }, () => {
      const body = (row.body as Uint8Array | null) ?? contents.read(row.content as number)
      if (entryChecksum({ document: document.id, seq, link, previousLink, nonce }, body) !== row.checksum)
        throw new DamagedContent('is not what was written: its checksum differs')
      return { body, seq, link: toHex(link), previousLink: toHex(previousLink) }
    })
  }
}

interface StoredEntryRow {
  readonly seq: number
  readonly link: Uint8Array
  readonly previous_link: Uint8Array
  readonly nonce: Uint8Array
}
