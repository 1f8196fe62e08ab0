/**
 * Decides over each update that a member sends: refused, known already, or new, and if new, which bytes go on.
 *
 * Never drops what is not known: whatever is cut away was compared, range by range, with what the room holds.
 * Large updates take the same way with their heavy steps in the worker (`passLarge`), so that nobody else waits.
 */

import { namedClients } from '@syncline/shared/update/clients'
import { cutUpdate, deleteSetUpdate } from '@syncline/shared/update/cut'
import { type ClientRanges, equalClientRanges } from '@syncline/shared/update/ranges'
import { type Structure, type Walked, walkLimitsDefault, walkUpdate } from '@syncline/shared/update/walk'
import { type CloseCode, closeCodes } from '@syncline/shared/wire/close-codes'
import { type InspectedLarge, inspectUpdate } from '../compaction/inspection.ts'
import { foreignAmong, foreignReason, type Source } from './foreign-clients.ts'
import type { Known } from './known.ts'
import { otherEpochReason } from './other-epoch.ts'

/** Above this, inspection and cutting run in the worker: about 1 ms of the event loop (5,000 structs likewise). */
export const largeUpdateBytes = 256 * 1024
export const largeUpdateStructs = 5_000
/** A GC struct: one byte of kind, one of length. */
const structBytesMin = 2
/** How far ahead of what is known of a client an id may lie. No honest client skips ten million of its own clocks. */
const clockJumpMax = 10_000_000

export interface GateLimits {
  readonly deleteRangesPerUpdateMax: number
  readonly heldRangesMax: number
}

export interface Refused {
  readonly kind: 'refused'
  readonly code: CloseCode
  readonly rule: RefusalRule
  readonly reason: string
}

export type Verdict =
  | Refused
  | ({ readonly kind: 'known' } & LeftOut)
  /** It would bring something, and its member may only read. */
  | { readonly kind: 'read-only' }
  | Fresh

interface LeftOut {
  /** Clients of others who are connected: their content stays theirs to bring. */
  readonly leftOut?: readonly number[] | undefined
}

export interface Fresh extends LeftOut {
  readonly kind: 'new'
  readonly update: Uint8Array
  readonly structs: ClientRanges
  readonly deletes: ClientRanges
  /** Something of the original was left out: its author is sent the original as its acknowledgement. */
  readonly cut: boolean
}

export type RefusalRule =
  | 'structure'
  | 'clock-jump'
  | 'held-ranges'
  | 'other-epoch'
  | 'read-only'
  | 'foreign-client'
  | 'document-size'
  | 'delete-ranges'
  | 'delete-ranges-per-update'

/** The heavy steps of a large update, run elsewhere. */
export interface HeavySteps {
  inspect(update: Uint8Array): Promise<InspectedLarge>
  cut(update: Uint8Array, structs: ClientRanges, deletes: ClientRanges): Promise<Uint8Array>
}

export function isLarge(update: Uint8Array, limits: GateLimits): boolean {
  if (update.byteLength > largeUpdateBytes) return true
  if (update.byteLength < largeUpdateStructs * structBytesMin) return false
  const walked = walkUpdate(update, walkLimits(limits))
  return walked.ok && walked.structure.structCount > largeUpdateStructs
}

/** `source` is null where nobody has to say who they are. */
export function pass(
  update: Uint8Array,
  known: Known,
  limits: GateLimits,
  source: Source | null = null,
): Verdict {
  const inspected = inspectUpdate(update, walkLimits(limits))
  if (!inspected.ok) return refusedForStructure(inspected)
  // Few documents were ever replaced: the others do not pay for this.
  if (known.formerClients.size > 0) {
    const former = otherEpochReason(namedClients(update), known.formerClients)
    if (former !== null) return refusedForEpoch(former)
  }
  const news = compare(inspected.structure, known, limits, source)
  if (!('allNew' in news)) return news
  const { structs, deletes, allNew, leftOut } = news
  const bytes = allNew ? update : withoutKnown(update, news, cutUpdate)
  return { kind: 'new', update: bytes, structs, deletes, cut: !allNew, leftOut }
}

/** As `pass`, with the heavy steps elsewhere. What others bring meanwhile is known at the end, and cut away as well. */
export async function passLarge(
  update: Uint8Array,
  known: Known,
  limits: GateLimits,
  heavy: HeavySteps,
  source: Source | null = null,
): Promise<Verdict> {
  const inspected = await heavy.inspect(update)
  if (!inspected.ok) return refusedForStructure(inspected)
  const former = otherEpochReason(inspected.clients, known.formerClients)
  if (former !== null) return refusedForEpoch(former)
  const news = compare(inspected.structure, known, limits, source)
  if (!('allNew' in news)) return news
  const { leftOut } = news
  let bytes = news.allNew ? update : await withoutKnown(update, news, heavy.cut)
  let held: Content = news
  // What is new only becomes less, so this ends when nobody has brought any of it while the worker cut.
  for (;;) {
    const structs = known.newStructs(held.structs)
    const deletes = known.newDeletes(held.deletes)
    if (structs.size === 0 && deletes.size === 0) return { kind: 'known', leftOut }
    const unchanged = equalClientRanges(structs, held.structs) && equalClientRanges(deletes, held.deletes)
    if (unchanged) return { kind: 'new', update: bytes, structs, deletes, cut: bytes !== update, leftOut }
    held = { structs, deletes }
    bytes = await withoutKnown(update, held, heavy.cut)
  }
}

interface Content {
  readonly structs: ClientRanges
  readonly deletes: ClientRanges
}

interface News extends Content, LeftOut {
  readonly allNew: boolean
}

function compare(
  structure: Structure,
  known: Known,
  limits: GateLimits,
  source: Source | null,
): News | Verdict {
  const jump = findJump(structure.structs, known) ?? findJump(structure.deletes, known)
  if (jump !== undefined)
    return { kind: 'refused', code: closeCodes.malformed, rule: 'clock-jump', reason: jump }
  const structs = known.newStructs(structure.structs)
  const deletes = known.newDeletes(structure.deletes)
  const leftOut = (source === null ? null : foreignAmong(structs, source)) ?? undefined
  if (leftOut !== undefined && !source?.tellsOthers) return refusedForClient(leftOut)
  for (const client of leftOut ?? []) structs.delete(client)
  if (structs.size === 0 && deletes.size === 0) return { kind: 'known', leftOut }
  const crowded = heldTooMany(structs, known, limits)
  if (crowded !== undefined) {
    return { kind: 'refused', code: closeCodes.tooLarge, rule: 'held-ranges', reason: crowded }
  }
  const allNew =
    equalClientRanges(structs, structure.structs) && equalClientRanges(deletes, structure.deletes)
  return { structs, deletes, allNew, leftOut }
}

/**
 * Always cut, however small: content under ids that are known already would overlap what readers hold, and where their copy
 * has been collected, Yjs throws (35 of 15,000 mutated updates, when small ones went on whole).
 */
export function withoutKnown<Bytes>(
  update: Uint8Array,
  { structs, deletes }: Content,
  cut: (update: Uint8Array, structs: ClientRanges, deletes: ClientRanges) => Bytes,
): Bytes | Uint8Array {
  return structs.size === 0 ? deleteSetUpdate(deletes) : cut(update, structs, deletes)
}

function findJump(ranges: ClientRanges, known: Known): string | undefined {
  for (const [client, clientRanges] of ranges) {
    const end = clientRanges.at(-1)!
    const reach = known.reachOf(client)
    if (end - reach > clockJumpMax) {
      return `client ${client} jumps to clock ${end}, ${reach} is known and at most ${clockJumpMax} further is allowed`
    }
  }
  return undefined
}

/** Nothing is evicted to make room: what was accepted stays. The update that would not fit is refused by name. */
function heldTooMany(structs: ClientRanges, known: Known, limits: GateLimits): string | undefined {
  let behindGaps = 0
  for (const [client, ranges] of structs) {
    behindGaps += ranges.length / 2 - (ranges[0]! <= known.clockOf(client) ? 1 : 0)
  }
  if (behindGaps === 0 || known.heldCount + behindGaps <= limits.heldRangesMax) return undefined
  return `${known.heldCount + behindGaps} ranges would lie behind gaps, limitHeldRanges allows ${limits.heldRangesMax}`
}

function refusedForStructure({ reason, tooManyDeletes }: Extract<Walked, { ok: false }>): Refused {
  if (tooManyDeletes === undefined)
    return { kind: 'refused', code: closeCodes.malformed, rule: 'structure', reason }
  return {
    kind: 'refused',
    code: closeCodes.tooLarge,
    rule: 'delete-ranges-per-update',
    reason: `${reason} (limitDeleteRangesPerUpdate)`,
  }
}

const refusedForEpoch = (reason: string): Verdict => ({
  kind: 'refused',
  code: closeCodes.otherEpoch,
  rule: 'other-epoch',
  reason,
})

const refusedForClient = (clients: readonly number[]): Verdict => ({
  kind: 'refused',
  code: closeCodes.notAllowed,
  rule: 'foreign-client',
  reason: foreignReason(clients),
})

export const walkLimits = (limits: GateLimits) => ({
  ...walkLimitsDefault,
  deleteRangesMax: limits.deleteRangesPerUpdateMax,
})
