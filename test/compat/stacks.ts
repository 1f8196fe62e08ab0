/**
 * The stock clients behind one set of verbs, so that each fact is shown for all of them and for different ones in one room. The clients
 * are untouched; only the tests' own words for editing and reading differ between Yjs 13 and Yjs 14.
 */
import * as Y14 from '@y/y'
import * as Y13 from 'yjs'
import { connectHocuspocus, type HocuspocusVersion } from '../support/hocuspocus-client.ts'
import {
  type ConnectionEnd,
  connectStock,
  connectStock14,
  type StockOptions,
} from '../support/stock-client.ts'
import { waitUntil } from '../support/wait-until.ts'

export type YWebsocketStack = 'y-websocket' | '@y/websocket'
export type HocuspocusStack = `hocuspocus ${HocuspocusVersion}`
export type StackName = YWebsocketStack | HocuspocusStack
export const yWebsocketStacks: readonly YWebsocketStack[] = ['y-websocket', '@y/websocket']
export const hocuspocusStacks: readonly HocuspocusStack[] = ['hocuspocus 2', 'hocuspocus 3', 'hocuspocus 4']
export const stackNames: readonly StackName[] = [...yWebsocketStacks, ...hocuspocusStacks]

/** Who writes and who reads: each with its like, and each with others in both directions. */
export const pairs: readonly (readonly [StackName, StackName])[] = [
  ['y-websocket', 'y-websocket'],
  ['@y/websocket', '@y/websocket'],
  ['y-websocket', '@y/websocket'],
  ['@y/websocket', 'y-websocket'],
  ['hocuspocus 2', 'hocuspocus 2'],
  ['hocuspocus 3', 'hocuspocus 3'],
  ['hocuspocus 4', 'hocuspocus 4'],
  ['hocuspocus 4', 'y-websocket'],
  ['y-websocket', 'hocuspocus 4'],
  ['hocuspocus 3', '@y/websocket'],
  ['@y/websocket', 'hocuspocus 2'],
  ['hocuspocus 2', 'hocuspocus 4'],
]

export interface PeerOptions extends Omit<StockOptions<never>, 'doc'> {
  /** Of Hocuspocus providers, whose own is a second and more: for tests that reconnect often. */
  readonly reconnectDelayMs?: number
}

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
  switch (stack) {
    case 'y-websocket':
      return peer13(wsUrl, room, options)
    case '@y/websocket':
      return peer14(wsUrl, room, options)
    case 'hocuspocus 2':
      return hocuspocusPeer(2, wsUrl, room, options)
    case 'hocuspocus 3':
      return hocuspocusPeer(3, wsUrl, room, options)
    case 'hocuspocus 4':
      return hocuspocusPeer(4, wsUrl, room, options)
  }
}

function peer13(wsUrl: string, room: string, options: PeerOptions): Peer {
  const client = connectStock(wsUrl, room, { ...options, doc: new Y13.Doc() })
  return peerOver(client, { stack: 'y-websocket', provider: client.provider, ends: client.ends })
}

function hocuspocusPeer(
  version: HocuspocusVersion,
  wsUrl: string,
  room: string,
  { connect, params, awareness, reconnectDelayMs }: PeerOptions,
): Peer {
  const client = connectHocuspocus(version, wsUrl, room, {
    doc: new Y13.Doc(),
    ...(connect === undefined ? {} : { connect }),
    ...(params === undefined ? {} : { params }),
    ...(awareness === undefined ? {} : { awareness }),
    ...(reconnectDelayMs === undefined ? {} : { reconnectDelayMs }),
  })
  const socket = client.socket.provider
  const provider: Provider = {
    get wsconnected() {
      return socket.status === 'connected'
    },
    get synced() {
      return client.provider.synced
    },
    get shouldConnect() {
      return socket.shouldConnect
    },
    get ws() {
      return socket.webSocket
    },
    connect: () => void socket.connect(),
    disconnect: () => socket.disconnect(),
  }
  return peerOver(client, { stack: `hocuspocus ${version}`, provider, ends: client.socket.ends })
}

/** What the clients over Yjs 13 have in common. */
interface Client13 {
  readonly doc: Y13.Doc
  readonly awareness: unknown
  synced(timeoutMs?: number): Promise<void>
  destroy(): void
}

function peerOver(client: Client13, connection: Pick<Peer, 'stack' | 'provider' | 'ends'>): Peer {
  const { doc } = client
  const text = doc.getText('text')
  const map = doc.getMap('map')
  const array = doc.getArray('array')
  const xml = doc.getXmlFragment('xml')
  return {
    ...connection,
    clientId: doc.clientID,
    awareness: client.awareness as AwarenessStates,
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
