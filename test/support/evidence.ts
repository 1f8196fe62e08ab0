/**
 * What of one document somebody was shown or told is saved, as ranges of clocks: everything that a crash must not lose.
 * Held against what a fresh client is sent after the crash.
 */
import { addClientRanges, type ClientRanges, subtractClientRanges } from '@syncline/shared/update/ranges'
import { type Structure, walkLimitsDefault, walkUpdate } from '@syncline/shared/update/walk'

export type Held = Pick<Structure, 'structs' | 'deletes'>

export interface Loss {
  readonly document: string
  readonly what: 'delivered' | 'acknowledged'
  readonly kind: 'structs' | 'deletes'
  /** `client: from-to` for each range that is missing. */
  readonly ranges: string
}

export class Evidence {
  readonly document: string
  readonly delivered: Held = nothing()
  readonly acknowledged: Held = nothing()
  frames = 0
  acknowledgements = 0

  constructor(document: string) {
    this.document = document
  }

  /** An update arrived at a client. */
  deliver(update: Uint8Array): void {
    this.frames++
    add(this.delivered, held(update))
  }

  /** A client was told that this is saved. */
  acknowledge(saved: Held): void {
    if (!isNothing(saved)) this.acknowledgements++
    add(this.acknowledged, saved)
  }

  /** What is missing in a state (an update that is to hold everything). */
  lostFrom(state: Uint8Array): Loss[] {
    const found = held(state)
    const losses: Loss[] = []
    for (const what of ['delivered', 'acknowledged'] as const) {
      for (const kind of ['structs', 'deletes'] as const) {
        const lost = subtractClientRanges(this[what][kind], found[kind])
        if (lost.size > 0) losses.push({ document: this.document, what, kind, ranges: describe(lost) })
      }
    }
    return losses
  }
}

export const nothing = (): Held => ({ structs: new Map(), deletes: new Map() })

/** What an update holds. */
export function held(update: Uint8Array): Held {
  const walked = walkUpdate(update, { ...walkLimitsDefault, deleteRangesMax: Number.POSITIVE_INFINITY })
  if (!walked.ok) throw new Error(`an update that cannot be read: ${walked.reason}`)
  return walked.structure
}

export function add(into: Held, from: Held): void {
  addClientRanges(into.structs, from.structs)
  addClientRanges(into.deletes, from.deletes)
}

export function isNothing({ structs, deletes }: Held): boolean {
  return structs.size === 0 && deletes.size === 0
}

/** How many clocks, over all clients. */
export function countClocks(ranges: ClientRanges): number {
  let clocks = 0
  for (const ofClient of ranges.values()) {
    for (let i = 0; i < ofClient.length; i += 2) clocks += ofClient[i + 1]! - ofClient[i]!
  }
  return clocks
}

function describe(ranges: ClientRanges): string {
  const parts: string[] = []
  for (const [client, ofClient] of ranges) {
    for (let i = 0; i < ofClient.length; i += 2) parts.push(`${client}: ${ofClient[i]}-${ofClient[i + 1]}`)
  }
  const shownMax = 10
  return parts.length <= shownMax
    ? parts.join(', ')
    : `${parts.slice(0, shownMax).join(', ')} and ${parts.length - shownMax} more`
}
