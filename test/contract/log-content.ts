import { randomBytes } from 'node:crypto'
import type { Entry, StoredEntry } from '@syncline/server/internal/store/entry'
import { type NewBase, noLink, type UpdateLog } from '@syncline/server/internal/store/update-log'
import { expect } from 'vitest'

/**
 * Entries and bases to put into a log, and a way to read a whole document back. The log never looks into an update, so the
 * updates here are bytes that a reader can recognise, not Yjs.
 */
export function makeEntry(some: Partial<Entry> = {}): Entry {
  return {
    kind: 'update',
    timeMs: 1_790_000_000_000,
    update: someBytes(24),
    authors: [],
    instance: 'instance-1',
    nonce: randomBytes(8).toString('hex'),
    ...some,
  }
}

export function makeEntries(count: number): Entry[] {
  return Array.from({ length: count }, () => makeEntry())
}

export function makeBase(through: number, some: Partial<NewBase> = {}): NewBase {
  return {
    through,
    pieces: [someBytes(300), someBytes(20)],
    byteVector: someBytes(4),
    documentVector: someBytes(5),
    catchUp: someBytes(6),
    ...some,
  }
}

/** Not a `Buffer`, which a log gives back as what it is beneath. */
function someBytes(length: number): Uint8Array {
  return new Uint8Array(randomBytes(length))
}

/** Every entry after `after`, read in parts as a reader with little memory does. */
export async function readAll(log: UpdateLog, document: string, after = 0): Promise<StoredEntry[]> {
  const found: StoredEntry[] = []
  for (;;) {
    const part = await log.readEntries(document, found.at(-1)?.seq ?? after, 64 * 1024)
    if (part.length === 0) return found
    found.push(...part)
  }
}

/** The pieces of the current base, or null if there is none. */
export async function readPieces(log: UpdateLog, document: string): Promise<(Uint8Array | 'gone')[] | null> {
  const { base } = await log.load(document)
  if (base === null) return null
  const numbers = Array.from({ length: base.pieces }, (_, piece) => piece)
  return Promise.all(numbers.map(piece => log.readPiece(document, base.generation, piece)))
}

/** The base's generation, for those who want to replace it. */
export async function currentGeneration(log: UpdateLog, document: string): Promise<number | null> {
  return (await log.load(document)).base?.generation ?? null
}

/** The head of a document that nobody has written. */
export const neverWritten = { epoch: null, end: { seq: 0, link: noLink }, base: null, formerEpochs: [] }

/** Seqs count from `first`, each entry names its predecessor's link, and no link comes twice. */
export function expectChain(entries: readonly StoredEntry[], first = 1, link = noLink): void {
  expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, i) => first + i))
  expect(entries.map(({ previousLink }) => previousLink)).toEqual([
    ...(entries.length > 0 ? [link] : []),
    ...entries.slice(0, -1).map(entry => entry.link),
  ])
  expect(new Set(entries.map(entry => entry.link)).size).toBe(entries.length)
}
