/**
 * What people do to a document, in every kind of type that Yjs has: each edit is a name, a place, a size and a text, reduced
 * to what is possible at that moment, so that any list of edits means something and a shrunk one still runs.
 */
import * as Y from 'yjs'

export interface Edit {
  readonly place: number
  readonly size: number
  readonly text: string
}

export const editNames = [
  'insert',
  'append',
  'paragraph',
  'book',
  'delete',
  'format',
  'embed',
  'set',
  'nest',
  'unset',
  'push',
  'insert-values',
  'remove-values',
  'element',
  'xml-text',
  'attribute',
  'remove-node',
  'subdocument',
  'undo',
  'redo',
] as const

export type EditName = (typeof editNames)[number]

/** A little more than the 4 KiB above which the gate cuts an update. */
const paragraphLength = 4_500
/** A little more than the 256 KiB above which an update is judged in the worker. */
const bookLength = 270_000

/** Author and undo stack of one document. */
export interface Editor {
  readonly doc: Y.Doc
  readonly undo: Y.UndoManager
}

export function createEditor(doc: Y.Doc): Editor {
  const types = [doc.getText('text'), doc.getMap('map'), doc.getArray('array'), doc.getXmlFragment('xml')]
  return { doc, undo: new Y.UndoManager(types, { captureTimeout: 0 }) }
}

export function applyEdit(name: EditName, { doc, undo }: Editor, edit: Edit): void {
  if (name === 'undo') undo.undo()
  else if (name === 'redo') undo.redo()
  else doc.transact(() => edits[name](doc, edit))
}

const edits: Record<Exclude<EditName, 'undo' | 'redo'>, (doc: Y.Doc, edit: Edit) => void> = {
  insert(doc, { place, text }) {
    const target = doc.getText('text')
    target.insert(characterStart(units(target), place % (target.length + 1)), text)
  },
  append(doc, { text }) {
    const target = doc.getText('text')
    target.insert(target.length, text)
  },
  /** Long enough that an update of which a part is known is cut. */
  paragraph(doc, { place, size, text }) {
    const target = doc.getText('text')
    target.insert(place % 2 === 0 ? 0 : target.length, fill(text, paragraphLength + size))
  },
  book(doc, { text, size }) {
    const target = doc.getText('text')
    target.insert(0, fill(text, bookLength + size))
  },
  delete(doc, edit) {
    const target = doc.getText('text')
    const [at, length] = textPart(target, { ...edit, size: edit.size ** 3 })
    if (length > 0) target.delete(at, length)
  },
  format(doc, edit) {
    const target = doc.getText('text')
    const [at, length] = textPart(target, edit)
    const mark = edit.place % 3 === 0 ? 'bold' : 'italic'
    if (length > 0) target.format(at, length, { [mark]: edit.size % 2 === 0 ? true : null })
  },
  embed(doc, { place, text, size }) {
    const target = doc.getText('text')
    const at = characterStart(units(target), place % (target.length + 1))
    target.insertEmbed(at, { image: text, sizes: [size] })
  },
  set(doc, { place, text }) {
    doc.getMap('map').set(key(place), [text, place, null, { nested: [undefined, true, 1.5, 2 ** 40] }])
  },
  nest(doc, { place, text, size }) {
    const inner = new Y.Map()
    inner.set('list', Y.Array.from([place, text]))
    inner.set('text', new Y.Text(text))
    const list = doc.getArray<unknown>('array')
    if (size % 2 === 0) doc.getMap('map').set(key(place), inner)
    else list.insert(place % (list.length + 1), [inner])
  },
  unset(doc, { place }) {
    doc.getMap('map').delete(key(place))
  },
  push(doc, { place, text, size }) {
    doc.getArray('array').push([place, text, { at: size }, null].slice(0, size))
  },
  'insert-values'(doc, { place, text, size }) {
    const list = doc.getArray<unknown>('array')
    const first = list.length > 0 ? list.get(0) : undefined
    const inner = first instanceof Y.Map ? first.get('list') : undefined
    if (inner instanceof Y.Array) inner.insert(place % (inner.length + 1), [text, size])
    else list.insert(place % (list.length + 1), [place, text])
  },
  'remove-values'(doc, edit) {
    const list = doc.getArray('array')
    const [at, length] = part(list.length, edit)
    if (length > 0) list.delete(at, length)
  },
  element(doc, { place, size }) {
    const xml = doc.getXmlFragment('xml')
    const element = new Y.XmlElement(size % 2 === 0 ? 'paragraph' : 'item')
    const near = node(xml, place)
    if (near instanceof Y.XmlElement && size > 2) near.insert(0, [element])
    else xml.insert(place % (xml.length + 1), [element])
  },
  'xml-text'(doc, { place, text }) {
    const xml = doc.getXmlFragment('xml')
    const near = node(xml, place)
    if (near instanceof Y.XmlElement) near.insert(near.length, [new Y.XmlText(text)])
    else if (near instanceof Y.XmlText) near.insert(near.length, text, { italic: {} })
    else xml.push([new Y.XmlText(text)])
  },
  attribute(doc, { place, size, text }) {
    const near = node(doc.getXmlFragment('xml'), place)
    if (near instanceof Y.XmlElement) near.setAttribute(`level ${size % 2}`, text)
  },
  'remove-node'(doc, { place }) {
    const xml = doc.getXmlFragment('xml')
    if (xml.length > 0) xml.delete(place % xml.length, 1)
  },
  subdocument(doc, { place, text, size }) {
    const inner = new Y.Doc({ guid: `inner ${place} ${text}`, meta: { title: text }, autoLoad: size > 3 })
    doc.getMap('map').set(key(place), inner)
  },
}

function fill(text: string, length: number): string {
  return `${text} `.repeat(Math.ceil(length / (text.length + 1)))
}

function part(length: number, { place, size }: Edit): readonly [at: number, length: number] {
  const at = place % (length + 1)
  return [at, Math.min(size, length - at)]
}

function textPart(target: Y.Text, edit: Edit): readonly [at: number, length: number] {
  const text = units(target)
  const [from, length] = part(text.length, edit)
  const at = characterStart(text, from)
  return [at, characterStart(text, from + length) - at]
}

/** A text as its indices count it: `toString` leaves out what is embedded, and every index behind it is then another. */
function units(target: Y.Text): string {
  const parts = target.toDelta() as { insert: unknown }[]
  return parts.map(({ insert }) => (typeof insert === 'string' ? insert : '\ufffc')).join('')
}

function key(place: number): string {
  return `key ${place % 3}`
}

function node(xml: Y.XmlFragment, place: number): unknown {
  return xml.length > 0 ? xml.get(place % xml.length) : undefined
}

/** People insert between characters; an index between the halves of one is moved before it. */
function characterStart(text: string, index: number): number {
  const unit = text.charCodeAt(index)
  return unit >= 0xdc00 && unit <= 0xdfff ? index - 1 : index
}
