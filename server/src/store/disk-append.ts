import type { DatabaseSync } from 'node:sqlite'
import { entryChecksum } from './disk-checksum.ts'
import type { Contents } from './disk-content.ts'
import { type Documents, toHex } from './disk-document.ts'
import type { Answer, RequestOf } from './disk-requests.ts'
import { passingTrouble, transact } from './disk-transaction.ts'
import type { EntryBody } from './encode-append.ts'
import { decodeOrigin } from './entry.ts'
import { draw8Bytes } from './random-bytes.ts'
import type { Appended, End } from './update-log.ts'

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

export function createAppender(database: DatabaseSync, documents: Documents, contents: Contents) {
  const insertEntry = database.prepare(
    'INSERT INTO entry (document, seq, link, previous_link, nonce, checksum, body, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  )
  const selectByNonce = database.prepare(
    'SELECT seq, link, previous_link, body, content FROM entry WHERE document = ? AND seq > ? AND nonce = ? ORDER BY seq',
  )
  const openSavepoint = database.prepare('SAVEPOINT one_document')
  const releaseSavepoint = database.prepare('RELEASE one_document')

  /**
   * Appends all of them in one transaction. Each stands in a savepoint, so that one which can never be taken is
   * refused alone; trouble that may pass is thrown, and then nothing of any of them was written.
   */
  function append(appends: readonly ReadyAppend[]): Answer[] {
    const answers = transact(database, () => {
      const answers = appends.map(appendInSavepoint)
      // failpoint: before-append-commit
      return answers
    })
    // failpoint: append-committed
    return answers
  }

  function appendInSavepoint(ready: ReadyAppend): Answer {
    const { id } = ready.request
    openSavepoint.run()
    try {
      const value = appendOne(ready)
      releaseSavepoint.run()
      return { id, ok: true, value }
    } catch (error) {
      if (passingTrouble(error) !== null) throw error
      database.exec('ROLLBACK TO one_document')
      releaseSavepoint.run()
      return { id, ok: false, refused: true, message: (error as Error).message }
    }
  }

  function appendOne({ request, contents: written }: ReadyAppend): Appended {
    const document = documents.find(request.document) ?? documents.create(request.document)
    let end = documents.end(document)
    const known = request.since < end.seq ? findKnown(document.id, request) : null
    let before: string | null = null
    const ends = request.entries.map(entry => {
      const already = known?.get(entry)
      before ??= already?.previousLink ?? end.link
      if (already !== undefined) return already.end
      const previousLink = Buffer.from(end.link, 'hex')
      const link = draw8Bytes()
      const content = written.get(entry) ?? null
      if (content !== null) contents.refer(content)
      end = { seq: end.seq + 1, link: link.toString('hex') }
      const nonce = Buffer.from(entry.nonce, 'hex')
      const place = { document: document.id, seq: end.seq, link, previousLink, nonce }
      const checksum = entryChecksum(place, entry.body)
      const body = content === null ? entry.body : null
      insertEntry.run(document.id, end.seq, link, previousLink, nonce, checksum, body, content)
      return end
    })
    return { epoch: document.epoch, ends, previousLink: before ?? end.link }
  }

  /**
   * Where the log already has entries of this append. Each stored entry answers for one only: an append may give several
   * entries the same nonce, and then they are told apart by their order.
   */
  function findKnown(document: number, { since, entries }: RequestOf<'append'>): Map<EntryBody, Placed> {
    const known = new Map<EntryBody, Placed>()
    const taken = new Set<number>()
    for (const entry of entries) {
      for (const row of selectByNonce.all(document, since, Buffer.from(entry.nonce, 'hex'))) {
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
