import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { systemClock } from '@syncline/server/internal/foundation/clock'
import { openDiskLog, storeFileName } from '@syncline/server/internal/store/disk-log'
import { type End, noLink, type UpdateLog } from '@syncline/server/internal/store/update-log'
import { readAll } from '../contract/log-content.ts'

/**
 * What a program that was killed had been told is saved, held against what the store has when it is opened again.
 *
 * A base written by that program (`store-program.ts`) is a list of what is in it, so that nothing can hide in there.
 */
export interface SavedEntry extends End {
  readonly document: string
  readonly epoch: string
  readonly nonce: string
}

/** An entry inside a base: one line of the base's text. */
export function baseLine({ seq, link, nonce }: Omit<SavedEntry, 'document' | 'epoch'>): string {
  return `${seq} ${link} ${nonce}\n`
}

function parseBaseLine(line: string): Omit<SavedEntry, 'document' | 'epoch'> {
  const [seq, link, nonce] = line.split(' ')
  return { seq: Number(seq), link: link!, nonce: nonce! }
}

/** Everything in a document's log, base first. Throws where the chain is broken. */
export async function readWholeLog(
  log: UpdateLog,
  document: string,
): Promise<{ epoch: string | null; entries: Omit<SavedEntry, 'document' | 'epoch'>[] }> {
  const { epoch, end, base } = await log.load(document)
  const pieces: Uint8Array[] = []
  for (let piece = 0; piece < (base?.pieces ?? 0); piece++)
    pieces.push((await log.readPiece(document, base!.generation, piece)) as Uint8Array)
  const lines = Buffer.concat(pieces).toString().split('\n').slice(0, -1)
  const entries = lines.map(parseBaseLine)
  const place = JSON.stringify(document)
  if ((base?.through ?? 0) !== entries.length)
    throw new Error(`the base of ${place} is through ${base?.through} and holds ${entries.length} entries`)
  if ((base?.link ?? noLink) !== (entries.at(-1)?.link ?? noLink))
    throw new Error(`the base of ${place} has the link ${base?.link}, its last entry ${entries.at(-1)?.link}`)
  for (const { seq, link, previousLink, nonce, update } of await readAll(log, document)) {
    if (seq !== entries.length + 1) throw new Error(`${place} has entry ${seq} after ${entries.length}`)
    if (previousLink !== (entries.at(-1)?.link ?? noLink))
      throw new Error(`entry ${seq} of ${place} does not follow its predecessor`)
    if (!isFilledWith(update, nonce)) throw new Error(`entry ${seq} of ${place} has another's update`)
    entries.push({ seq, link, nonce })
  }
  // Others may have appended since the end was read.
  if ((entries[end.seq - 1]?.link ?? noLink) !== end.link)
    throw new Error(`${place} ends at ${end.seq} ${end.link}, its entry there is another`)
  return { epoch, entries }
}

/** The update of an entry with this nonce: recognisable, whatever its size. */
export function filledWith(nonce: string, length: number): Uint8Array {
  return new Uint8Array(Buffer.alloc(length, nonce, 'hex'))
}

function isFilledWith(update: Uint8Array, nonce: string): boolean {
  return Buffer.compare(update, filledWith(nonce, update.length)) === 0
}

/** Sentences about what is wrong in a closed store; none if everything saved is there, in its place, and the file is whole. */
export async function findLosses(folder: string, saved: readonly SavedEntry[]): Promise<string[]> {
  const losses: string[] = []
  const log = await openDiskLog({ folder, clock: systemClock })
  try {
    for (const document of new Set(saved.map(({ document }) => document))) {
      const { epoch, entries } = await readWholeLog(log, document)
      for (const entry of saved) {
        if (entry.document !== document) continue
        const found = entries[entry.seq - 1]
        if (entry.epoch !== epoch || found?.nonce !== entry.nonce || found.link !== entry.link)
          losses.push(`${document} ${entry.seq}: saved ${entry.nonce}, found ${found?.nonce ?? 'nothing'}`)
      }
      const nonces = new Set(entries.map(({ nonce }) => nonce))
      if (nonces.size !== entries.length) losses.push(`${document}: an entry is there twice`)
    }
  } catch (error) {
    losses.push((error as Error).message)
  } finally {
    await log.close()
  }
  return [...losses, ...checkFile(folder)]
}

export function checkFile(folder: string): string[] {
  const database = new DatabaseSync(join(folder, storeFileName))
  try {
    const rows = database
      .prepare('PRAGMA integrity_check')
      .all()
      .map(row => String(row.integrity_check))
    return rows.filter(row => row !== 'ok')
  } finally {
    database.close()
  }
}
