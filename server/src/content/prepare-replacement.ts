/**
 * Makes of a file what can take the place of a document. Runs in the worker.
 *
 * A client that still has the former content comes back with it, and nothing in an update tells to which epoch it belongs
 * but the ids of clients [LOG-3]. An export of yesterday has the same ids as what it replaces, so a deletion of today that
 * a tab still knows, and a deletion that somebody makes tomorrow on purpose, would be the same bytes. Therefore the new content
 * never shares an id with a former epoch: where the file does, all its ids are exchanged for new ones, in the same order.
 */
import { namedClients, renameClients } from '@syncline/shared/update/clients'
import { type WalkLimits, walkUpdate } from '@syncline/shared/update/walk'
import { Doc, decodeUpdate, encodeStateAsUpdate } from 'yjs'
import { describeDocument, toJson } from './describe-document.ts'
import { applyOrSay } from './load-document.ts'

export type PreparedReplacement =
  | {
      readonly ok: true
      /** The content as one update, with what it deletes collected. */
      readonly update: Uint8Array
      /** It has new ids. */
      readonly renamed: boolean
    }
  | { readonly ok: false; readonly reason: string }

/** Yjs 13 draws ids of 32 bits, and clients that it has to work with may not know larger ones. */
const clientIdsEnd = 2 ** 32
const drawsMax = 1_000_000

/** `random` draws a number in [0, 1); tests hand in their own. */
export function prepareReplacement(
  {
    update,
    formerClients,
    limits,
  }: { update: Uint8Array; formerClients: ReadonlySet<number>; limits: WalkLimits },
  random: () => number = Math.random,
): PreparedReplacement {
  const walked = walkUpdate(update, limits)
  if (!walked.ok) return walked
  const original = new Doc({ gc: true })
  const problem = decodeOrSay(update) ?? applyOrSay(original, update)
  if (problem !== null) return { ok: false, reason: problem }
  // Collected by one who may: what the file deletes need not be kept, and pieces are cut from it.
  const whole = encodeStateAsUpdate(original)
  const clients = namedClients(whole)
  if (![...clients].some(client => formerClients.has(client)))
    return { ok: true, update: whole, renamed: false }
  const renamed = renameClients(whole, newNames(clients, formerClients, random))
  const document = new Doc({ gc: true })
  const thrown = applyOrSay(document, renamed)
  if (thrown !== null) return { ok: false, reason: `under new client ids, ${thrown}` }
  if (toJson(describeDocument(document)) !== toJson(describeDocument(original)))
    return { ok: false, reason: 'it would read otherwise under new client ids' }
  return { ok: true, update: renamed, renamed: true }
}

function decodeOrSay(update: Uint8Array): string | null {
  try {
    decodeUpdate(update)
    return null
  } catch (error) {
    return `Yjs cannot decode it: ${error instanceof Error ? error.message : String(error)}`
  }
}

/** A new id for each, unknown to all former epochs and to the file itself, in the order of the old ones. */
function newNames(
  clients: ReadonlySet<number>,
  formerClients: ReadonlySet<number>,
  random: () => number,
): Map<number, number> {
  const drawn = new Set<number>()
  for (let draws = 0; drawn.size < clients.size; draws++) {
    if (draws > drawsMax)
      throw new Error(`no ${clients.size} free client ids were found in ${drawsMax} draws`)
    const name = Math.floor(random() * clientIdsEnd)
    if (!formerClients.has(name) && !clients.has(name)) drawn.add(name)
  }
  const names = [...drawn].sort((a, b) => a - b)
  return new Map([...clients].sort((a, b) => a - b).map((client, i) => [client, names[i]!]))
}
