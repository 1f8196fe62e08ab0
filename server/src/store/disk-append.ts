import type { DatabaseSync } from 'node:sqlite'
import { type EntryPlace, entryChecksum } from './disk-checksum.ts'
import type { Contents } from './disk-content.ts'
import { type DocumentRow, type Documents, toHex } from './disk-document.ts'
import type { Recent } from './disk-recent.ts'
import type { Answer, RequestOf } from './disk-requests.ts'
import { passingTrouble } from './disk-transaction.ts'
import type { EntryBody } from './encode-append.ts'
import { decodeOrigin } from './entry.ts'
import { draw8Bytes } from './random-bytes.ts'
import { type Appended, type End, HistoryRewritten } from './update-log.ts'

/**
 * Takes the appends of one tick into the log, in one transaction that is flushed before anybody hears of it.
 */

/** An append whose large entries have been written beforehand: for those, the number of the content. */
export interface ReadyAppend {
  readonly request: RequestOf<'append'>
  readonly contents: ReadonlyMap<EntryBody, number>
}

/** Where the log has an entry. */
interface Placed {
  readonly end: End
  readonly previousLink: string
}

export function createAppender(
  database: DatabaseSync,
  parts: { documents: Documents; contents: Contents; recent: Recent },
) {
  const { documents, contents, recent } = parts
  const insertEntry = database.prepare(
    'INSERT INTO entry (document, seq, link, previous_link, nonce, checksum, body, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  )
  const selectByNonce = database.prepare(
    'SELECT seq, link, previous_link, body, content FROM entry WHERE document = ? AND seq > ? AND nonce = ? ORDER BY seq',
  )

  /**
   * Appends all of them in one transaction. Each stands in a savepoint, so that one which can never be taken is
   * refused alone; trouble that may pass is thrown, and then nothing of any of them was written.
   */
  function append(appends: readonly ReadyAppend[]): Answer[] {
    const answers = recent.transact(() => {
      const answers = appends.map(appendInSavepoint)
      recent.settle()
      // failpoint: before-append-commit
      return answers
    })
    // failpoint: append-committed
    return answers
  }

  function appendInSavepoint(ready: ReadyAppend): Answer {
    const { id } = ready.request
    try {
      return { id, ok: true, value: recent.inSavepoint(() => appendOne(ready)) }
    } catch (error) {
      if (passingTrouble(error) !== null) throw error
      const rewritten = error instanceof HistoryRewritten
      return { id, ok: false, refused: true, rewritten, message: (error as Error).message }
    }
  }

  function appendOne({ request, contents: written }: ReadyAppend): Appended {
    const found = documents.find(request.document)
    if (!hasHistory(found, request))
      throw new HistoryRewritten(
        `the log of ${JSON.stringify(request.document)} is not the one that the append was to follow`,
      )
    const document = found ?? documents.create(request.document, request.history?.epoch ?? null)
    let end = documents.end(document)
    const known = request.since < end.seq ? findKnown(document.id, request) : null
    let before: string | null = null
    const isRecent = recent.takes(document.id, request.entries)
    if (!isRecent) recent.file(document.id)
    const ends = request.entries.map(entry => {
      const already = known?.get(entry)
      before ??= already?.previousLink ?? end.link
      if (already !== undefined) return already.end
      const previousLink = Buffer.from(end.link, 'hex')
      const link = draw8Bytes()
      end = { seq: end.seq + 1, link: link.toString('hex') }
      const nonce = Buffer.from(entry.nonce, 'hex')
      const place = { document: document.id, seq: end.seq, link, previousLink, nonce }
      const checksum = entryChecksum(place, entry.body)
      if (isRecent) recent.add(place, checksum, entry.body)
      else insert(place, checksum, written.get(entry) ?? entry.body)
      return end
    })
    return { epoch: document.epoch, ends, previousLink: before ?? end.link }
  }

  function hasHistory(document: DocumentRow | null, { since, history }: RequestOf<'append'>): boolean {
    if (history === undefined) return true
    if (document === null) return since === 0
    if (history.epoch !== null && history.epoch !== document.epoch) return false
    // Nearly every append follows the end, which is in memory.
    const end = documents.end(document)
    const link = since === end.seq ? end.link : documents.linkAt(document, since)
    return link === 'in base' || link === history.link
  }

  /** Writes an entry where it belongs: its bytes, or the number of the content that they are. */
  function insert(place: EntryPlace, checksum: number, body: Uint8Array | number): void {
    const { document, seq, link, previousLink, nonce } = place
    const isContent = typeof body === 'number'
    if (isContent) contents.refer(body)
    const [inRow, content] = isContent ? [null, body] : [body, null]
    insertEntry.run(document, seq, link, previousLink, nonce, checksum, inRow, content)
  }

  /**
   * Where the log already has entries of this append. Each stored entry answers for one only: an append may give several
   * entries the same nonce, and then they are told apart by their order.
   */
  function findKnown(document: number, { since, entries }: RequestOf<'append'>): Map<EntryBody, Placed> {
    const known = new Map<EntryBody, Placed>()
    const taken = new Set<number>()
    const newest = recent.rowsAfter(document, since)
    for (const entry of entries) {
      const nonce = Buffer.from(entry.nonce, 'hex')
      const sameNonce = newest.filter(row => nonce.equals(row.nonce as Uint8Array))
      for (const row of [...selectByNonce.all(document, since, nonce), ...sameNonce]) {
        const seq = row.seq as number
        const beginning = (row.body ?? contents.readBeginning(row.content as number)) as Uint8Array
        if (taken.has(seq) || decodeOrigin(beginning).instance !== entry.instance) continue
        taken.add(seq)
        known.set(entry, { end: { seq, link: toHex(row.link) }, previousLink: toHex(row.previous_link) })
        break
      }
    }
    return known
  }

  return append
}
