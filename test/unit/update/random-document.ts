/**
 * Random documents as people make them: several authors, each with a document of its own, who write into every kind
 * of type, delete, undo, and hear of each other late, out of order, or not at all.
 *
 * A document is a list of steps that fast-check makes and shrinks; any list of steps means something, so a shrunk
 * one still runs.
 */
import fc from 'fast-check'
import * as Y from 'yjs'
import { count, testSeed } from '../../support/counts.ts'

/** One thing that one author does. The numbers are reduced to what is possible at that moment. */
export interface Step {
  readonly author: number
  readonly act: Act
  readonly place: number
  readonly size: number
  readonly text: string
}

const acts = [
  'insert',
  'insert',
  'insert',
  'append',
  'append',
  'delete',
  'delete',
  'format',
  'embed',
  'paragraph',
  'map-set',
  'map-nest',
  'map-delete',
  'array-push',
  'array-insert',
  'array-nest',
  'array-delete',
  'xml-element',
  'xml-text',
  'xml-attribute',
  'xml-delete',
  'subdocument',
  'binary',
  'undo',
  'redo',
  'hear-one',
  'hear-all',
  'hear-some-backwards',
] as const

type Act = (typeof acts)[number]
/** What is not writing, but taking back or hearing what others wrote. */
type Hearing = 'undo' | 'redo' | 'hear-one' | 'hear-all' | 'hear-some-backwards'

/** Ids as they occur: small, 32 bits, and the 53 bits of Yjs 14. */
const authorIds = [3, 3_405_691_582, 2 ** 53 - 7]

export interface RandomDocument {
  /** One for each author. */
  readonly docs: Y.Doc[]
  /** What each transaction of any author wrote, in the order of writing. */
  readonly updates: Uint8Array[]
}

const texts = fc.oneof(
  fc.constantFrom('a', 'b', ' ', '\n', 'é', '€', '😀', '👩‍🚀', 'word ', 'über 😀 all'),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
)

export const stepsArbitrary = fc.array(
  fc.record<Step>({
    author: fc.nat(2),
    act: fc.constantFrom(...acts),
    place: fc.nat(1_000),
    size: fc.integer({ min: 1, max: 6 }),
    text: texts,
  }),
  { minLength: 1, maxLength: 60, size: 'max' },
)

/** Lets the authors do what the steps say. Authors with odd numbers keep what they delete (`gc: false`). */
export function writeDocument(steps: readonly Step[]): RandomDocument {
  const docs = authorIds.map((id, author) => {
    const doc = new Y.Doc({ gc: author % 2 === 0 })
    doc.clientID = id
    return doc
  })
  const updates: Uint8Array[] = []
  const inboxes: Uint8Array[][] = docs.map(() => [])
  const undos = docs.map(
    doc =>
      new Y.UndoManager([doc.getText('text'), doc.getMap('map'), doc.getArray('array')], {
        captureTimeout: 0,
      }),
  )
  for (const [author, doc] of docs.entries()) {
    doc.on('update', (update: Uint8Array, _origin: unknown, _doc: Y.Doc, transaction: Y.Transaction) => {
      if (!transaction.local) return
      updates.push(update)
      for (const [other, inbox] of inboxes.entries()) if (other !== author) inbox.push(update)
    })
  }
  for (const step of steps) {
    const { act } = step
    const author = step.author % docs.length
    const doc = docs[author]!
    const inbox = inboxes[author]!
    const some = step.place % Math.max(1, inbox.length)
    if (act === 'undo') undos[author]!.undo()
    else if (act === 'redo') undos[author]!.redo()
    else if (act === 'hear-one') hear(doc, inbox.splice(some, 1))
    else if (act === 'hear-all') hear(doc, inbox.splice(0))
    else if (act === 'hear-some-backwards') hear(doc, inbox.splice(some).reverse())
    else doc.transact(() => writing[act](doc, step))
  }
  return { docs, updates }
}

function hear(doc: Y.Doc, updates: readonly Uint8Array[]): void {
  for (const update of updates) Y.applyUpdate(doc, update)
}

/** What an author does to its document. Places and sizes are reduced to what exists. */
const writing: Record<Exclude<Act, Hearing>, (doc: Y.Doc, step: Step) => void> = {
  insert(doc, { place, text }) {
    const target = doc.getText('text')
    target.insert(characterStart(target.toString(), place % (target.length + 1)), text)
  },
  append(doc, { text }) {
    const target = doc.getText('text')
    target.insert(target.length, text)
  },
  paragraph(doc, { text, size }) {
    const target = doc.getText('text')
    target.insert(target.length, text.repeat(20 * size))
  },
  delete(doc, step) {
    const target = doc.getText('text')
    const [at, length] = part(target.length, step)
    if (length > 0) target.delete(at, length)
  },
  format(doc, step) {
    const target = doc.getText('text')
    const [at, length] = part(target.length, step)
    if (length > 0) target.format(at, length, { bold: step.size % 2 === 0 || null })
  },
  embed(doc, { place, text, size }) {
    const target = doc.getText('text')
    target.insertEmbed(place % (target.length + 1), { image: text, sizes: [size, [place]] })
  },
  'map-set'(doc, { place, text }) {
    doc.getMap('map').set(key(place), [text, place, null, { nested: [undefined, true, 1.5, 2 ** 40] }])
  },
  'map-nest'(doc, { place, text }) {
    const inner = new Y.Map()
    inner.set('list', Y.Array.from([place, text]))
    doc.getMap('map').set(key(place), inner)
  },
  'map-delete'(doc, { place }) {
    doc.getMap('map').delete(key(place))
  },
  'array-push'(doc, { place, text, size }) {
    doc.getArray('array').push([place, text, { at: size }].slice(0, size))
  },
  'array-insert'(doc, { place, text, size }) {
    const array = doc.getArray<unknown>('array')
    const first = array.get(0)
    if (first instanceof Y.Array) first.insert(place % (first.length + 1), [text, size])
    else array.insert(place % (array.length + 1), [place, null])
  },
  'array-nest'(doc, { place, text, size }) {
    const array = doc.getArray<unknown>('array')
    array.insert(place % (array.length + 1), [size % 2 === 0 ? new Y.Array() : new Y.Text(text)])
  },
  'array-delete'(doc, step) {
    const array = doc.getArray('array')
    const [at, length] = part(array.length, step)
    if (length > 0) array.delete(at, length)
  },
  'xml-element'(doc, step) {
    const element = new Y.XmlElement(step.size % 2 === 0 ? 'paragraph' : 'ünit')
    const xml = doc.getXmlFragment('xml')
    const near = child(xml, step)
    if (near instanceof Y.XmlElement && step.size > 3) near.insert(0, [element])
    else xml.insert(step.place % (xml.length + 1), [element])
  },
  'xml-text'(doc, step) {
    const text = new Y.XmlText(step.text)
    const xml = doc.getXmlFragment('xml')
    const near = child(xml, step)
    if (near instanceof Y.XmlElement) near.insert(near.length, [text])
    else if (near instanceof Y.XmlText) near.insert(near.length, step.text, { italic: {} })
    else xml.push([text, new Y.XmlHook('hook') as unknown as Y.XmlText])
  },
  'xml-attribute'(doc, step) {
    const near = child(doc.getXmlFragment('xml'), step)
    if (near instanceof Y.XmlElement) near.setAttribute(`level ${step.size % 2}`, step.text)
  },
  'xml-delete'(doc, { place }) {
    const xml = doc.getXmlFragment('xml')
    if (xml.length > 0) xml.delete(place % xml.length, 1)
  },
  subdocument(doc, { place, text, size }) {
    // Yjs would draw a name by chance, and no seed would give the same bytes again.
    const inner = new Y.Doc({ guid: `${place} ${size}`, meta: { title: text }, autoLoad: size > 3 })
    doc.getMap('map').set(`document ${place % 2}`, inner)
  },
  binary(doc, { size }) {
    const bytes = Uint8Array.from({ length: size * 10 }, (_, i) => i)
    doc.getMap('map').set('binary', bytes)
  },
}

function part(length: number, { place, size }: Step): readonly [at: number, length: number] {
  const at = place % (length + 1)
  return [at, Math.min(size, length - at)]
}

function key(place: number): string {
  return `key ${place % 3}`
}

function child(xml: Y.XmlFragment, { place }: Step): unknown {
  return xml.length > 0 ? xml.get(place % xml.length) : undefined
}

/** People insert between characters; an index between the halves of one is moved before it. */
function characterStart(text: string, index: number): number {
  const unit = text.charCodeAt(index)
  return unit >= 0xdc00 && unit <= 0xdfff ? index - 1 : index
}

/** How many random documents a property is tried on. */
export const documentsCount = count('DOCUMENTS', 200)

/** How long a property over that many documents may take on a busy machine. */
export const propertyTimeoutMs = 20_000 + 200 * documentsCount

/** Stands in the title of each property. */
export const seed = testSeed()

/** A document's content as plain values, for comparison. Key order depends on arrival in Yjs itself, so keys are sorted. */
export function content(doc: Y.Doc): unknown {
  return {
    text: doc.getText('text').toDelta(),
    map: sortKeys(doc.getMap('map').toJSON()),
    array: doc.getArray('array').toJSON(),
    xml: doc.getXmlFragment('xml').toArray().map(markup),
  }
}

/** What `toString` of XML would say, without its order of attributes. */
function markup(node: unknown): unknown {
  if (node instanceof Y.XmlText) return node.toDelta()
  if (node instanceof Y.XmlElement) {
    return {
      name: node.nodeName,
      attributes: sortKeys(node.getAttributes()),
      children: node.toArray().map(markup),
    }
  }
  return 'hook'
}

function sortKeys(value: unknown): unknown {
  if (value instanceof Y.Doc) return `document ${value.guid}`
  if (Array.isArray(value)) return value.map(sortKeys)
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => [k, sortKeys(v)]),
  )
}
