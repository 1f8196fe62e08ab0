/**
 * Puts an update in the place of a document [LOG-3].
 *
 *     nobody is in it ─ what it had is read ─ the update gets ids of its own ─ a base is built and verified ─ one swap
 *
 * Until the swap nothing has changed, after it everything has. Who comes back with what the document was is refused from
 * then on (`room/other-epoch.ts`).
 */
import { addClientRanges, type ClientRanges } from '@syncline/shared/update/ranges'
import { decodeVector } from '@syncline/shared/update/vector'
import { type Structure, walkUpdate, wholeDocumentLimits } from '@syncline/shared/update/walk'
import type { Workers } from '../compaction/workers.ts'
import { AppError } from '../foundation/errors.ts'
import { clientsOf } from '../room/other-epoch.ts'
import type { ExpectedEnd, UpdateLog } from '../store/update-log.ts'
import type { OnProgress, Replacement } from './operations.ts'
import { readStoredDocument } from './stored-document.ts'

/** Read, exchanged, built, put in place. */
const stepsTotal = 4

export interface ReplaceParts {
  readonly log: UpdateLog
  readonly workers: Pick<Workers, 'prepareReplacement' | 'buildBase'>
}

/** To be called while nobody is in the document. */
export async function replaceDocument(
  { log, workers }: ReplaceParts,
  document: string,
  update: Uint8Array,
  onProgress: OnProgress,
): Promise<Replacement> {
  const step = (done: number) => onProgress({ done, total: stepsTotal })
  const former = await readFormer(log, document)
  step(1)
  const { lacks, unreadable, expected } = former
  const prepared = await workers.prepareReplacement({
    update,
    formerClients: former.clients,
    limits: wholeDocumentLimits,
  })
  if (!prepared.ok) throw new AppError('UPDATE_REFUSED', { reason: prepared.reason })
  step(2)
  const built = await workers.buildBase({ pieces: [], entries: [{ seq: 1, update: prepared.update }] })
  if (!built.ok) throw new AppError('UPDATE_REFUSED', { reason: built.reason })
  step(3)
  const { pieces, byteVector, documentVector, catchUp } = built
  const content = { pieces, byteVector, documentVector, catchUp, lacks }
  const renewed = await log.replaceDocument(document, expected, content)
  if (!renewed.ok) {
    throw renewed.reason === 'away'
      ? new AppError('STORE_AWAY', { reason: 'there was no room for the new content' })
      : new AppError('DOCUMENT_BUSY', { reason: 'somebody else has changed the document meanwhile' })
  }
  step(stepsTotal)
  return { epoch: renewed.epoch, renamed: prepared.renamed, unreadable }
}

interface Former {
  /** Null where that could not be read: then whatever is there is replaced. */
  readonly expected: ExpectedEnd | null
  readonly lacks: { readonly structs: ClientRanges; readonly deletes: ClientRanges }
  /** Every client that this epoch or one before it knows. */
  readonly clients: ReadonlySet<number>
  readonly unreadable: readonly string[]
}

/** A damaged document can be replaced too: that is how it is made whole. */
async function readFormer(log: UpdateLog, document: string): Promise<Former> {
  const unreadable: string[] = []
  const stored = await readStoredDocument(log, document, ({ place, problem }) =>
    unreadable.push(`${place} ${problem}`),
  )
  const { head } = stored
  const lacks = { structs: new Map() as ClientRanges, deletes: new Map() as ClientRanges }
  const take = (what: string, update: Uint8Array) => {
    const walked = walkUpdate(update, wholeDocumentLimits)
    if (walked.ok) add(lacks, walked.structure)
    else unreadable.push(`${what} cannot be read: ${walked.reason}`)
  }
  for (const [number, piece] of stored.pieces.entries())
    if (piece !== null) take(`piece ${number} of the base`, piece)
  // Both stand for what is in the pieces, and may be whole where one of those is not.
  if (head !== null && head.base !== null) {
    take('the base', head.base.catchUp)
    const vector = decodeVector(head.base.byteVector)
    if (vector.ok) add(lacks, { structs: rangesOf(vector.vector), deletes: new Map() })
  }
  for (const { seq, update } of stored.entries) take(`entry ${seq}`, update)
  const clients = clientsOf([...(head?.formerEpochs ?? []), { epoch: '', ...lacks }])
  const isWhole = head !== null && unreadable.length === 0
  return { expected: isWhole ? { epoch: head.epoch, ...head.end } : null, lacks, clients, unreadable }
}

function add(into: Former['lacks'], { structs, deletes }: Pick<Structure, 'structs' | 'deletes'>): void {
  addClientRanges(into.structs, structs)
  addClientRanges(into.deletes, deletes)
}

const rangesOf = (vector: ReadonlyMap<number, number>): ClientRanges =>
  new Map([...vector].map(([client, clock]) => [client, [0, clock]]))
