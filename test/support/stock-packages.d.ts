/**
 * Types of the stock providers, as far as the tests use them. Both packages have declarations, but their `exports` list
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
