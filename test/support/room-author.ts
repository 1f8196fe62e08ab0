/**
 * Somebody who writes alone: a document with a known client id, and the update of each of its transactions.
 */
import * as Y from 'yjs'

export interface Author {
  readonly doc: Y.Doc
  readonly updates: Uint8Array[]
}

export function author(client: number, heard: readonly Uint8Array[] = []): Author {
  const doc = new Y.Doc()
  doc.clientID = client
  for (const update of heard) Y.applyUpdate(doc, update)
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  return { doc, updates }
}

/** Updates of one author, one for each text, each of which is put before what is there. */
export function typed(client: number, ...texts: readonly string[]): Uint8Array[] {
  const { doc, updates } = author(client)
  for (const text of texts) doc.getText('text').insert(0, text)
  return updates
}

export function load(updates: readonly Uint8Array[]): Y.Doc {
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, update)
  return doc
}

export const textOf = (doc: Y.Doc) => doc.getText('text').toString()

/** Bytes written as hex digits, with spaces where a reader wants them. */
export function hex(digits: string): Uint8Array {
  return new Uint8Array(Buffer.from(digits.replaceAll(' ', ''), 'hex'))
}
