/**
 * Whether some bytes are an update that every client can take, as far as the bytes alone can tell.
 *
 * Two opinions, because both have blind spots: our walk knows what Yjs never checks (Skips at the ends, an item that
 * leans on its own future), and `Y.decodeUpdate` knows what the walk does not look at (UTF-8, JSON inside content).
 * Neither builds a document. What depends on the room (known already, jumps) is `room/gate.ts`.
 */
import { namedClients } from '@syncline/shared/update/clients'
import { type Structure, type Walked, type WalkLimits, walkUpdate } from '@syncline/shared/update/walk'
import { decodeUpdate } from 'yjs'

export type Inspected = { readonly ok: true; readonly structure: Structure } | Extract<Walked, { ok: false }>

/** With every client that it names: of a large update, that is found out here as well and not on the event loop. */
export type InspectedLarge =
  | Extract<Inspected, { ok: false }>
  | (Extract<Inspected, { ok: true }> & { readonly clients: ReadonlySet<number> })

export function inspectLargeUpdate(update: Uint8Array, limits: WalkLimits): InspectedLarge {
  const inspected = inspectUpdate(update, limits)
  return inspected.ok ? { ...inspected, clients: namedClients(update) } : inspected
}

export function inspectUpdate(update: Uint8Array, limits: WalkLimits): Inspected {
  const walked = walkUpdate(update, limits)
  if (!walked.ok) return walked
  try {
    decodeUpdate(update)
  } catch (error) {
    return {
      ok: false,
      reason: `Yjs cannot decode it: ${error instanceof Error ? error.message : String(error)}`,
    }
  }
  return walked
}
