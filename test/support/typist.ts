/**
 * Somebody who types: a real `Y.Doc` behind a plain socket that speaks as a stock client does, and that also asks, with every few
 * edits, whether they are saved. What it is shown and what it is told is saved goes into the evidence.
 *
 * It comes back by itself when it loses the server, as long as it wants to be online, and goes on typing meanwhile.
 */
import * as decoding from 'lib0/decoding'
import { WebSocket } from 'ws'
import { applyUpdate, Doc, encodeStateAsUpdate, encodeStateVector } from 'yjs'
import { add, type Evidence, type Held, held, isNothing, nothing } from './evidence.ts'
import { withToken } from './live-tokens.ts'
import { frame } from './raw-client.ts'
import { waitUntil } from './wait-until.ts'

const backoffMs = 100
const type = { sync: 0, saved: 102 } as const
const sync = { step1: 0, step2: 1, update: 2 } as const

export interface TypistOptions {
  readonly wsUrl: string
  readonly evidence: Evidence
  /** The token to come with, asked for at each connect; none if not given. */
  readonly token?: () => string
  /** A document that exists already. */
  readonly doc?: Doc
}

export class Typist {
  readonly doc: Doc
  /** The codes with which its connections ended. */
  readonly ends: number[] = []
  readonly #options: TypistOptions
  #wantsOnline = false
  #socket: WebSocket | null = null
  #retry: NodeJS.Timeout | undefined
  /** It has been sent the document and has sent what it has: from here on an acknowledgement covers all of its own edits. */
  #isSynced = false
  #hasUploaded = false
  /** Own edits that nobody said are saved, and of which no question under way asks. */
  #unsaved: Held = nothing()
  /** The questions under way, oldest first. */
  #asked: { readonly token: number; readonly about: Held }[] = []
  #tokens = 0

  constructor(options: TypistOptions) {
    this.#options = options
    this.doc = options.doc ?? new Doc()
    this.doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== this) this.#send(update)
    })
  }

  get isSynced(): boolean {
    return this.#isSynced && this.#hasUploaded
  }

  get isConnected(): boolean {
    return this.#socket !== null
  }

  /** Everything that it ever wrote is saved, as far as it was told. */
  get isAllSaved(): boolean {
    return isNothing(this.#unsaved) && this.#asked.length === 0
  }

  goOnline(): void {
    this.#wantsOnline = true
    clearTimeout(this.#retry)
    if (this.#socket === null) this.#connect()
  }

  /** Does not come back any more; ends the connection if there still is one. */
  goOffline(): void {
    this.#wantsOnline = false
    clearTimeout(this.#retry)
    this.#socket?.close()
  }

  /** Breaks the connection off without a goodbye, and comes back if it wants to be online. */
  loseConnection(): void {
    this.#socket?.terminate()
  }

  /** Asks whether everything until now is saved. */
  ask(): void {
    if (!this.#hasUploaded || this.#socket?.readyState !== WebSocket.OPEN) return
    const token = ++this.#tokens
    this.#asked.push({ token, about: this.#unsaved })
    this.#unsaved = nothing()
    this.#socket.send(frame.saved(new TextEncoder().encode(String(token))))
  }

  /** Asks until it is told that all is saved. */
  async whenSaved(timeoutMs?: number): Promise<void> {
    await waitUntil(
      'everything that was typed to be saved',
      () => {
        if (this.isAllSaved) return true
        if (this.#asked.length === 0) this.ask()
        return false
      },
      timeoutMs === undefined ? {} : { timeoutMs },
    )
  }

  destroy(): void {
    this.goOffline()
    this.#socket?.terminate()
    this.doc.destroy()
  }

  #connect(): void {
    const { wsUrl, evidence, token } = this.#options
    const path = token === undefined ? evidence.document : withToken(evidence.document, token())
    const socket = new WebSocket(`${wsUrl}/${path}`, { perMessageDeflate: false })
    this.#socket = socket
    socket.binaryType = 'nodebuffer'
    socket.on('open', () => socket.send(frame.syncStep1(encodeStateVector(this.doc))))
    socket.on('message', data => this.#receive(socket, new Uint8Array(data as Buffer)))
    // A refused connection: the close that follows says all.
    socket.on('error', () => {})
    socket.on('close', code => this.#closed(code))
  }

  #closed(code: number): void {
    this.ends.push(code)
    this.#socket = null
    this.#isSynced = false
    this.#hasUploaded = false
    // The answers will not come. Asked again once the server has been told again what was written.
    for (const { about } of this.#asked) add(this.#unsaved, about)
    this.#asked = []
    if (this.#wantsOnline) this.#retry = setTimeout(() => this.#connect(), backoffMs)
  }

  #send(update: Uint8Array): void {
    add(this.#unsaved, held(update))
    // Before the upload nothing is sent: it holds this edit as well.
    if (this.#hasUploaded) this.#socket!.send(frame.update(update))
  }

  #receive(socket: WebSocket, bytes: Uint8Array): void {
    const decoder = decoding.createDecoder(bytes)
    const kind = decoding.readVarUint(decoder)
    if (kind === type.saved) return this.#told(new TextDecoder().decode(decoding.readVarUint8Array(decoder)))
    if (kind !== type.sync) return
    const step = decoding.readVarUint(decoder)
    const body = decoding.readVarUint8Array(decoder)
    if (step === sync.step1) {
      socket.send(frame.syncStep2(encodeStateAsUpdate(this.doc, body)))
      this.#hasUploaded = true
      return
    }
    this.#options.evidence.deliver(body)
    applyUpdate(this.doc, body, this)
    if (step === sync.step2) this.#isSynced = true
  }

  #told(token: string): void {
    const answered = this.#asked.shift()
    if (String(answered?.token) !== token) throw new Error(`asked ${answered?.token}, was answered ${token}`)
    this.#options.evidence.acknowledge(answered!.about)
  }
}
