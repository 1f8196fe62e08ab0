/**
 * The stock clients that people have, imported unmodified: `y-websocket` over Yjs 13, `@y/websocket` over Yjs 14, each on
 * a fresh document, with `ws` as its socket and without BroadcastChannel (which would sync past the server).
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { WebsocketProvider as Provider14 } from '@y/websocket'
import * as Y14 from '@y/y'
import { WebSocket } from 'ws'
import type { ProviderOptions } from 'y-websocket'
import { WebsocketProvider as Provider13 } from 'y-websocket'
import * as Y13 from 'yjs'
import { waitMsDefault, within } from './wait-until.ts'

/** Each provider listens for the end of the process; Node takes more than ten of them for a leak. */
const providersMax = 1_000
process.setMaxListeners(Math.max(process.getMaxListeners(), providersMax))

/** How one connection of a provider ended: the server's code, or null where the provider itself gave up. */
export interface ConnectionEnd {
  readonly code: number | null
  readonly reason: string
}

interface Stock<Doc, Provider> extends Disposable {
  readonly doc: Doc
  readonly provider: Provider
  /** Resolves when the provider says `synced`, at once if it does so already. */
  synced(timeoutMs?: number): Promise<void>
  /** All ends of connections so far. Empty: it never lost one. */
  readonly ends: readonly ConnectionEnd[]
  /** Leaves as a closed tab does, with awareness told, and forgets the document. */
  destroy(): void
}

export interface StockClient extends Stock<Y13.Doc, Provider13> {
  readonly awareness: Provider13['awareness']
}

export interface StockClient14 extends Stock<Y14.Doc, Provider14> {
  readonly awareness: Provider14['awareness']
}

export interface StockOptions<Doc> {
  /** A document that exists already, for a client that comes back. */
  readonly doc?: Doc
  /** False: created offline, `provider.connect()` goes on. */
  readonly connect?: boolean
  readonly protocols?: string[]
  /** Instead of the plain one: what it connects with. */
  readonly socket?: new (
    address: string | URL,
    protocols?: string | string[],
  ) => WebSocket
  readonly params?: Record<string, string>
  /** The awareness state from the start; the package's own default is `{}`. Null: the client has none. */
  readonly awareness?: Record<string, unknown> | null
}

/** A stock `y-websocket` client in a room. */
export function connectStock(wsUrl: string, room: string, options: StockOptions<Y13.Doc> = {}): StockClient {
  const doc = options.doc ?? new Y13.Doc()
  const provider = new Provider13(wsUrl, room, doc, providerOptions(options))
  return { ...watch(doc, provider, options), awareness: provider.awareness }
}

/** A stock `@y/websocket` client of Yjs 14 in a room. */
export function connectStock14(
  wsUrl: string,
  room: string,
  options: StockOptions<Y14.Doc> = {},
): StockClient14 {
  const doc = options.doc ?? new Y14.Doc()
  const provider = new Provider14(wsUrl, room, doc, providerOptions(options))
  return { ...watch(doc, provider, options), awareness: provider.awareness }
}

/** The versions that are really installed, as their own package.json files state them. */
export function stockVersions(): string {
  const yjs = ['y-websocket', 'yjs', '@y/websocket', '@y/y', '@y/protocols', 'y-protocols', 'ws']
  const hocuspocus = ['hocuspocus-provider-2', 'hocuspocus-provider-3', 'hocuspocus-provider-4']
  return [...yjs, ...hocuspocus].map(name => `${name} ${installedVersion(name)}`).join(', ')
}

export function installedVersion(name: string): string {
  const folders = createRequire(import.meta.url).resolve.paths(name) ?? []
  for (const folder of folders) {
    try {
      const text = readFileSync(path.join(folder, name, 'package.json'), 'utf8')
      return (JSON.parse(text) as { version: string }).version
    } catch {
      // Not in this folder: the next one up.
    }
  }
  throw new Error(`${name} is not installed`)
}

function providerOptions(options: StockOptions<unknown>): ProviderOptions {
  return {
    WebSocketPolyfill: (options.socket ?? WebSocket) as typeof WebSocket,
    disableBc: true,
    // Connected below, once the awareness state is set: the provider sends it with the opening of the socket.
    connect: false,
    ...(options.protocols === undefined ? {} : { protocols: options.protocols }),
    ...(options.params === undefined ? {} : { params: options.params }),
  }
}

interface AnyProvider {
  readonly synced: boolean
  readonly awareness: { setLocalState(state: Record<string, unknown> | null): void; destroy(): void }
  connect(): void
  destroy(): void
  on(event: 'connection-close', listener: (event: { code: number; reason: string } | null) => void): void
  on(event: 'sync', listener: (synced: boolean) => void): void
  off(event: 'sync', listener: (synced: boolean) => void): void
}

function watch<Doc extends { destroy(): void }, Provider extends AnyProvider>(
  doc: Doc,
  provider: Provider,
  options: StockOptions<Doc>,
): Stock<Doc, Provider> {
  const ends: ConnectionEnd[] = []
  provider.on('connection-close', event => {
    ends.push({ code: event?.code ?? null, reason: event?.reason ?? '' })
  })
  if (options.awareness !== undefined) provider.awareness.setLocalState(options.awareness)
  if (options.connect !== false) provider.connect()
  const destroy = () => {
    provider.destroy()
    // Ends its timers; the provider leaves that to whoever made it.
    provider.awareness.destroy()
    if (options.doc === undefined) doc.destroy()
  }
  return {
    doc,
    provider,
    ends,
    synced: (timeoutMs = waitMsDefault) =>
      within('a stock client to be synced', whenSynced(provider), { timeoutMs, found: () => ({ ends }) }),
    destroy,
    [Symbol.dispose]: destroy,
  }
}

function whenSynced(provider: AnyProvider): Promise<void> {
  if (provider.synced) return Promise.resolve()
  return new Promise(resolve => {
    const listener = (synced: boolean) => {
      if (!synced) return
      provider.off('sync', listener)
      resolve()
    }
    provider.on('sync', listener)
  })
}
