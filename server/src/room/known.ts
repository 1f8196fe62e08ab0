/**
 * What a room holds of its document, committed or in memory, without the document: the state vector, the struct
 * ranges behind gaps, and the delete set. Tells the gate what of an update is new.
 *
 * A vector that claimed what is not held would make its author never send it again, so the vector stops at a gap and
 * never counts a Skip; what lies behind is held as ranges until the gap is filled.
 */
import {
  addClientRanges,
  addRange,
  type ClientRanges,
  type Ranges,
  subtractClientRanges,
  subtractRanges,
} from '@syncline/shared/update/ranges'
import { encodeVector, type StateVector } from '@syncline/shared/update/vector'

/** A hole in what is held of one client: ids from `clock` up to something that is held. */
export interface Gap {
  readonly client: number
  readonly clock: number
}

export class Known {
  #vector: StateVector = new Map()
  #held: ClientRanges = new Map()
  #deleted: ClientRanges = new Map()
  #heldCount = 0
  #deleteRangeCount = 0
  #formerClients: ReadonlySet<number>

  constructor(formerClients: ReadonlySet<number> = new Set()) {
    this.#formerClients = formerClients
  }

  /** Clients of former epochs (`other-epoch.ts`); empty for a document that was never replaced. */
  get formerClients(): ReadonlySet<number> {
    return this.#formerClients
  }

  /** What was read anew takes the place of what was known. `other` is of no use any more. */
  become(other: Known): void {
    this.#vector = other.#vector
    this.#held = other.#held
    this.#deleted = other.#deleted
    this.#heldCount = other.#heldCount
    this.#deleteRangeCount = other.#deleteRangeCount
    this.#formerClients = other.#formerClients
  }

  /** Ranges behind gaps, all clients together. */
  get heldCount(): number {
    return this.#heldCount
  }

  /** Ranges in the delete set, all clients together. */
  get deleteRangeCount(): number {
    return this.#deleteRangeCount
  }

  clockOf(client: number): number {
    return this.#vector.get(client) ?? 0
  }

  /** The end of everything held of a client, gaps included: what a jump is measured from. */
  reachOf(client: number): number {
    return this.#held.get(client)?.at(-1) ?? this.clockOf(client)
  }

  encodedVector(): Uint8Array {
    return encodeVector(this.#vector)
  }

  /** The vector of somebody who has all of this but what is in `parts`. */
  vectorWithout(parts: Iterable<ClientRanges>): StateVector {
    const vector = new Map(this.#vector)
    for (const structs of parts) {
      for (const [client, ranges] of structs) {
        const from = ranges[0]!
        if (from < (vector.get(client) ?? 0)) vector.set(client, from)
      }
    }
    return vector
  }

  newStructs(structs: ClientRanges): ClientRanges {
    const fresh: ClientRanges = new Map()
    for (const [client, ranges] of structs) {
      const clock = this.clockOf(client)
      let left = clock === 0 ? ranges : subtractRanges(ranges, [0, clock])
      const held = this.#held.get(client)
      if (held !== undefined && left.length > 0) left = subtractRanges(left, held)
      if (left.length > 0) fresh.set(client, left)
    }
    return fresh
  }

  newDeletes(deletes: ClientRanges): ClientRanges {
    return subtractClientRanges(deletes, this.#deleted)
  }

  /** Adds what an update brings, and names the gaps of the clients it touched. */
  take(structs: ClientRanges, deletes: ClientRanges): Gap[] {
    const gaps: Gap[] = []
    for (const [client, ranges] of structs) {
      this.#takeStructs(client, ranges)
      if (this.#held.has(client)) gaps.push({ client, clock: this.clockOf(client) })
    }
    this.takeDeletes(deletes)
    return gaps
  }

  /** Also for deletes that Yjs made while it integrated: in no update, found by compaction. */
  takeDeletes(deletes: ClientRanges): void {
    this.#deleteRangeCount -= this.#deleteRangesOf(deletes.keys())
    addClientRanges(this.#deleted, deletes)
    this.#deleteRangeCount += this.#deleteRangesOf(deletes.keys())
  }

  #deleteRangesOf(clients: Iterable<number>): number {
    let count = 0
    for (const client of clients) count += (this.#deleted.get(client)?.length ?? 0) / 2
    return count
  }

  #takeStructs(client: number, ranges: Ranges): void {
    let clock = this.clockOf(client)
    const held = this.#held.get(client) ?? []
    const before = held.length / 2
    for (let i = 0; i < ranges.length; i += 2) {
      if (ranges[i]! <= clock) clock = Math.max(clock, ranges[i + 1]!)
      else addRange(held, ranges[i]!, ranges[i + 1]!)
    }
    while (held.length > 0 && held[0]! <= clock) {
      clock = Math.max(clock, held[1]!)
      held.splice(0, 2)
    }
    if (clock > 0) this.#vector.set(client, clock)
    if (held.length > 0) this.#held.set(client, held)
    else this.#held.delete(client)
    this.#heldCount += held.length / 2 - before
  }
}
