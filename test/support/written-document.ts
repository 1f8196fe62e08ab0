/**
 * A document as several people leave it after a while of writing: text with deletions and formats, values overwritten.
 */
import { Doc } from 'yjs'
import type { Random } from './counts.ts'

export interface Writing {
  /** About so many characters are typed. */
  readonly characters: number
  /** Client ids of those who take turns. */
  readonly clients: readonly number[]
  /** Characters of one insertion. */
  readonly insertion?: number
}

export function writtenDocument(random: Random, writing: Writing): Doc {
  const doc = new Doc()
  write(doc, random, writing)
  return doc
}

/** Goes on writing in a document. Its client id is another one afterwards. */
export function write(doc: Doc, random: Random, { characters, clients, insertion = 100 }: Writing): void {
  const text = doc.getText('text')
  for (let typed = 0; typed < characters; typed += insertion) {
    doc.clientID = random.pick(clients)
    doc.transact(() => {
      text.insert(random.below(text.length + 1), random.text(insertion))
      const at = random.below(text.length)
      const kind = random.fraction()
      if (kind < 0.3) text.delete(at, Math.min(10, text.length - at))
      else if (kind < 0.4) text.format(at, Math.min(10, text.length - at), { bold: true })
      else if (kind < 0.6) doc.getMap('map').set(`key ${random.below(50)}`, random.text(10))
    })
  }
}
