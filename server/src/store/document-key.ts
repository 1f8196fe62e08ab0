import { LogRefusal } from './update-log.ts'

/**
 * Turns a document's name into the bytes that a store keeps it under: its UTF-8, nothing else.
 *
 * Bytes and not text, because a database's text stops at NUL in some of its functions, and because bytes sort the same
 * everywhere. Which names people may choose is decided at the front door, not here.
 */

/** The longest name that a store takes. */
export const documentNameBytesMax = 1_024

/**
 * The key of a document. Throws a `LogRefusal` for a name that is too long, or that holds half of a surrogate pair: such
 * a name has no UTF-8, and written as the replacement character it would meet other documents under one key.
 */
export function documentKey(document: string): Buffer {
  if (!document.isWellFormed())
    throw new LogRefusal(
      `expected a document name of whole characters, got half a surrogate pair in ${JSON.stringify(document)}`,
    )
  const key = Buffer.from(document, 'utf8')
  if (key.length > documentNameBytesMax)
    throw new LogRefusal(
      `expected a document name of at most ${documentNameBytesMax} bytes, got ${key.length}`,
    )
  return key
}
