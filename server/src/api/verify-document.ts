/**
 * Looks over everything that is stored of one document: that the bytes are those that were written (the log tells), that seqs and
 * links follow each other, that every update can be read and applied and that the base's vectors are right (the worker tells),
 * and that nothing of a former epoch is in it.
 */
import type { Workers } from '../compaction/workers.ts'
import { clientsOf } from '../room/other-epoch.ts'
import { noLink, type UpdateLog } from '../store/update-log.ts'
import type { Finding } from './operations.ts'
import { readStoredDocument, type StoredDocument } from './stored-document.ts'

export interface VerifyParts {
  readonly log: UpdateLog
  readonly workers: Pick<Workers, 'checkContent'>
}

export interface VerifiedDocument {
  readonly entries: number
  readonly pieces: number
}

export async function verifyDocument(
  { log, workers }: VerifyParts,
  document: string,
  onFinding: (finding: Finding) => void,
): Promise<VerifiedDocument> {
  const tell = (found: Omit<Finding, 'document'>) => onFinding({ document, ...found })
  const stored = await readStoredDocument(log, document, tell)
  // Whoever asks has the name from the list, in which it stands beside the document and not in the index that finds it.
  if (stored.head !== null && stored.head.epoch === null)
    tell({ place: 'the row', problem: 'is in the list of documents, and is not found under its name' })
  checkChain(stored, tell)
  for (const finding of await checkInWorker(stored, workers)) tell(finding)
  return { entries: stored.entries.length, pieces: stored.pieces.length }
}

type Tell = (found: Omit<Finding, 'document'>) => void

/** Each entry names its predecessor's link; one whose predecessor is damaged has nothing to be compared with. */
function checkChain({ head, entries }: StoredDocument, tell: Tell): void {
  let previous = head === null ? null : { seq: head.base?.through ?? 0, link: head.base?.link ?? noLink }
  for (const { seq, link, previousLink } of entries) {
    if (previous !== null && seq === previous.seq + 1 && previousLink !== previous.link) {
      const problem = `follows an entry with the link ${previousLink}, the one before it has ${previous.link}`
      tell({ place: `entry ${seq}`, problem })
    }
    previous = { seq, link }
  }
}

async function checkInWorker({ head, pieces, entries }: StoredDocument, workers: VerifyParts['workers']) {
  const base = head?.base ?? null
  try {
    const findings = await workers.checkContent({
      base: base === null ? null : { ...base, pieces },
      entries: entries.map(({ seq, update, authors }) => ({ seq, update, authors })),
      formerClients: clientsOf(head?.formerEpochs ?? []),
    })
    return findings
  } catch (error) {
    // The worker died of it, or took too long: that is a finding as well, and the next document can be looked at.
    const problem = `cannot be applied: ${error instanceof Error ? error.message : String(error)}`
    return [{ place: 'the document', problem }]
  }
}
