/**
 * Types of the stock providers, as far as the tests use them. All packages have declarations, but their `exports` list
 * `import` before `types`, so a compiler that follows `exports` does not find them.
 */

declare module 'y-websocket' {
  import type { Awareness } from 'y-protocols/awareness'
  import type { Doc } from 'yjs'
  export interface ProviderOptions {
    readonly connect?: boolean
    readonly params?: Record<string, string>
    readonly protocols?: string[]
    // biome-ignore lint/suspicious/noExplicitAny: the packages want the browser's class; `ws` is near enough, and differs in types.
    readonly WebSocketPolyfill?: any
    readonly resyncInterval?: number
    readonly maxBackoffTime?: number
    readonly disableBc?: boolean
  }
  export interface ProviderEvents {
    status: (event: { status: 'connected' | 'disconnected' | 'connecting' }) => void
    sync: (synced: boolean) => void
    'connection-close': (event: { code: number; reason: string } | null) => void
    'connection-error': (event: unknown) => void
    closed: (event: { code: number; reason: string }) => void
  }
  export class WebsocketProvider {
    constructor(serverUrl: string, room: string, doc: Doc, options?: ProviderOptions)
    readonly awareness: Awareness
    readonly doc: Doc
    readonly url: string
    /** May be changed: they count from the next connection on. */
    params: Record<string, string>
    readonly synced: boolean
    readonly wsconnected: boolean
    readonly shouldConnect: boolean
    readonly ws: { readonly protocol: string } | null
    connect(): void
    disconnect(): void
    destroy(): void
    on<E extends keyof ProviderEvents>(event: E, listener: ProviderEvents[E]): void
    off<E extends keyof ProviderEvents>(event: E, listener: ProviderEvents[E]): void
  }
}

declare module '@y/websocket' {
  import type { Awareness } from '@y/protocols/awareness'
  import type { Doc } from '@y/y'
  import type { ProviderEvents, ProviderOptions } from 'y-websocket'
  export class WebsocketProvider {
    constructor(serverUrl: string, room: string, doc: Doc, options?: ProviderOptions)
    readonly awareness: Awareness
    readonly doc: Doc
    readonly url: string
    /** May be changed: they count from the next connection on. */
    params: Record<string, string>
    readonly synced: boolean
    readonly wsconnected: boolean
    readonly shouldConnect: boolean
    readonly ws: { readonly protocol: string } | null
    connect(): void
    disconnect(): void
    destroy(): void
    on<E extends Exclude<keyof ProviderEvents, 'closed'>>(event: E, listener: ProviderEvents[E]): void
    off<E extends Exclude<keyof ProviderEvents, 'closed'>>(event: E, listener: ProviderEvents[E]): void
  }
}

declare module 'hocuspocus-provider-4' {
  import type { Awareness } from 'y-protocols/awareness'
  import type { Doc } from 'yjs'
  export interface SocketOptions {
    readonly url: string
    // biome-ignore lint/suspicious/noExplicitAny: as above.
    readonly WebSocketPolyfill: any
    /** Until 2.15 it is called `connect`, later `autoConnect`. */
    readonly connect?: boolean
    readonly autoConnect?: boolean
    readonly delay?: number
    readonly minDelay?: number
  }
  export interface SocketEvents {
    close: (event: { readonly event: { readonly code: number; readonly reason: string } }) => void
    message: (event: { readonly data: ArrayBuffer }) => void
    status: (event: { readonly status: string }) => void
  }
  /** One socket, for as many documents as are attached to it. */
  export class HocuspocusProviderWebsocket {
    constructor(options: SocketOptions)
    readonly status: 'connecting' | 'connected' | 'disconnected'
    readonly shouldConnect: boolean
    readonly webSocket: { readonly protocol: string } | null
    connect(): Promise<unknown>
    disconnect(): void
    destroy(): void
    on<E extends keyof SocketEvents>(event: E, listener: SocketEvents[E]): this
    off<E extends keyof SocketEvents>(event: E, listener: SocketEvents[E]): this
  }
  export interface ProviderOptions {
    /** Without it the provider makes a socket of its own, to `url`, and attaches itself. */
    readonly websocketProvider?: HocuspocusProviderWebsocket
    readonly url?: string
    readonly name: string
    readonly document?: Doc
    readonly awareness?: Awareness | null
    readonly token?: string | (() => string) | (() => Promise<string>) | null
    /** Since 4.0. */
    readonly sessionAwareness?: boolean
    /** Until 2.15. */
    readonly broadcast?: boolean
  }
  export interface ProviderEvents {
    synced: (event: { readonly state: boolean }) => void
    /** Until 2.15 it is the number itself. */
    unsyncedChanges: (changes: number | { readonly number: number }) => void
    /** Until 2.15 nothing is told with it. */
    authenticated: (event?: { readonly scope: string }) => void
    authenticationFailed: (event: { readonly reason: string }) => void
    close: (event: { readonly event: { readonly code: number; readonly reason: string } }) => void
    stateless: (event: { readonly payload: string }) => void
    outgoingMessage: (event: { readonly message: { readonly description: string } }) => void
    status: SocketEvents['status']
  }
  export class HocuspocusProvider {
    constructor(options: ProviderOptions)
    readonly document: Doc
    readonly awareness: Awareness | null
    readonly synced: boolean
    readonly unsyncedChanges: number
    readonly hasUnsyncedChanges: boolean
    readonly isAuthenticated: boolean
    readonly authorizedScope: 'read-write' | 'readonly' | undefined
    /** Since 3.0; until then it attaches itself. */
    attach?(): void
    detach?(): void
    forceSync(): void
    startSync(): void
    /** Since 3.0. */
    sendToken?(): Promise<void>
    sendStateless(payload: string): void
    destroy(): void
    on<E extends keyof ProviderEvents>(event: E, listener: ProviderEvents[E]): this
    off<E extends keyof ProviderEvents>(event: E, listener: ProviderEvents[E]): this
  }
}

declare module 'hocuspocus-provider-3' {
  export { HocuspocusProvider, HocuspocusProviderWebsocket } from 'hocuspocus-provider-4'
}

declare module 'hocuspocus-provider-2' {
  export { HocuspocusProvider, HocuspocusProviderWebsocket } from 'hocuspocus-provider-4'
}
