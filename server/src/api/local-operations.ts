/**
 * Operators' work where the store is open: in a running server, or in a command that opened the data folder of a stopped one.
 */
import { randomBytes } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { wholeDocumentLimits } from '@syncline/shared/update/walk'
import { closeCodes } from '@syncline/shared/wire/close-codes'
import type { Workers } from '../compaction/workers.ts'
import { AppError } from '../foundation/errors.ts'
import { DocumentBusy } from '../room/closed-documents.ts'
import { clientsOf, otherEpochReason } from '../room/other-epoch.ts'
import type { Rooms } from '../room/rooms.ts'
import { chunkBytesMax } from '../room/tail.ts'
import { documentKey } from '../store/document-key.ts'
import { type ListedDocument, LogRefusal, type UpdateLog } from '../store/update-log.ts'
import type { OnProgress, Operations } from './operations.ts'
import { ClosedByRoom, OperatorMember } from './operator-member.ts'
import { replaceDocument } from './replace-document.ts'
import { readStoredDocument } from './stored-document.ts'
import { verifyDocument } from './verify-document.ts'

const listPageDocuments = 1_000
const noProgress: OnProgress = () => {}

export interface LocalParts {
  readonly log: UpdateLog
  readonly workers: Pick<
    Workers,
    'inspect' | 'split' | 'readContent' | 'checkContent' | 'prepareReplacement' | 'buildBase'
  >
  readonly rooms: Pick<Rooms, 'open' | 'alone'>
}

export function createLocalOperations(parts: LocalParts): Operations {
  const { log, workers, rooms } = parts
  return {
    list: () => listAll(log),

    async export(document, format) {
      assertName(document)
      const stored = await readStoredDocument(log, document, ({ place, problem }) => {
        throw new AppError('DOCUMENT_DAMAGED', { reason: `${place} ${problem}` })
      })
      if (stored.head!.epoch === null) throw unknown(document)
      const read = await workers.readContent({
        format,
        pieces: stored.pieces.map(piece => piece!),
        entries: stored.entries.map(({ seq, update }) => ({ seq, update })),
      })
      if (read.ok) return read.bytes
      throw new AppError('DOCUMENT_DAMAGED', { reason: `${read.place}: ${read.reason}` })
    },

    async import(document, update, onProgress = noProgress) {
      assertName(document)
      await assertImportable(parts, document, update)
      const room = await openRoom(parts, document)
      const member = new OperatorMember(`operator-${randomBytes(6).toString('hex')}`, room)
      try {
        return await importAll(parts, member, update, onProgress).then(() => ({ seq: room.end.seq }))
      } catch (error) {
        throw error instanceof ClosedByRoom ? asAppError(error) : error
      } finally {
        member.leave()
      }
    },

    async replace(document, update, onProgress = noProgress) {
      assertName(document)
      // Before anybody is sent away for a file that could never take the place of anything.
      const inspected = await workers.inspect(update, wholeDocumentLimits)
      if (!inspected.ok) throw new AppError('UPDATE_REFUSED', { reason: inspected.reason })
      try {
        return await rooms.alone(document, () =>
          replaceDocument({ log, workers }, document, update, onProgress),
        )
      } catch (error) {
        throw error instanceof DocumentBusy ? new AppError('DOCUMENT_BUSY', { reason: error.message }) : error
      }
    },

    async backup(file, onProgress = noProgress) {
      try {
        await log.backup(file, onProgress)
        return { bytes: (await stat(file)).size }
      } catch (error) {
        throw new AppError('BACKUP_FAILED', { reason: (error as Error).message }, { cause: error })
      }
    },

    async verify(document, { onFinding, onProgress = noProgress }) {
      const names = document === null ? await allNames(log) : [await known(log, document)]
      const verified = { documents: 0, entries: 0, pieces: 0, findings: 0 }
      for (const name of names) {
        onProgress({ done: verified.documents, total: names.length })
        const { entries, pieces } = await verifyDocument({ log, workers }, name, finding => {
          verified.findings++
          onFinding(finding)
        })
        verified.documents++
        verified.entries += entries
        verified.pieces += pieces
      }
      onProgress({ done: verified.documents, total: names.length })
      return verified
    },
  }
}

async function* listAll(log: UpdateLog): AsyncGenerator<ListedDocument> {
  for (let after: string | null = null; ; ) {
    const page: ListedDocument[] = await log.list(after, listPageDocuments)
    yield* page
    if (page.length === 0) return
    after = page.at(-1)!.document
  }
}

async function allNames(log: UpdateLog): Promise<string[]> {
  const names: string[] = []
  for await (const { document } of listAll(log)) names.push(document)
  return names
}

/** A name that is there. A document whose row is damaged is. */
async function known(log: UpdateLog, document: string): Promise<string> {
  assertName(document)
  const head = await log.load(document).catch(() => null)
  if (head?.epoch === null) throw unknown(document)
  return document
}

/** A name that no store takes is no document, and none could be made of it. */
function assertName(document: string): void {
  try {
    documentKey(document)
  } catch (error) {
    if (error instanceof LogRefusal) throw unknown(document)
    throw error
  }
}

function unknown(document: string): AppError {
  return new AppError('DOCUMENT_UNKNOWN', { document: JSON.stringify(document) })
}

/** Says so before any part of it is brought, so that a file which can't be imported changes nothing. */
async function assertImportable(
  { log, workers }: LocalParts,
  document: string,
  update: Uint8Array,
): Promise<void> {
  const inspected = await workers.inspect(update, wholeDocumentLimits)
  if (!inspected.ok) throw new AppError('UPDATE_REFUSED', { reason: inspected.reason })
  const { formerEpochs } = await log.load(document)
  const reason = otherEpochReason(inspected.clients, clientsOf(formerEpochs))
  if (reason !== null) throw new AppError('OTHER_EPOCH', { reason })
}

async function openRoom({ rooms }: LocalParts, document: string) {
  const opening = rooms.open(document)
  if (opening === 'full') throw new AppError('DOCUMENT_BUSY', { reason: 'too many documents are open' })
  return opening
}

/** In parts of the size in which everybody is sent them: one that is too large would outlast a client's patience. */
async function importAll(
  { workers }: LocalParts,
  member: OperatorMember,
  update: Uint8Array,
  onProgress: OnProgress,
): Promise<void> {
  const parts = await workers.split(update, chunkBytesMax)
  let done = 0
  for (const part of parts) {
    await member.bring(part)
    done += part.byteLength
    onProgress({ done: Math.min(done, update.byteLength), total: update.byteLength })
  }
}

function asAppError({ code, message: reason }: ClosedByRoom): AppError {
  if (code === closeCodes.otherEpoch) return new AppError('OTHER_EPOCH', { reason })
  return code.retry ? new AppError('DOCUMENT_BUSY', { reason }) : new AppError('UPDATE_REFUSED', { reason })
}
