import type { Clock } from '../foundation/clock.ts'
import { documentKey } from './document-key.ts'
import { type EntryBody, encodeAppend } from './encode-append.ts'
import { decodeEntry } from './entry.ts'
import { decodeLacks, encodeLacks } from './former-epoch.ts'
import { draw8Bytes } from './random-bytes.ts'
import {
  type Appended,
  type Base,
  type End,
  type ExpectedEnd,
  type Head,
  type History,
  HistoryRewritten,
  LogRefusal,
  type NewBase,
  type NewContent,
  noLink,
  type Renewed,
  type Replaced,
  type UpdateLog,
} from './update-log.ts'

/**
 * The log in memory: the whole contract but for durability, in its simplest form. For tests, for throw-away demos, and as
 * the reference that other variants are compared with.
 */

interface MemoryEntry extends EntryBody, End {
  readonly previousLink: string
}

interface MemoryBase extends Base {
  readonly content: readonly Uint8Array[]
}

interface MemoryDocument {
  readonly epoch: string
  /** Entries after the base. */
  tail: MemoryEntry[]
  base: MemoryBase | null
  readonly former: Map<number, MemoryBase>
  readonly formerEpochs: readonly { readonly epoch: string; readonly lacks: Uint8Array }[]
}

/** A log that is gone with its process. It takes a clock as every variant does, and never has to wait for anything. */
export function createMemoryLog(_options: { readonly clock: Clock }): UpdateLog {
  const documents = new Map<string, MemoryDocument>()
  let lastGeneration = 0
  let closed = false

  /** The document, after the checks that come before every request. */
  function find(name: string): MemoryDocument | undefined {
    if (closed) throw new LogRefusal('the store is closed')
    documentKey(name)
    return documents.get(name)
  }

  function create(name: string, epoch: string | null): MemoryDocument {
    const document = {
      epoch: epoch ?? randomHex(),
      tail: [],
      base: null,
      former: new Map(),
      formerEpochs: [],
    }
    documents.set(name, document)
    return document
  }

  function renew(name: string, document: MemoryDocument | undefined, content: NewContent): Renewed {
    const lacks = encodeLacks(content.lacks)
    const { epoch = null, formerEpochs = [] } = document ?? {}
    const end = { seq: 1, link: randomHex() }
    const renewed: MemoryDocument = {
      epoch: randomHex(),
      tail: [],
      base: makeBase({ ...content, through: end.seq }, end.link),
      former: new Map(),
      formerEpochs: epoch === null ? [] : [...formerEpochs, { epoch, lacks }],
    }
    documents.set(name, renewed)
    return { ok: true, epoch: renewed.epoch, end }
  }

  function appendAll(document: MemoryDocument, since: number, bodies: readonly EntryBody[]): Appended {
    const known = findKnown(document.tail, since, bodies)
    const entries = bodies.map(body => {
      const already = known.get(body)
      if (already !== undefined) return already
      const previous = endOf(document)
      const entry = { ...body, seq: previous.seq + 1, link: randomHex(), previousLink: previous.link }
      document.tail.push(entry)
      return entry
    })
    const ends = entries.map(({ seq, link }) => ({ seq, link }))
    return { epoch: document.epoch, ends, previousLink: entries[0]?.previousLink ?? endOf(document).link }
  }

  function replace(document: MemoryDocument, base: NewBase): Replaced {
    const link = linkAt(document, base.through)
    if (link === null || (base.link ?? link) !== link) return { ok: false, reason: 'superseded' }
    if (document.base !== null) document.former.set(document.base.generation, document.base)
    document.base = makeBase(base, link)
    document.tail = document.tail.filter(({ seq }) => seq > base.through)
    return { ok: true, generation: lastGeneration }
  }

  function makeBase(base: NewBase, link: string): MemoryBase {
    lastGeneration += 1
    const content = base.pieces.map(piece => new Uint8Array(piece))
    return {
      generation: lastGeneration,
      through: base.through,
      link,
      pieces: content.length,
      bytes: content.reduce((sum, piece) => sum + piece.length, 0),
      byteVector: new Uint8Array(base.byteVector),
      documentVector: new Uint8Array(base.documentVector),
      catchUp: new Uint8Array(base.catchUp),
      content,
    }
  }

  return {
    async load(name): Promise<Head> {
      const document = find(name)
      if (document === undefined)
        return { epoch: null, end: { seq: 0, link: noLink }, base: null, formerEpochs: [] }
      const formerEpochs = document.formerEpochs.map(({ epoch, lacks }) => ({ epoch, ...decodeLacks(lacks) }))
      return { epoch: document.epoch, end: endOf(document), base: copyBase(document.base), formerEpochs }
    },
    async position(name) {
      const document = find(name)
      if (document === undefined) return { epoch: null, end: { seq: 0, link: noLink }, generation: null }
      return {
        epoch: document.epoch,
        end: endOf(document),
        generation: document.base?.generation ?? null,
      }
    },
    async readEntries(name, after, bytesMax) {
      const found = []
      let budget = bytesMax
      for (const { body, seq, link, previousLink } of find(name)?.tail ?? []) {
        if (seq <= after) continue
        budget -= body.length
        if (budget < 0 && found.length > 0) break
        found.push(decodeEntry(new Uint8Array(body), seq, link, previousLink))
      }
      return found
    },
    async readPiece(name, generation, piece) {
      const document = find(name)
      const base =
        document?.base?.generation === generation ? document.base : document?.former.get(generation)
      if (base === undefined) return 'gone'
      const content = base.content[piece]
      if (content === undefined) throw new Error(`the base of generation ${generation} has no piece ${piece}`)
      return new Uint8Array(content)
    },
    async append(name, since, entries, history) {
      const document = find(name)
      const bodies = encodeAppend(entries)
      if (history !== undefined && !hasHistory(document, since, history))
        throw new HistoryRewritten(
          `the log of ${JSON.stringify(name)} is not the one that ended at ${since}/${history.link}`,
        )
      return appendAll(document ?? create(name, history?.epoch ?? null), since, bodies)
    },
    claimCompaction: async () => () => {},
    async replaceBase(name, expected, base) {
      const document = find(name)
      if (document === undefined || (document.base?.generation ?? null) !== expected)
        return { ok: false, reason: 'superseded' }
      return replace(document, base)
    },
    async replaceDocument(name, expected, content) {
      const document = find(name)
      if (expected !== null && !endsAt(document, expected)) return { ok: false, reason: 'superseded' }
      return renew(name, document, content)
    },
    async dropGeneration(name, generation) {
      find(name)?.former.delete(generation)
    },
    async list(after, limit) {
      if (closed) throw new LogRefusal('the store is closed')
      const from = after === null ? null : documentKey(after)
      return Array.from(documents, ([name, document]) => ({ name, key: documentKey(name), document }))
        .filter(({ key }) => from === null || Buffer.compare(key, from) > 0)
        .sort((a, b) => Buffer.compare(a.key, b.key))
        .slice(0, limit)
        .map(({ name, document }) => ({
          document: name,
          epoch: document.epoch,
          end: endOf(document),
          baseBytes: document.base?.bytes ?? 0,
          tailEntries: document.tail.length,
        }))
    },
    async delete(name) {
      find(name)
      documents.delete(name)
    },
    async backup() {
      throw new LogRefusal('a log in memory keeps nothing: it cannot be copied into a file')
    },
    savedMeans: 'in memory alone: it is gone when the server stops',
    health: { at: 'here' },
    onHealth: () => () => {},
    async close() {
      closed = true
    },
  }
}

/** Where the tail already has these entries. Each stored one answers for one only, as entries may share a nonce. */
function findKnown(
  tail: readonly MemoryEntry[],
  since: number,
  bodies: readonly EntryBody[],
): Map<EntryBody, MemoryEntry> {
  const known = new Map<EntryBody, MemoryEntry>()
  const candidates = new Set(tail.filter(({ seq }) => seq > since))
  for (const body of bodies)
    for (const candidate of candidates) {
      if (candidate.nonce !== body.nonce || candidate.instance !== body.instance) continue
      candidates.delete(candidate)
      known.set(body, candidate)
      break
    }
  return known
}

function endOf({ tail, base }: MemoryDocument): End {
  const last = tail.at(-1)
  if (last !== undefined) return { seq: last.seq, link: last.link }
  return base === null ? { seq: 0, link: noLink } : { seq: base.through, link: base.link }
}

function endsAt(document: MemoryDocument | undefined, expected: ExpectedEnd): boolean {
  const { seq, link } = document === undefined ? { seq: 0, link: noLink } : endOf(document)
  return expected.epoch === (document?.epoch ?? null) && expected.seq === seq && expected.link === link
}

/** Where the entry at `since` lies inside the base, its link is not kept any more, and nothing speaks against it. */
function hasHistory(document: MemoryDocument | undefined, since: number, { epoch, link }: History): boolean {
  if (document === undefined) return since === 0
  if (epoch !== null && epoch !== document.epoch) return false
  return since < (document.base?.through ?? 0) || linkAt(document, since) === link
}

/** The link of the entry at `through`, or null if it is not there, or lies inside the present base. */
function linkAt({ tail, base }: MemoryDocument, through: number): string | null {
  if (through === (base?.through ?? 0)) return base?.link ?? noLink
  return tail.find(({ seq }) => seq === through)?.link ?? null
}

function copyBase(base: MemoryBase | null): Base | null {
  if (base === null) return null
  const { content: _, ...rest } = base
  return {
    ...rest,
    byteVector: new Uint8Array(base.byteVector),
    documentVector: new Uint8Array(base.documentVector),
    catchUp: new Uint8Array(base.catchUp),
  }
}

function randomHex(): string {
  return draw8Bytes().toString('hex')
}
