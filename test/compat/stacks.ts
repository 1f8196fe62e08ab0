/**
 * The two stock clients behind one set of verbs, so that each fact is shown for both and for both together in one room. The clients
 * are untouched; only the tests' own words for editing and reading differ between Yjs 13 and Yjs 14.
 */
import * as Y14 from '@y/y'
import * as Y13 from 'yjs'
import {
  type ConnectionEnd,
  connectStock,
  connectStock14,
  type StockOptions,
} from '../support/stock-client.ts'
import { waitUntil } from '../support/wait-until.ts'

export type StackName = 'y-websocket' | '@y/websocket'
export const stackNames: readonly StackName[] = ['y-websocket', '@y/websocket']

/** Who writes and who reads: each with its like, and with the other. */
export const pairs: readonly (readonly [StackName, StackName])[] = [
  ['y-websocket', 'y-websocket'],
  ['@y/websocket', '@y/websocket'],
  ['y-websocket', '@y/websocket'],
  ['@y/websocket', 'y-websocket'],
]

export type PeerOptions = Omit<StockOptions<never>, 'doc'>

interface Provider {
  readonly wsconnected: boolean
  readonly synced: boolean
  readonly shouldConnect: boolean
  readonly ws: { readonly protocol: string } | null
  connect(): void
  disconnect(): void
}

interface AwarenessStates {
  readonly clientID: number
  getLocalState(): Record<string, unknown> | null
  setLocalState(state: Record<string, unknown> | null): void
  setLocalStateField(field: string, value: unknown): void
  getStates(): Map<number, Record<string, unknown>>
}

/** One stock client, its document and its presence. */
export interface Peer extends Disposable {
  readonly stack: StackName
  readonly clientId: number
  readonly provider: Provider
  readonly awareness: AwarenessStates
  readonly ends: readonly ConnectionEnd[]
  synced(timeoutMs?: number): Promise<void>
  readonly text: string
  insertText(at: number, text: string): void
  deleteText(at: number, length: number): void
  formatText(at: number, length: number, attributes: Record<string, unknown>): void
  setKey(key: string, value: unknown): void
  deleteKey(key: string): void
  readonly itemCount: number
  insertItems(at: number, items: unknown[]): void
  deleteItems(at: number, count: number): void
  readonly elementCount: number
  insertElement(at: number, name: string, text: string): void
  deleteElement(at: number): void
  addSubdocument(key: string, guid: string): void
  /** All edits inside are one update. */
  transact(edit: () => void): void
  /** The whole document as one update. */
  state(): Uint8Array
  /** Each update that this peer makes or receives. */
  onUpdate(listener: (update: Uint8Array) => void): void
}

export function connectPeer(stack: StackName, wsUrl: string, room: string, options: PeerOptions = {}): Peer {
  return stack === 'y-websocket' ? peer13(wsUrl, room, options) : peer14(wsUrl, room, options)
}

function peer13(wsUrl: string, room: string, options: PeerOptions): Peer {
  const client = connectStock(wsUrl, room, { ...options, doc: new Y13.Doc() })
  const { doc } = client
  const text = doc.getText('text')
  const map = doc.getMap('map')
  const array = doc.getArray('array')
  const xml = doc.getXmlFragment('xml')
  return {
    stack: 'y-websocket',
    clientId: doc.clientID,
    provider: client.provider,
    awareness: client.awareness as unknown as AwarenessStates,
    ends: client.ends,
    synced: client.synced,
    get text() {
      return text.toString()
    },
    insertText: (at, inserted) => text.insert(at, inserted),
    deleteText: (at, length) => text.delete(at, length),
    formatText: (at, length, attributes) => text.format(at, length, attributes),
    setKey: (key, value) => void map.set(key, value),
    deleteKey: key => map.delete(key),
    get itemCount() {
      return array.length
    },
    insertItems: (at, items) => array.insert(at, items),
    deleteItems: (at, count) => array.delete(at, count),
    get elementCount() {
      return xml.length
    },
    insertElement(at, name, content) {
      const element = new Y13.XmlElement(name)
      element.setAttribute('class', content.slice(0, 3))
      element.insert(0, [new Y13.XmlText(content)])
      xml.insert(at, [element])
    },
    deleteElement: at => xml.delete(at, 1),
    addSubdocument: (key, guid) => void doc.getMap('subdocuments').set(key, new Y13.Doc({ guid })),
    transact: edit => doc.transact(edit),
    state: () => Y13.encodeStateAsUpdate(doc),
    onUpdate: listener => doc.on('update', listener),
    [Symbol.dispose]() {
      client.destroy()
      doc.destroy()
    },
  }
}

function peer14(wsUrl: string, room: string, options: PeerOptions): Peer {
  const client = connectStock14(wsUrl, room, { ...options, doc: new Y14.Doc() })
  const { doc } = client
  const text = doc.get('text')
  const map = doc.get('map')
  const array = doc.get('array')
  const xml = doc.get('xml')
  return {
    stack: '@y/websocket',
    clientId: doc.clientID,
    provider: client.provider,
    awareness: client.awareness as unknown as AwarenessStates,
    ends: client.ends,
    synced: client.synced,
    get text() {
      return text.toString()
    },
    insertText: (at, inserted) => text.insert(at, inserted),
    deleteText: (at, length) => text.delete(at, length),
    formatText: (at, length, attributes) => text.format(at, length, attributes),
    setKey: (key, value) => void map.setAttr(key as never, value as never),
    deleteKey: key => map.deleteAttr(key as never),
    get itemCount() {
      return array.length
    },
    insertItems: (at, items) => array.insert(at, items as never),
    deleteItems: (at, count) => array.delete(at, count),
    get elementCount() {
      return xml.length
    },
    insertElement(at, name, content) {
      const element = new Y14.Type(name)
      element.setAttr('class' as never, content.slice(0, 3) as never)
      element.insert(0, content as never)
      xml.insert(at, [element] as never)
    },
    deleteElement: at => xml.delete(at, 1),
    addSubdocument: (key, guid) =>
      void doc.get('subdocuments').setAttr(key as never, new Y14.Doc({ guid }) as never),
    transact: edit => void doc.transact(edit),
    state: () => Y14.encodeStateAsUpdate(doc),
    onUpdate: listener => doc.on('update', listener),
    [Symbol.dispose]() {
      client.destroy()
      doc.destroy()
    },
  }
}

/** All that a document shows, read from its bytes by Yjs 13, so that peers of both stacks can be compared. */
export function contentOf(state: Uint8Array): string {
  const doc = new Y13.Doc()
  Y13.applyUpdate(doc, state)
  const pending = doc.store.pendingStructs !== null || doc.store.pendingDs !== null
  const subdocuments = [...doc.getMap<Y13.Doc>('subdocuments')].map(([key, sub]) => [key, sub.guid])
  const content = JSON.stringify({
    pending,
    text: doc.getText('text').toDelta(),
    map: Object.fromEntries(Object.entries(doc.getMap('map').toJSON()).sort()),
    array: doc.getArray('array').toJSON(),
    xml: doc.getXmlFragment('xml').toString(),
    subdocuments: Object.fromEntries(subdocuments.sort()),
    vector: [...Y13.decodeStateVector(Y13.encodeStateVector(doc))].sort(([a], [b]) => a - b),
  })
  doc.destroy()
  return content
}

/** Waits until all peers show the same, down to the state vector, and nothing is pending anywhere. Returns what they show. */
export async function converged(peers: readonly Peer[], timeoutMs?: number): Promise<string> {
  const contents = () => peers.map(peer => contentOf(peer.state()))
  await waitUntil(
    `${peers.length} peers to show the same`,
    () => {
      const [first, ...others] = contents()
      return first?.startsWith('{"pending":false') === true && others.every(other => other === first)
    },
    {
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      found: () => contents().map(one => one.slice(0, 600)),
    },
  )
  return contents()[0] as string
}
