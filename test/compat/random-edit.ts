/**
 * Random edits of everything that a document can hold: text with formats, map, array, XML tree, subdocuments.
 */
import type { Random } from '../support/counts.ts'
import type { Peer } from './stacks.ts'

type Edit = (peer: Peer, random: Random) => void

const edits: readonly Edit[] = [
  (peer, random) => peer.insertText(place(peer, random), random.text(1 + random.below(20))),
  (peer, random) => peer.insertText(place(peer, random), '🧵'),
  (peer, random) => {
    const [from, to] = stretch(peer, random)
    if (to > from) peer.deleteText(from, to - from)
  },
  (peer, random) => {
    const [from, to] = stretch(peer, random)
    if (to > from) peer.formatText(from, to - from, { bold: random.below(2) === 0 ? true : null })
  },
  (peer, random) => peer.setKey(`key${random.below(5)}`, { value: random.below(1000), text: random.text(5) }),
  (peer, random) => peer.deleteKey(`key${random.below(5)}`),
  (peer, random) =>
    peer.insertItems(random.below(peer.itemCount + 1), [random.below(100), random.text(4), null]),
  (peer, random) => {
    if (peer.itemCount > 0) peer.deleteItems(random.below(peer.itemCount), 1)
  },
  (peer, random) => peer.insertElement(random.below(peer.elementCount + 1), 'paragraph', random.text(12)),
  (peer, random) => {
    if (peer.elementCount > 0) peer.deleteElement(random.below(peer.elementCount))
  },
  (peer, random) => peer.addSubdocument(`sub${random.below(4)}`, `guid-${random.below(1_000_000)}`),
]

/** One random edit, or several in one transaction. */
export function editAtRandom(peer: Peer, random: Random): void {
  const several = 1 + (random.below(4) === 0 ? random.below(4) : 0)
  peer.transact(() => {
    for (let left = several; left > 0; left--) random.pick(edits)(peer, random)
  })
}

/** A place between two characters: editors never stand within a surrogate pair, and half of one cannot be written as UTF-8. */
function place(peer: Peer, random: Random): number {
  return beforePair(peer.text, random.below(peer.text.length + 1))
}

function stretch(peer: Peer, random: Random): [from: number, to: number] {
  const from = place(peer, random)
  return [from, beforePair(peer.text, Math.min(peer.text.length, from + 8))]
}

function beforePair(text: string, at: number): number {
  return /[\udc00-\udfff]/.test(text[at] ?? '') ? at - 1 : at
}
