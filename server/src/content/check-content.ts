/**
 * Looks over what is stored of one document: reads and applies every update, and compares what stands beside the base with
 * what its pieces give. Runs in the worker. Finds as much as it can: one finding does not hide the next.
 *
 * Whether the bytes are those that were written, and whether seqs and links follow each other, the log and its reader see
 * without a document (`api/verify.ts`).
 */
import { namedClients } from '@syncline/shared/update/clients'
import {
  addClientRanges,
  type ClientRanges,
  containsClientRanges,
  equalClientRanges,
  subtractClientRanges,
} from '@syncline/shared/update/ranges'
import { decodeVector, structsBeyond } from '@syncline/shared/update/vector'
import { type Structure, walkUpdate, wholeDocumentLimits } from '@syncline/shared/update/walk'
import { Doc, decodeUpdate, encodeStateAsUpdate, encodeStateVector } from 'yjs'
import type { Author } from '../store/entry.ts'
import type { StoredRanges } from '../store/stored-reader.ts'
import { applyOrSay } from './load-document.ts'

export interface CheckedBase {
  readonly bytes: number
  readonly byteVector: Uint8Array
  readonly documentVector: Uint8Array
  readonly catchUp: Uint8Array
  /** Null for one that could not be read, which has been told already. */
  readonly pieces: readonly (Uint8Array | null)[]
}

export interface CheckedEntry {
  readonly seq: number
  readonly update: Uint8Array
  readonly authors: readonly Author[]
}

export interface ContentFinding {
  /** `entry 5`, `piece 3 of the base`, `the base`. */
  readonly place: string
  /** Goes on with the sentence that the place begins. */
  readonly problem: string
}

export function checkContent({
  base,
  entries,
  formerClients,
}: {
  base: CheckedBase | null
  entries: readonly CheckedEntry[]
  /** Clients of former epochs: nothing of theirs belongs here [LOG-3]. */
  formerClients: ReadonlySet<number>
}): ContentFinding[] {
  const findings = findFormerClients(base, entries, formerClients)
  const document = new Doc({ gc: true })
  const held = nothing()
  if (base !== null) checkBase(base, document, held, findings)
  for (const entry of entries) checkEntry(entry, document, held, findings)
  const whole = walk(encodeStateAsUpdate(document))
  if (!whole.ok)
    findings.push({ place: 'the document', problem: `encodes to something malformed: ${whole.reason}` })
  else if (!containsClientRanges(whole.structure.structs, held.structs))
    findings.push({ place: 'the document', problem: 'lacks structs that are in its updates' })
  else if (!containsClientRanges(whole.structure.deletes, held.deletes))
    findings.push({ place: 'the document', problem: 'lacks deletes that are in its updates' })
  return findings
}

function findFormerClients(
  base: CheckedBase | null,
  entries: readonly CheckedEntry[],
  formerClients: ReadonlySet<number>,
): ContentFinding[] {
  if (formerClients.size === 0) return []
  const findings: ContentFinding[] = []
  const updates = [
    ...(base?.pieces ?? []).map((update, piece) => ({ place: `piece ${piece} of the base`, update })),
    ...entries.map(({ seq, update }) => ({ place: `entry ${seq}`, update })),
  ]
  for (const { place, update } of updates) {
    // What cannot be read is told by those who read all of it.
    if (update === null || !walk(update).ok) continue
    for (const client of namedClients(update))
      if (formerClients.has(client))
        findings.push({ place, problem: `names client ${client}, who belongs to a former epoch` })
  }
  return findings
}

type Held = Pick<Structure, 'structs' | 'deletes'>

const nothing = (): Held => ({ structs: new Map(), deletes: new Map() })

function checkBase(base: CheckedBase, document: Doc, held: Held, findings: ContentFinding[]): void {
  let bytes = 0
  let whole = true
  for (const [number, piece] of base.pieces.entries()) {
    const place = `piece ${number} of the base`
    const problem = piece === null ? null : take(piece, document, held)
    if (problem !== null) findings.push({ place, problem })
    whole &&= piece !== null && problem === null
    bytes += piece?.byteLength ?? 0
  }
  // What stands beside the base can only be compared with all of it.
  if (!whole) return
  const say = (problem: string) => findings.push({ place: 'the base', problem })
  if (bytes !== base.bytes) say(`has ${bytes} bytes in its pieces, ${base.bytes} are written down`)
  compareVectors(base, document, held, say)
  compareCatchUp(base, document, held, say)
}

function compareVectors(base: CheckedBase, document: Doc, held: Held, say: (problem: string) => void): void {
  const contiguous = new Map<number, number>()
  for (const [client, ranges] of held.structs) if (ranges[0] === 0) contiguous.set(client, ranges[1]!)
  const reach = decodeVector(encodeStateVector(document))
  for (const [name, stored, expected] of [
    ['byte', decodeVector(base.byteVector), contiguous],
    ['document', decodeVector(base.documentVector), reach.ok ? reach.vector : new Map<number, number>()],
  ] as const) {
    if (!stored.ok) say(`has an unreadable ${name} vector: ${stored.reason}`)
    else if (!sameVectors(stored.vector, expected))
      say(`has a wrong ${name} vector: ${vectorDifference(stored.vector, expected)}`)
  }
}

function compareCatchUp(base: CheckedBase, document: Doc, held: Held, say: (problem: string) => void): void {
  const reach = decodeVector(encodeStateVector(document))
  const walked = walk(base.catchUp)
  if (!walked.ok) return say(`has an unreadable catch-up frame: ${walked.reason}`)
  const beyond = structsBeyond(held.structs, reach.ok ? reach.vector : new Map())
  if (!equalClientRanges(walked.structure.structs, beyond))
    say('has a catch-up frame with other structs than lie behind gaps in its pieces')
  if (!equalClientRanges(walked.structure.deletes, held.deletes))
    say('has a catch-up frame with other deletes than its pieces')
}

function checkEntry(
  { seq, update, authors }: CheckedEntry,
  document: Doc,
  held: Held,
  findings: ContentFinding[],
): void {
  const place = `entry ${seq}`
  const own = nothing()
  const problem = take(update, document, own)
  if (problem !== null) findings.push({ place, problem })
  addClientRanges(held.structs, own.structs)
  addClientRanges(held.deletes, own.deletes)
  if (problem !== null) return
  for (const { name, structs, deletes } of authors) {
    const claimed = [
      subtractClientRanges(copyRanges(structs), own.structs),
      subtractClientRanges(copyRanges(deletes), own.deletes),
    ]
    if (claimed.some(({ size }) => size > 0))
      findings.push({ place, problem: `names ${JSON.stringify(name)} as the author of what is not in it` })
  }
}

function copyRanges(ranges: StoredRanges): ClientRanges {
  return new Map([...ranges].map(([client, ofClient]) => [client, [...ofClient]]))
}

/** Why an update is none that a client could take, or null; what it holds is added to `held`. */
function take(update: Uint8Array, document: Doc, held: Held): string | null {
  const walked = walk(update)
  if (!walked.ok) return `cannot be read: ${walked.reason}`
  try {
    decodeUpdate(update)
  } catch (error) {
    return `cannot be decoded by Yjs: ${error instanceof Error ? error.message : String(error)}`
  }
  addClientRanges(held.structs, walked.structure.structs)
  addClientRanges(held.deletes, walked.structure.deletes)
  const thrown = applyOrSay(document, update)
  return thrown === null ? null : `cannot be applied: ${thrown}`
}

function walk(update: Uint8Array) {
  return walkUpdate(update, wholeDocumentLimits)
}

function sameVectors(a: ReadonlyMap<number, number>, b: ReadonlyMap<number, number>): boolean {
  return a.size === b.size && [...a].every(([client, clock]) => b.get(client) === clock)
}

/** The first client on which two vectors differ. */
function vectorDifference(
  stored: ReadonlyMap<number, number>,
  expected: ReadonlyMap<number, number>,
): string {
  for (const client of new Set([...stored.keys(), ...expected.keys()])) {
    const [is, should] = [stored.get(client) ?? 0, expected.get(client) ?? 0]
    if (is !== should) return `client ${client} stands at ${is}, its pieces reach ${should}`
  }
  return 'a client stands at 0'
}
