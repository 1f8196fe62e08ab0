import type { DatabaseSync } from 'node:sqlite'
import type { Bases } from './disk-base.ts'
import type { WriteAhead } from './disk-content.ts'
import type { Documents } from './disk-document.ts'
import type { FormerEpochs } from './disk-former-epoch.ts'
import type { RequestOf } from './disk-requests.ts'
import { transact } from './disk-transaction.ts'
import { draw8Bytes } from './random-bytes.ts'
import { noLink, type Renewed } from './update-log.ts'

/**
 * What happens to a document as a whole: it is replaced, or deleted.
 *
 * A replaced document gets a new row, so that what is still to be removed of the former one can't be mistaken for its own,
 * and with the row a new epoch. Its log begins with a base at seq 1, as though the first entry were trimmed away already.
 */
export type Replacements = ReturnType<typeof createReplacements>

const firstSeq = 1

export function createReplacements(
  database: DatabaseSync,
  parts: { documents: Documents; bases: Bases; formerEpochs: FormerEpochs },
) {
  const { documents, bases, formerEpochs } = parts

  /** The answer that can be given without writing anything, or null if the document is to be replaced. */
  function answerBeforehand({ document: name, nonce, expected }: RequestOf<'renew'>): Renewed | null {
    const document = documents.find(name)
    // Asked again because the thread died between the commit and the answer.
    if (document !== null && document.generation !== null && bases.nonceOf(document.generation) === nonce)
      return { ok: true, epoch: document.epoch, end: documents.end(document) }
    if (expected === null) return null
    const end = document === null ? { seq: 0, link: noLink } : documents.end(document)
    const isExpected =
      expected.epoch === (document?.epoch ?? null) && expected.seq === end.seq && expected.link === end.link
    return isExpected ? null : { ok: false, reason: 'superseded' }
  }

  return {
    answerBeforehand,

    /** Everything that is written beforehand: the parts of the base, then what the former epoch had. */
    partsOf({ content }: RequestOf<'renew'>): Uint8Array[] {
      return [...bases.partsOf(content), content.lacks]
    },

    /** Puts a document in place whose parts have been written. */
    swap(request: RequestOf<'renew'>, { contents: written }: WriteAhead): Renewed {
      // failpoint: replacement-written
      const { renewed, done } = transact(database, () => {
        const answered = answerBeforehand(request)
        if (answered !== null) return { renewed: answered, done: () => {} }
        const former = documents.find(request.document)
        const done = former === null ? () => {} : bases.removeDocument(former)
        const { id, epoch } = documents.create(request.document, null)
        const place = { document: id, through: firstSeq, link: draw8Bytes(), nonce: request.nonce }
        bases.insertWhole(place, request.content, written.slice(0, -1))
        // Without a former epoch nobody refers to its ranges, and the chores take them away.
        if (former !== null) formerEpochs.handOver(former, id, written.at(-1)!)
        const end = { seq: firstSeq, link: place.link.toString('hex') }
        // failpoint: before-replacement-commit
        return { renewed: { ok: true, epoch, end } as const, done }
      })
      // failpoint: document-replaced
      done()
      return renewed
    },

    deleteDocument(name: string): void {
      const done = transact(database, () => {
        const document = documents.find(name)
        if (document === null) return () => {}
        formerEpochs.forget(document.id)
        return bases.removeDocument(document)
      })
      done()
    },
  }
}
