/**
 * What updates hold, added up: which clocks of which clients, which deletes. The property test's own bookkeeping of what was
 * accepted and what is in the log, kept by the walk over the bytes and by nothing that the room says of itself.
 */
import {
  addClientRanges,
  type ClientRanges,
  containsClientRanges,
  subtractClientRanges,
} from '@syncline/shared/update/ranges'
import { walkLimitsDefault, walkUpdate } from '@syncline/shared/update/walk'

export interface Held {
  readonly structs: ClientRanges
  readonly deletes: ClientRanges
}

export function contentOf(update: Uint8Array): Held {
  const walked = walkUpdate(update, walkLimitsDefault)
  if (!walked.ok) throw new Error(`an update that cannot be walked: ${walked.reason}`)
  return walked.structure
}

/** A growing sum of what updates hold. */
export class Content implements Held {
  readonly structs: ClientRanges = new Map()
  readonly deletes: ClientRanges = new Map()

  add({ structs, deletes }: Held): void {
    addClientRanges(this.structs, structs)
    addClientRanges(this.deletes, deletes)
  }

  has({ structs, deletes }: Held): boolean {
    return containsClientRanges(this.structs, structs) && containsClientRanges(this.deletes, deletes)
  }

  copy(): Content {
    const copy = new Content()
    copy.add(this)
    return copy
  }

  /** What of `other` is not in here, for the message of a failure. */
  lacks(other: Held): string {
    const structs = show(subtractClientRanges(other.structs, this.structs))
    const deletes = show(subtractClientRanges(other.deletes, this.deletes))
    return `structs {${structs}}, deletes {${deletes}}`
  }
}

function show(ranges: ClientRanges): string {
  return [...ranges].map(([client, list]) => `${client}: ${list.join(' ')}`).join('; ')
}
