/**
 * What becomes of hostile updates that the gate lets through in the places behind it, which trust them: split into pieces, and written under
 * other client ids.
 */
import { inspectUpdate } from '@syncline/server/internal/compaction/inspection'
import { namedClients, renameClients } from '@syncline/shared/update/clients'
import { addClientRanges, type ClientRanges, equalClientRanges } from '@syncline/shared/update/ranges'
import { splitUpdate } from '@syncline/shared/update/split'
import { type Structure, walkUpdate, wholeDocumentLimits } from '@syncline/shared/update/walk'
import { writeDocuments } from './honest-messages.ts'
import { type Dice, mutate, mutateField } from './mutate.ts'

export interface PassedUpdate {
  readonly number: number
  readonly update: Uint8Array
  readonly structure: Structure
}

/** Of `count` hostile updates those that pass inspection; half have one field changed. */
export function* passedUpdates(seed: number, count: number, dice: Dice): Generator<PassedUpdate> {
  const documents = writeDocuments(seed)
  for (let number = 0; number < count; number++) {
    const { updates, state, withGaps } = dice.pick(documents)
    const honest = dice.pick([dice.pick(updates), state, withGaps])
    const update = number % 2 === 0 ? mutateField(honest, updates, dice) : mutate(honest, updates, dice)
    const inspected = inspectUpdate(update, wholeDocumentLimits)
    if (inspected.ok) yield { number, update, structure: inspected.structure }
  }
}

/** What is wrong with the pieces; null where they are the whole, no more and no less, and of the size that was asked for. */
export function wrongPieces({ update, structure }: PassedUpdate, pieceBytesMax: number): string | null {
  const pieces = splitUpdate(update, pieceBytesMax)
  const structs: ClientRanges = new Map()
  const deletes: ClientRanges = new Map()
  for (const piece of pieces) {
    const walked = walkUpdate(piece, wholeDocumentLimits)
    if (!walked.ok) return `a piece does not pass: ${walked.reason}`
    const { structCount } = walked.structure
    if (piece.length > pieceBytesMax && structCount > 1)
      return `a piece of ${structCount} structs has ${piece.length} bytes`
    addClientRanges(structs, walked.structure.structs)
    addClientRanges(deletes, walked.structure.deletes)
  }
  if (!equalClientRanges(structs, structure.structs)) return 'the pieces bring something else'
  return equalClientRanges(deletes, structure.deletes) ? null : 'the pieces delete something else'
}

/** What is wrong with the update under other ids; null where it is the same under its own again. */
export function wrongNames({ update, structure }: PassedUpdate): string | null {
  const clients = [...namedClients(update)].sort((a, b) => a - b)
  const others = new Map(clients.map((client, at) => [client, 1_000 + at * 1_000]))
  const renamed = renameClients(update, others)
  const walked = walkUpdate(renamed, wholeDocumentLimits)
  if (!walked.ok) return `it does not pass under other ids: ${walked.reason}`
  const { structs, deletes } = structure
  const isSame =
    equalClientRanges(walked.structure.structs, underNames(structs, others)) &&
    equalClientRanges(walked.structure.deletes, underNames(deletes, others))
  if (!isSame) return 'it says something else under other ids'
  const own = new Map([...others].map(([client, other]) => [other, client]))
  // Its numbers may have been written with more bytes than they need.
  const canonical = renameClients(update, new Map(clients.map(client => [client, client])))
  return Buffer.compare(renameClients(renamed, own), canonical) === 0
    ? null
    : 'under its own ids it is another one'
}

function underNames(ranges: ClientRanges, names: ReadonlyMap<number, number>): ClientRanges {
  return new Map([...ranges].map(([client, ofClient]) => [names.get(client)!, ofClient]))
}
