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
      JSON.parse(json)
      entries.push({ client, clock, json })
    }
    if (decoding.hasContent(decoder)) return { ok: false, reason: 'bytes follow the last awareness entry' }
    return { ok: true, entries }
  } catch (error) {
    const what =
      error instanceof SyntaxError ? 'an awareness state is not JSON' : 'an awareness update is cut short'
    return { ok: false, reason: what }
  }
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
