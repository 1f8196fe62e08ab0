/**
 * The stock Hocuspocus providers, imported unmodified, each on a fresh document, with `ws` as its socket and without
 * BroadcastChannel (which would sync past the server). One socket may carry many documents: `openSocket`, then `on` it.
 */
import * as version2 from 'hocuspocus-provider-2'
import * as version3 from 'hocuspocus-provider-3'
import * as version4 from 'hocuspocus-provider-4'
import { WebSocket } from 'ws'
import { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { type ConnectionEnd, installedVersion } from './stock-client.ts'
import { waitMsDefault, waitUntil } from './wait-until.ts'

export type HocuspocusVersion = 2 | 3 | 4
export const hocuspocusVersions: readonly HocuspocusVersion[] = [2, 3, 4]

const packages = { 2: version2, 3: version3, 4: version4 } as const
type Provider = version4.HocuspocusProvider
type SocketProvider = version4.HocuspocusProviderWebsocket

/** As their own package.json files state them. */
export function hocuspocusVersionOf(version: HocuspocusVersion): string {
  return installedVersion(`hocuspocus-provider-${version}`)
}

export interface SocketOptions {
  /** False: made offline, `socket.connect()` goes on. */
  readonly connect?: boolean
  /** Query parameters of the URL. */
  readonly params?: Record<string, string>
  /** The providers' own is a second, and more after each attempt in vain. */
  readonly reconnectDelayMs?: number
}

/** One socket of one version, without a document as yet. */
export interface HocuspocusSocket extends Disposable {
  readonly version: HocuspocusVersion
  readonly provider: SocketProvider
  /** All ends of connections so far. */
  readonly ends: readonly ConnectionEnd[]
}

/** `ws` takes an error that nobody listens for as a reason to end the process; a page's socket does not, and providers know that one. */
class PageSocket extends WebSocket {
  constructor(address: string | URL, protocols?: string | string[]) {
    super(address, protocols)
    this.on('error', () => {})
  }
}

export function openSocket(
  version: HocuspocusVersion,
  wsUrl: string,
  { connect = true, params = {}, reconnectDelayMs }: SocketOptions = {},
): HocuspocusSocket {
  const query = new URLSearchParams(params).toString()
  const provider = new packages[version].HocuspocusProviderWebsocket({
    url: query === '' ? wsUrl : `${wsUrl}/?${query}`,
    WebSocketPolyfill: PageSocket,
    ...(version === 2 ? { connect } : { autoConnect: connect }),
    ...(reconnectDelayMs === undefined ? {} : { delay: reconnectDelayMs, minDelay: reconnectDelayMs }),
  })
  const ends: ConnectionEnd[] = []
  provider.on('close', ({ event }) => ends.push({ code: event.code, reason: event.reason }))
  return { version, provider, ends, [Symbol.dispose]: () => provider.destroy() }
}

export interface DocumentOptions {
  /** A document that exists already, for a client that comes back. */
  readonly doc?: Y.Doc
  readonly token?: version4.ProviderOptions['token']
  /** The awareness state from the start; the package's own default is `{}`. Null: the client has none. */
  readonly awareness?: Record<string, unknown> | null
  readonly sessionAwareness?: boolean
  /** False: the provider is made without presence altogether, and sends nothing of it, renewals included. */
  readonly presence?: boolean
}

export interface HocuspocusClient extends Disposable {
  readonly socket: HocuspocusSocket
  readonly doc: Y.Doc
  readonly provider: Provider
  readonly awareness: NonNullable<Provider['awareness']>
  /** What the provider has said of itself, in order: `authenticated scope`, `authenticationFailed: reason`, `closed: code reason`, `unsynced n`. */
  readonly told: readonly string[]
  /** Resolves when the provider says `synced`, at once if it does so already. */
  synced(timeoutMs?: number): Promise<void>
  /** Resolves when the provider is synced and knows of nothing that is unsaved. (2.15 counts below zero after it was offline.) */
  saved(timeoutMs?: number): Promise<void>
  authenticated(timeoutMs?: number): Promise<void>
  /** The reason. */
  authenticationFailed(timeoutMs?: number): Promise<string>
  /** Leaves the document; a socket of its own ends too. */
  destroy(): void
}

/** A provider of one version on a socket that may carry others. */
export function onSocket(
  socket: HocuspocusSocket,
  name: string,
  options: DocumentOptions = {},
): HocuspocusClient {
  const doc = options.doc ?? new Y.Doc()
  const awareness = new Awareness(doc)
  if (options.awareness !== undefined) awareness.setLocalState(options.awareness)
  const provider = new packages[socket.version].HocuspocusProvider({
    websocketProvider: socket.provider,
    name,
    document: doc,
    awareness: options.presence === false ? null : awareness,
    token: options.token ?? null,
    broadcast: false,
    ...(options.sessionAwareness === undefined ? {} : { sessionAwareness: options.sessionAwareness }),
  })
  const told = noteWhatIsTold(provider)
  provider.attach?.()
  const destroy = () => {
    provider.destroy()
    if (options.doc === undefined) doc.destroy()
  }
  const wait = (what: string, condition: () => unknown, timeoutMs = waitMsDefault) =>
    waitUntil(`a Hocuspocus provider ${what}`, condition, {
      timeoutMs,
      found: () => ({ told: told.slice(-20), ends: socket.ends }),
    })
  return {
    socket,
    doc,
    provider,
    awareness,
    told,
    synced: async timeoutMs => void (await wait('to be synced', () => provider.synced, timeoutMs)),
    saved: async timeoutMs =>
      void (await wait(
        'to have nothing unsaved',
        () => provider.synced && !provider.hasUnsyncedChanges,
        timeoutMs,
      )),
    authenticated: async timeoutMs =>
      void (await wait('to be authenticated', () => provider.isAuthenticated, timeoutMs)),
    authenticationFailed: async timeoutMs => {
      const failed = () => told.find(one => one.startsWith(failedMark))
      return String(await wait('to be refused', failed, timeoutMs)).slice(failedMark.length)
    },
    destroy,
    [Symbol.dispose]: destroy,
  }
}

/** A provider with a socket of its own. */
export function connectHocuspocus(
  version: HocuspocusVersion,
  wsUrl: string,
  name: string,
  options: SocketOptions & DocumentOptions = {},
): HocuspocusClient {
  const socket = openSocket(version, wsUrl, options)
  const client = onSocket(socket, name, options)
  const destroy = () => {
    client.destroy()
    socket[Symbol.dispose]()
  }
  return { ...client, destroy, [Symbol.dispose]: destroy }
}

const failedMark = 'authenticationFailed: '

function noteWhatIsTold(provider: Provider): string[] {
  const told: string[] = []
  provider.on('authenticated', () => told.push(`authenticated ${provider.authorizedScope}`))
  provider.on('authenticationFailed', ({ reason }) => told.push(failedMark + reason))
  provider.on('close', ({ event }) => told.push(`closed: ${event.code} ${event.reason}`))
  provider.on('synced', ({ state }) => told.push(`synced ${state}`))
  provider.on('stateless', ({ payload }) => told.push(`stateless: ${payload}`))
  provider.on('unsyncedChanges', changes =>
    told.push(`unsynced ${typeof changes === 'number' ? changes : changes.number}`),
  )
  return told
}
