import type { DatabaseSync } from 'node:sqlite'
import type { Bases } from './disk-base.ts'
import type { Contents } from './disk-content.ts'
import { type Documents, toHex } from './disk-document.ts'
import type { RequestOf, StoredBody } from './disk-requests.ts'
import { documentKey } from './document-key.ts'
import { type Head, type ListedDocument, noLink } from './update-log.ts'

/**
 * Answers what is asked about the log. Each answer is one short read, finished before the next tick: a read that
 * stays open would keep the write-ahead log from being reset.
 */
export const readBytesMax = 8 * 1024 * 1024
export const listDocumentsMax = 10_000

export type Reader = ReturnType<typeof createReader>

export function createReader(
  database: DatabaseSync,
  parts: { documents: Documents; bases: Bases; contents: Contents },
) {
  const { documents, bases, contents } = parts
  const selectThrough = database.prepare('SELECT through FROM base WHERE generation = ?')
  const selectEntries = database.prepare(
    'SELECT seq, link, previous_link, body, content FROM entry WHERE document = ? AND seq > ? ORDER BY seq',
  )
  const selectDocuments = database.prepare(
    `SELECT id, CAST(name AS BLOB) AS name, epoch, document.generation AS generation, base.bytes AS bytes, through
     FROM document LEFT JOIN base ON base.generation = document.generation
     WHERE ? IS NULL OR name > ? ORDER BY name LIMIT ?`,
  )

  return {
    load({ document: name }: RequestOf<'load'>): Head {
      const document = documents.find(name)
      if (document === null) return { epoch: null, end: { seq: 0, link: noLink }, base: null }
      return { epoch: document.epoch, end: documents.end(document), base: bases.readCurrent(document) }
    },

    /**
     * Entries after the base and after `after`. Throws if one of them is missing: a room that went on without it would
     * serve a document that lacks what somebody was told is saved.
     */
    readEntries({ document: name, after, bytesMax }: RequestOf<'read'>): StoredBody[] {
      const document = documents.find(name)
      if (document === null) return []
      const through =
        document.generation === null ? 0 : (selectThrough.get(document.generation)!.through as number)
      const found: StoredBody[] = []
      let seq = Math.max(after, through)
      let budget = Math.min(bytesMax, readBytesMax)
      for (const row of selectEntries.iterate(document.id, seq)) {
        const body = (row.body as Uint8Array | null) ?? contents.read(row.content as number)
        budget -= body.length
        if (budget < 0 && found.length > 0) break
        seq += 1
        if (row.seq !== seq)
          throw new Error(
            `the store is damaged: expected entry ${seq} of ${JSON.stringify(name)}, found ${row.seq}`,
          )
        found.push({ body, seq, link: toHex(row.link), previousLink: toHex(row.previous_link) })
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
}
