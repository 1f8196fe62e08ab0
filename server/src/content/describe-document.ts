/**
 * What a document says, as plain values and as plain text. Runs in the worker.
 *
 * A stored document does not tell of which kind its root types are: that is known to the program that opens them, which is
 * not here. So the kind is read off what lies in them, as far as it can be; what was emptied is of no kind any more.
 */
import {
  type AbstractType,
  ContentEmbed,
  ContentFormat,
  ContentString,
  ContentType,
  Doc,
  type Item,
  type XmlElement,
  XmlFragment,
  XmlHook,
  XmlText,
  Array as YArray,
  Map as YMap,
  Text as YText,
} from 'yjs'

export type RootKind = 'text' | 'map' | 'array' | 'xml' | 'empty'

/** A root type with what is in it. `value` is what JSON can carry, after `toJson`. */
export interface Root {
  readonly name: string
  readonly kind: RootKind
  readonly value: unknown
}

/** Types differ in the events that they send, which do not matter here. */
// biome-ignore lint/suspicious/noExplicitAny: the parameter stands for events of every kind
type AnyType = AbstractType<any>

/** Every root type of a document, sorted by name. */
export function describeDocument(document: Doc): Root[] {
  return [...document.share.keys()].sort().map(name => {
    const root = openRoot(document, name)
    return { name, kind: root.kind, value: root.type === null ? null : plainValue(root.type) }
  })
}

/** What people read: texts, XML texts, and the strings in maps and arrays, a block or a value a line. */
export function textOfDocument(document: Doc): string {
  const lines = [...document.share.keys()]
    .sort()
    .map(name => openRoot(document, name).type)
    .filter(type => type !== null)
    .map(textOf)
    .filter(text => text !== '')
  return lines.map(line => `${line}\n`).join('')
}

/**
 * JSON as Yjs's own `toJSON` gives it, with a form for what JSON does not have. Keys are sorted: their order in Yjs is that
 * of arrival, so the same document would otherwise read differently each time.
 */
export function toJson(value: unknown): string {
  return JSON.stringify(value, replaceForJson, 2)
}

type Opened =
  | {
      readonly kind: Exclude<RootKind, 'empty'>
      readonly type: YText | YMap<unknown> | YArray<unknown> | XmlFragment
    }
  | { readonly kind: 'empty'; readonly type: null }

function openRoot(document: Doc, name: string): Opened {
  const kind = kindOf(document.share.get(name)!)
  switch (kind) {
    case 'text':
      return { kind, type: document.getText(name) }
    case 'map':
      return { kind, type: document.getMap(name) }
    case 'array':
      return { kind, type: document.getArray(name) }
    case 'xml':
      return { kind, type: document.getXmlFragment(name) }
    case 'empty':
      return { kind, type: null }
  }
}

function kindOf(root: AnyType): RootKind {
  let kind: RootKind | null = null
  for (let item: Item | null = root._start; item !== null; item = item.right) {
    if (item.deleted) continue
    const { content } = item
    if (
      content instanceof ContentString ||
      content instanceof ContentFormat ||
      content instanceof ContentEmbed
    )
      return 'text'
    if (content instanceof ContentType && isXml(content.type)) return 'xml'
    kind = 'array'
  }
  if (kind !== null) return kind
  return [...root._map.values()].some(item => !item.deleted) ? 'map' : 'empty'
}

function isXml(type: AnyType): boolean {
  return type instanceof XmlFragment || type instanceof XmlText || type instanceof XmlHook
}

/** Texts as Quill deltas, XML as a tree, everything else as `toJSON`. */
function plainValue(type: AnyType): unknown {
  if (type instanceof YText) return type.toDelta()
  if (type instanceof XmlFragment) return type.toArray().map(xmlNode)
  return type.toJSON()
}

function xmlNode(node: XmlElement | XmlText | XmlHook): unknown {
  if (node instanceof XmlText) return { text: node.toDelta() }
  if (node instanceof XmlHook) return { hook: node.hookName, value: node.toJSON() }
  return {
    element: node.nodeName,
    attributes: node.getAttributes(),
    children: node.toArray().map(child => xmlNode(child as XmlElement)),
  }
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (value instanceof YText)
    return value
      .toDelta()
      .map(({ insert }: { insert: unknown }) => (typeof insert === 'string' ? insert : ''))
      .join('')
  if (value instanceof XmlFragment) {
    const children = value.toArray()
    // A block that holds text is one line, whatever stands between its parts; one that holds blocks is theirs.
    const isBlock = children.some(child => child instanceof XmlText)
    return children
      .map(textOf)
      .filter(text => isBlock || text !== '')
      .join(isBlock ? '' : '\n')
  }
  const values = value instanceof YMap ? [...value.values()] : value instanceof YArray ? value.toArray() : []
  return values
    .map(textOf)
    .filter(text => text !== '')
    .join('\n')
}

function replaceForJson(this: unknown, key: string, value: unknown): unknown {
  // What stands in the object, before its own `toJSON` has made something else of it.
  const original = (this as Record<string, unknown>)[key]
  if (original instanceof Doc) return { subdocument: original.guid }
  if (original instanceof Uint8Array) return { base64: Buffer.from(original).toString('base64') }
  if (typeof original === 'bigint') return { bigint: String(original) }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}
