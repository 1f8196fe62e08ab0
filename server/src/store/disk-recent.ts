import type { DatabaseSync } from 'node:sqlite'
import type { EntryPlace } from './disk-checksum.ts'
import { passingTrouble, transact } from './disk-transaction.ts'
import type { EntryBody } from './encode-append.ts'
import type { End } from './update-log.ts'

/**
 * The newest entries of all documents, one behind the other as they came, until they are filed into their documents' places.
 *
 * The table `entry` keeps a document's entries side by side, so windows of 300 rooms rewrote 300 pages at each flush and again at
 * each checkpoint: 160 MB/s at 12,000 appends a second. As rows of `recent` they fill a few pages (15 to 30 MB/s with all that
 * follows), and a document's rows are filed together: when there are `rowsEachMax` of them, when something comes that does not
 * belong here, before a base is put under them, and when others have left them far behind.
 *
 *     append ── recent (id: order of arrival) ── 64 of a document ──▶ entry (document, seq)
 *                 └─ swept from the oldest on, up to the first row that is not filed
 *
 * Filing leaves its rows here: to delete them one by one would rewrite the pages that this saves. A row counts as long as its
 * document exists and has neither an entry nor a base that reaches its seq, so what is filed is told from what is not after a
 * crash as well, and each entry is there once.
 */
export interface RecentLimits {
  /** From so many rows on a document is filed. */
  readonly rowsEachMax: number
  /** A document whose oldest row is left behind by so many others is filed. */
  readonly behindRowsMax: number
  /** In this many rows, those that no longer count included, nothing more is taken: the table and its index stay bounded. */
  readonly rowsMax: number
}

const defaultLimits: RecentLimits = { rowsEachMax: 64, behindRowsMax: 65_536, rowsMax: 131_072 }

/** What is larger would be copied twice for less: it goes where it belongs at once. */
const bodyBytesMax = 1_024
const entriesAtOnceMax = 8
/** What one transaction files of documents that can wait. */
const filedRowsMax = 256
const sweptRowsMin = 256
const sweptRowsMax = 1_024

/** What is not filed of a document. */
interface RecentRows {
  /** In the order of their seqs. */
  readonly ids: readonly number[]
  readonly seq: number
  readonly link: Uint8Array
}

export type Recent = ReturnType<typeof createRecent>

export function createRecent(database: DatabaseSync, limits: RecentLimits = defaultLimits) {
  const insertRow = database.prepare(
    'INSERT INTO recent (id, document, seq, link, previous_link, nonce, checksum, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  )
  const selectRows = database.prepare(
    `SELECT seq, link, previous_link, nonce, checksum, body, NULL AS content FROM recent
     WHERE id IN (SELECT value FROM json_each(?)) AND seq > ? ORDER BY id`,
  )
  const copyToEntry = database.prepare(
    `INSERT INTO entry (document, seq, link, previous_link, nonce, checksum, body)
     SELECT document, seq, link, previous_link, nonce, checksum, body FROM recent
     WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id`,
  )
  const deleteThrough = database.prepare(
    'DELETE FROM recent WHERE id <= ? AND document NOT IN (SELECT value FROM json_each(?))',
  )
  const openSavepoint = database.prepare('SAVEPOINT one_document')
  const releaseSavepoint = database.prepare('RELEASE one_document')

  /** Roughly in the order of their oldest rows. Bounded by `rowsMax`. */
  const unfiled = new Map<number, RecentRows>()
  /** What the present transaction has changed of it, to be taken back if it fails. */
  const undo: [document: number, was: RecentRows | undefined][] = []
  /** Documents whose place in `entry` cannot be written. Their rows stay here. */
  const stuck = new Set<number>()
  const range = database.prepare('SELECT min(id) AS first, max(id) AS last FROM recent').get()!
  let lastId = (range.last as number | null) ?? 0
  let sweptThrough = ((range.first as number | null) ?? 1) - 1
  let lookedAt = lastId
  let filedRows = 0
  readLeftOver()

  function readLeftOver(): void {
    const rows = database.prepare(
      `SELECT recent.id, recent.document, recent.seq, recent.link FROM recent
       JOIN document ON document.id = recent.document
       LEFT JOIN base ON base.generation = document.generation
       WHERE recent.seq > coalesce(base.through, 0)
         AND recent.seq > coalesce((SELECT max(seq) FROM entry WHERE entry.document = recent.document), 0)
       ORDER BY recent.id`,
    )
    for (const row of rows.iterate()) {
      const { id, document, seq, link } = row as unknown as EntryPlace & { id: number }
      note(document, { id, seq, link })
    }
    undo.length = 0
  }

  function note(document: number, { id, seq, link }: { id: number; seq: number; link: Uint8Array }): void {
    const ids = unfiled.get(document)?.ids ?? []
    set(document, { ids: [...ids, id], seq, link })
  }

  function set(document: number, rows: RecentRows | undefined): void {
    undo.push([document, unfiled.get(document)])
    put(document, rows)
  }

  function put(document: number, rows: RecentRows | undefined): void {
    if (rows === undefined) unfiled.delete(document)
    else unfiled.set(document, rows)
  }

  function takeBack(mark: number): void {
    while (undo.length > mark) put(...undo.pop()!)
  }

  /** Inside a transaction: puts a document's rows where its other entries are. */
  function file(document: number): void {
    const rows = unfiled.get(document)
    if (rows === undefined) return
    copyToEntry.run(JSON.stringify(rows.ids))
    filedRows += rows.ids.length
    set(document, undefined)
    // failpoint: recent-filed
  }

  /** Inside a transaction: files documents that others have left behind, the oldest first. */
  function fileOldest(): void {
    for (const [document, { ids }] of unfiled) {
      if (filedRows >= filedRowsMax || lastId - ids[0]! < limits.behindRowsMax) break
      if (stuck.has(document)) continue
      try {
        inSavepoint(() => file(document))
      } catch (error) {
        if (passingTrouble(error) !== null) throw error
        stuck.add(document)
      }
    }
  }

  /** Inside a transaction: removes what lies before the oldest row that still counts. */
  function sweep(): void {
    if (lastId - lookedAt < sweptRowsMin) return
    lookedAt = lastId
    let end = lastId
    for (const [document, { ids }] of unfiled) if (!stuck.has(document)) end = Math.min(end, ids[0]! - 1)
    sweptThrough = Math.min(end, sweptThrough + sweptRowsMax)
    deleteThrough.run(sweptThrough, JSON.stringify([...stuck]))
    // failpoint: recent-swept
  }

  /** Runs the work of one document, so that it fails alone. Trouble that may pass fails the whole transaction. */
  function inSavepoint<T>(work: () => T): T {
    const mark = undo.length
    openSavepoint.run()
    try {
      const result = work()
      releaseSavepoint.run()
      return result
    } catch (error) {
      if (passingTrouble(error) !== null) throw error
      database.exec('ROLLBACK TO one_document')
      releaseSavepoint.run()
      takeBack(mark)
      throw error
    }
  }

  return {
    /** `transact`, for whatever adds rows here or files them. */
    transact<T>(work: () => T): T {
      filedRows = 0
      try {
        const result = transact(database, work)
        undo.length = 0
        return result
      } catch (error) {
        takeBack(0)
        throw error
      }
    },
    inSavepoint,
    /** Whether the next entries of a document belong here. If they do not, it is to be filed before they are written elsewhere. */
    takes(document: number, entries: readonly EntryBody[]): boolean {
      if (entries.length > entriesAtOnceMax || lastId - sweptThrough >= limits.rowsMax) return false
      if (entries.some(({ body }) => body.length > bodyBytesMax)) return false
      return filedRows >= filedRowsMax || (unfiled.get(document)?.ids.length ?? 0) < limits.rowsEachMax
    },
    /** Inside a transaction: takes a document's next entry. */
    add(place: EntryPlace, checksum: number, body: Uint8Array): void {
      const { document, seq, link, previousLink, nonce } = place
      lastId += 1
      insertRow.run(lastId, document, seq, link, previousLink, nonce, checksum, body)
      note(document, { id: lastId, seq, link })
    },
    file,
    /** Inside a transaction, at its end: a share of what is to be done for all documents. */
    settle(): void {
      fileOldest()
      sweep()
    },
    /** The end of a document's log, if that is here. */
    end(document: number): End | null {
      const rows = unfiled.get(document)
      return rows === undefined ? null : { seq: rows.seq, link: Buffer.from(rows.link).toString('hex') }
    },
    /** A document's rows after a seq, in order, as rows of `entry`. */
    rowsAfter(document: number, seq: number): Record<string, unknown>[] {
      const rows = unfiled.get(document)
      return rows === undefined ? [] : selectRows.all(JSON.stringify(rows.ids), seq)
    },
    /** A document was removed. */
    forget(document: number): void {
      unfiled.delete(document)
    },
  }
}
