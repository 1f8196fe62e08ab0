import { type Entry, encodeEntry } from './entry.ts'
import { StoredFormatError } from './stored-reader.ts'
import { LogRefusal } from './update-log.ts'

/**
 * Encodes the entries of one append, and refuses what no variant of the log could ever take.
 */

/** An encoded entry, and what a retried append is recognised by. */
export interface EntryBody {
  readonly body: Uint8Array
  readonly instance: string
  readonly nonce: string
}

export const appendBytesMax = 64 * 1024 * 1024
export const appendEntriesMax = 4_096

/** Throws a `LogRefusal` for entries that cannot be read back as they are, and for too many or too large ones. */
export function encodeAppend(entries: readonly Entry[]): EntryBody[] {
  if (entries.length > appendEntriesMax)
    throw new LogRefusal(`expected at most ${appendEntriesMax} entries in one append, got ${entries.length}`)
  const bodies = entries.map(encodeBody)
  const bytes = bodies.reduce((sum, { body }) => sum + body.length, 0)
  if (bytes > appendBytesMax)
    throw new LogRefusal(`expected at most ${appendBytesMax} bytes in one append, got ${bytes}`)
  return bodies
}

function encodeBody(entry: Entry): EntryBody {
  const { instance, nonce } = entry
  try {
    return { body: encodeEntry(entry), instance, nonce }
  } catch (cause) {
    if (!(cause instanceof StoredFormatError)) throw cause
    throw new LogRefusal(cause.message, { cause })
  }
}
