/**
 * Awareness updates (the y-protocols bytes) to entries and back. Layout: varUint n, then n times varUint client id,
 * varUint clock, varStr JSON; JSON `null` means gone.
 *
 * Parses once, at the border: the JSON is checked to be JSON, and carried on as the string that it was.
 */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

export interface AwarenessEntry {
  readonly client: number
  readonly clock: number
  /** The state as JSON text; `'null'` is a removal. */
  readonly json: string
}

export type AwarenessDecoded =
  | { readonly ok: true; readonly entries: AwarenessEntry[] }
  | { readonly ok: false; readonly reason: string }

/** What y-protocols writes for a client that is gone. */
export const goneJson = 'null'

/** Engines parse deep JSON without complaint; clients compare states and write them again, recursively. */
const depthMax = 100

export function decodeAwareness(bytes: Uint8Array, entriesMax: number): AwarenessDecoded {
  try {
    const decoder = decoding.createDecoder(bytes)
    const count = decoding.readVarUint(decoder)
    if (count > entriesMax) {
      return {
        ok: false,
        reason: `an awareness update names ${count} clients, at most ${entriesMax} are allowed`,
      }
    }
    const entries: AwarenessEntry[] = []
    for (let i = 0; i < count; i++) {
      const client = decoding.readVarUint(decoder)
      const clock = decoding.readVarUint(decoder)
      const json = decoding.readVarString(decoder)
      // Blanks around it make no state of a removal.
      const isGone = JSON.parse(json) === null
      if (isNestedDeeper(json, depthMax))
        return { ok: false, reason: 'an awareness state is nested too deeply' }
      entries.push({ client, clock, json: isGone ? goneJson : json })
    }
    if (decoding.hasContent(decoder)) return { ok: false, reason: 'bytes follow the last awareness entry' }
    return { ok: true, entries }
  } catch (error) {
    const what =
      error instanceof SyntaxError ? 'an awareness state is not JSON' : 'an awareness update is cut short'
    return { ok: false, reason: what }
  }
}

/** `json` is known to be JSON. */
function isNestedDeeper(json: string, levelsMax: number): boolean {
  // A text this short cannot be, and many are.
  if (json.length <= levelsMax) return false
  let depth = 0
  let isQuoted = false
  for (let i = 0; i < json.length; i++) {
    const character = json[i]
    if (isQuoted) {
      if (character === '\\') i++
      else if (character === '"') isQuoted = false
    } else if (character === '"') isQuoted = true
    else if (character === '[' || character === '{') {
      if (++depth > levelsMax) return true
    } else if (character === ']' || character === '}') depth--
  }
  return false
}

export function encodeAwareness(entries: readonly AwarenessEntry[]): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, entries.length)
  for (const { client, clock, json } of entries) {
    encoding.writeVarUint(encoder, client)
    encoding.writeVarUint(encoder, clock)
    encoding.writeVarString(encoder, json)
  }
  return encoding.toUint8Array(encoder)
}
