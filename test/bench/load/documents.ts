/**
 * Documents as people leave them: written word by word at places that move about, by three people, with a tenth deleted
 * again. The same seed gives the same document, so every server gets the same one.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import * as Y from 'yjs'

export interface MadeDocument {
  /** One for each word, in order. */
  readonly updates: Uint8Array[]
  readonly text: string
  readonly stateBytes: number
}

/** How often it is looked whether the document is long enough. */
const checkEvery = 250

/** A document whose encoded state has at least `bytes`. */
export function makeDocument({ bytes, seed }: { bytes: number; seed: number }): MadeDocument {
  const random = randomFrom(seed)
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', update => updates.push(update))
  const text = doc.getText('document')
  let cursor = 0
  for (let words = 1; ; words++) {
    // Another person goes on: a client id of their own, on the same document.
    if (words % 400 === 0) doc.clientID = seed + (words % 3)
    if (random() < 0.1) cursor = Math.floor(random() * text.length)
    doc.transact(() => {
      if (random() < 0.1 && cursor > 8) {
        const length = 1 + Math.floor(random() * 8)
        cursor -= length
        text.delete(cursor, length)
      } else {
        const word = `${Math.floor(random() * 1e9)
          .toString(36)
          .padEnd(6, 'n')} `
        text.insert(cursor, word)
        cursor += word.length
      }
    })
    if (words % checkEvery !== 0) continue
    const stateBytes = Y.encodeStateAsUpdate(doc).byteLength
    if (stateBytes >= bytes) return { updates, text: text.toString(), stateBytes }
  }
}

/** As many updates merged into one, as windows and clients do. */
export function mergedBy(updates: readonly Uint8Array[], count: number): Uint8Array[] {
  const merged: Uint8Array[] = []
  for (let i = 0; i < updates.length; i += count) merged.push(Y.mergeUpdates(updates.slice(i, i + count)))
  return merged
}

export function textOf(updates: Iterable<Uint8Array>): string {
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, update)
  return doc.getText('document').toString()
}

/** Each after its length, 32 bits little endian. */
export function writeAll(file: string, messages: readonly Uint8Array[]): void {
  const parts = messages.flatMap(message => {
    const length = Buffer.alloc(4)
    length.writeUInt32LE(message.byteLength)
    return [length, message]
  })
  writeFileSync(file, Buffer.concat(parts))
}

export function readAll(file: string): Uint8Array[] {
  const bytes = readFileSync(file)
  const messages: Uint8Array[] = []
  for (let at = 0; at < bytes.byteLength; ) {
    const length = bytes.readUInt32LE(at)
    messages.push(bytes.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  return messages
}

/** Mulberry32: small, seeded, the same everywhere. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
