/**
 * How the connection is doing, in words that are true. The stock `y-websocket` protocol has no acknowledgement, so this
 * never says that something is saved on the server: only whether the page is connected, and where edits are meanwhile.
 *
 * Leaves to others: drawing the words (`connection-view.tsx`).
 */
import { closeCodes } from '@syncline/shared/wire/close-codes'
import type { WebsocketProvider } from 'y-websocket'
import type * as Y from 'yjs'
import type { LocalCopy } from './local-copy.ts'

export type ConnectionState =
  | { readonly at: 'connecting' }
  /** The socket is open and the document is on its way. */
  | { readonly at: 'loading' }
  | { readonly at: 'connected' }
  /** The connection was lost a moment ago; most come back before anybody needs to be told. */
  | { readonly at: 'reconnecting' }
  | { readonly at: 'offline'; readonly busy: boolean; readonly kept: boolean; readonly unsent: boolean }
  /** The server has said that coming back is pointless. */
  | { readonly at: 'refused'; readonly code: number; readonly kept: boolean }

/** How long a lost connection is called "reconnecting" before it is called "offline". */
const reconnectingTimeMaxMs = 2_500

/** Follows one provider, and is read by React (`useSyncExternalStore`). */
export class ConnectionWatch {
  readonly #provider: WebsocketProvider
  readonly #localCopy: LocalCopy
  readonly #listeners = new Set<() => void>()
  #state: ConnectionState = { at: 'connecting' }
  #patience: ReturnType<typeof setTimeout> | undefined
  #lastCloseCode = 0
  #unsent = false

  constructor(provider: WebsocketProvider, localCopy: LocalCopy) {
    this.#provider = provider
    this.#localCopy = localCopy
    provider.on('status', ({ status }) => {
      if (status === 'connected') this.#enter({ at: 'loading' })
    })
    provider.on('sync', synced => {
      if (!synced) return
      this.#unsent = false
      this.#enter({ at: 'connected' })
    })
    provider.on('connection-close', event => {
      this.#lastCloseCode = event?.code ?? 0
      this.#lost()
    })
    provider.on('closed', ({ code }) => this.#refuse(code))
    provider.doc.on(
      'update',
      (_update: Uint8Array, _origin: unknown, _doc: Y.Doc, { local }: Y.Transaction) => {
        if (local && this.#state.at !== 'connected') this.#wroteUnconnected()
      },
    )
    // Whether edits are kept here is known only once the local copy is open, which may be after the first failure.
    void localCopy.read.then(() => this.#refresh())
    this.#bePatient()
    this.#listenToTheBrowser()
  }

  /** The state as it is; the same object until it changes. */
  state = (): ConnectionState => this.#state

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Tries again after the server has refused. */
  tryAgain(): void {
    this.#enter({ at: 'connecting' })
    this.#bePatient()
    this.#provider.connect()
  }

  /**
   * Opens what the document is now. What this page and this browser hold of what it was is refused by the server, for good:
   * as long as it is kept, every new page would be refused as well.
   */
  async startOver(): Promise<void> {
    await this.#localCopy.forget()
    location.reload()
  }

  #enter(state: ConnectionState): void {
    if (state.at !== 'connecting' && state.at !== 'reconnecting') clearTimeout(this.#patience)
    this.#state = state
    for (const listener of this.#listeners) listener()
  }

  #lost(): void {
    const { at } = this.#state
    if (at === 'loading' || at === 'connected') {
      this.#enter({ at: 'reconnecting' })
      this.#bePatient()
    } else {
      this.#refresh()
    }
  }

  #bePatient(): void {
    clearTimeout(this.#patience)
    this.#patience = setTimeout(() => this.#goOffline(), reconnectingTimeMaxMs)
  }

  #goOffline(): void {
    const busy = this.#lastCloseCode === closeCodes.overload.code
    this.#enter({ at: 'offline', busy, kept: this.#localCopy.isKept(), unsent: this.#unsent })
  }

  #refuse(code: number): void {
    this.#enter({ at: 'refused', code, kept: this.#localCopy.isKept() })
  }

  /** Says the same again with what has changed since. */
  #refresh(): void {
    if (this.#state.at === 'offline') this.#goOffline()
    if (this.#state.at === 'refused') this.#refuse(this.#state.code)
  }

  #wroteUnconnected(): void {
    if (this.#unsent) return
    this.#unsent = true
    this.#refresh()
  }

  #connectAnew(): void {
    if (this.#state.at === 'refused') return
    const { awareness } = this.#provider
    this.#provider.disconnect()
    // Disconnecting has told others that we are gone, at the clock that we have; only a newer one brings us back.
    awareness.setLocalState(awareness.getLocalState())
    this.#provider.connect()
  }

  #listenToTheBrowser(): void {
    // A socket over a dead network looks open for half a minute. A new one knows at once, and where there is a network
    // after all (a server on this machine needs none) it costs a moment.
    addEventListener('offline', () => this.#connectAnew())
    // A connection attempt from before the network came back can hang for minutes.
    addEventListener('online', () => {
      if (!this.#provider.wsconnected) this.#connectAnew()
    })
    addEventListener('beforeunload', event => {
      // Only where leaving would lose something: not sent, and not kept here either.
      if (this.#unsent && !this.#localCopy.isKept()) event.preventDefault()
    })
  }
}

/** A state as a reader is told it: a word or two, and a sentence where there is something to know. */
export interface ConnectionWords {
  readonly label: string
  readonly sentence?: string
  readonly tone: 'good' | 'waiting' | 'bad'
}

export function connectionWords(state: ConnectionState): ConnectionWords {
  switch (state.at) {
    case 'connecting':
      return { label: 'Connecting…', tone: 'waiting' }
    case 'loading':
      return { label: 'Loading…', tone: 'waiting' }
    case 'connected':
      return { label: 'Connected', tone: 'good' }
    case 'reconnecting':
      return { label: 'Reconnecting…', tone: 'waiting' }
    case 'offline':
      return { label: 'Offline', sentence: offlineSentence(state), tone: 'waiting' }
    case 'refused':
      return { label: 'Not connected', sentence: refusedSentence(state), tone: 'bad' }
  }
}

function offlineSentence({ busy, kept, unsent }: ConnectionState & { at: 'offline' }): string {
  const why = busy ? 'The server cannot take changes at the moment' : 'Offline'
  if (!kept) return `${why}: keep this page open, what you write will be sent when you are back.`
  return unsent
    ? `${why}: your changes are kept here and will be sent when you are back.`
    : `${why}: go on writing, it is kept here and will be sent when you are back.`
}

const refusals: ReadonlyMap<number, string> = new Map([
  [closeCodes.malformed.code, 'The server could not understand this page. Reload it.'],
  [closeCodes.notAuthenticated.code, 'The server wants you to sign in before it opens this document.'],
  [closeCodes.notAllowed.code, 'You are not allowed to open or change this document.'],
  [closeCodes.deleted.code, 'This document was deleted on the server.'],
  [closeCodes.otherEpoch.code, 'This document was replaced on the server, and what you see is what it was.'],
  [closeCodes.tooLarge.code, 'The last change is larger than the server allows.'],
])

function refusedSentence({ code, kept }: ConnectionState & { at: 'refused' }): string {
  const why = refusals.get(code) ?? 'The server has closed this document.'
  if (code === closeCodes.otherEpoch.code) return `${why} Copy what you still need before you load it anew.`
  return kept
    ? `${why} What you write is kept in this browser, and is not sent.`
    : `${why} What you write is not sent.`
}
