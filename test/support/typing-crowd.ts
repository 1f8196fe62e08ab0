/**
 * People who type in several documents at once, at a steady rate, whatever happens to the server meanwhile: in each document
 * one who asks whether it is saved, one with the stock `y-websocket` client, and one who only reads.
 */
import { WebsocketProvider } from 'y-websocket'
import { Doc, encodeStateVector } from 'yjs'
import type { Random } from './counts.ts'
import { Evidence } from './evidence.ts'
import { type Recording, recordingSocket } from './recording-socket.ts'
import { Typist } from './typist.ts'
import { waitUntil } from './wait-until.ts'

/** Each provider listens for the end of the process; Node takes more than ten of them for a leak. */
const providersMax = 1_000
process.setMaxListeners(Math.max(process.getMaxListeners(), providersMax))

const tickMs = 10
/** A machine that was busy for longer than this has lost the edits of that time: they are not made up for in one go. */
const catchUpMsMax = 500
const textLengthMax = 4_000
const keys = 20
/** A connection that ended without a close frame. */
const noCode = 1006

export interface CrowdOptions {
  /** Of one server, or of several instances: then in each document somebody of each kind is at each. */
  readonly wsUrl: string | readonly string[]
  readonly random: Random
  readonly documents: readonly string[]
  readonly editsPerSecond: number
  /** How many of each kind write in a document. */
  readonly writers?: number
  /** So often in a second one of those who ask loses their connection, and comes back. */
  readonly lossesPerSecond?: number
}

interface StockWriter {
  readonly doc: Doc
  readonly provider: WebsocketProvider
  readonly recording: Recording
  /** The codes with which its connections ended. */
  readonly ends: number[]
}

export class TypingCrowd implements Disposable {
  readonly evidence: readonly Evidence[]
  readonly typists: Typist[] = []
  readonly #stock: StockWriter[] = []
  readonly #docs = new Map<Evidence, Doc[]>()
  readonly #writing: Doc[] = []
  readonly #options: CrowdOptions
  #edits = 0
  #timer: NodeJS.Timeout | undefined
  #typedMs = 0

  constructor(options: CrowdOptions) {
    const { documents, wsUrl, writers = 1 } = options
    this.#options = options
    this.evidence = documents.map(document => new Evidence(document))
    for (const evidence of this.evidence) {
      this.#docs.set(
        evidence,
        [wsUrl].flat().flatMap(url => this.#seat(url, evidence, writers)),
      )
    }
  }

  /** The documents of those who write and read one at one instance. */
  #seat(wsUrl: string, evidence: Evidence, writers: number): Doc[] {
    const docs: Doc[] = []
    for (let writer = 0; writer < writers; writer++) {
      const typist = new Typist({ wsUrl, evidence })
      this.typists.push(typist)
      const stock = stockWriter(wsUrl, evidence)
      this.#stock.push(stock)
      docs.push(typist.doc, stock.doc)
    }
    this.#writing.push(...docs)
    const reader = new Typist({ wsUrl, evidence })
    this.typists.push(reader)
    return [...docs, reader.doc]
  }

  get writers(): number {
    return this.#writing.length
  }

  /** Edits so far, offline ones included. */
  get edits(): number {
    return this.#edits
  }

  /** Edits of each writer in each second in which it typed. */
  get editsPerSecond(): number {
    return this.#edits / this.writers / (this.#typedMs / 1000)
  }

  get allSynced(): boolean {
    return (
      this.typists.every(typist => typist.isSynced) && this.#stock.every(({ provider }) => provider.synced)
    )
  }

  /** For each client the codes with which its connections ended. */
  get endsOfEach(): readonly (readonly number[])[] {
    return [...this.typists, ...this.#stock].map(({ ends }) => ends)
  }

  /** Of all clients. Empty: nobody ever lost a connection. */
  get ends(): readonly number[] {
    return this.endsOfEach.flat()
  }

  /** Nobody has a connection, and nothing more can arrive. */
  get allGone(): boolean {
    return (
      this.typists.every(typist => !typist.isConnected) &&
      this.#stock.every(({ recording }) => recording.open === 0)
    )
  }

  async goOnline(timeoutMs?: number): Promise<void> {
    for (const typist of this.typists) typist.goOnline()
    for (const { provider } of this.#stock) provider.connect()
    await waitUntil(
      'everybody to be synced',
      () => this.allSynced,
      timeoutMs === undefined ? {} : { timeoutMs },
    )
  }

  /** Nobody comes back any more; resolves when all that was under way to them has arrived. */
  async goOffline(): Promise<void> {
    for (const typist of this.typists) typist.goOffline()
    for (const { provider } of this.#stock) provider.disconnect()
    await waitUntil('everybody to be offline', () => this.allGone, { found: () => this.#connections })
  }

  /** For failure messages. */
  get #connections(): unknown {
    return {
      typists: this.typists.map(({ isConnected, isSynced, ends }) => ({
        isConnected,
        isSynced,
        ends: ends.slice(-5),
      })),
      stock: this.#stock.map(({ provider, recording }) => ({
        synced: provider.synced,
        sockets: recording.open,
      })),
    }
  }

  startTyping(): void {
    this.stopTyping()
    const { random, editsPerSecond, lossesPerSecond = 0 } = this.#options
    let lastMs = performance.now()
    let owed = 0
    let nextAsked = 0
    this.#timer = setInterval(() => {
      const nowMs = performance.now()
      const passedMs = Math.min(nowMs - lastMs, catchUpMsMax)
      lastMs = nowMs
      this.#typedMs += passedMs
      owed += (passedMs / 1000) * editsPerSecond
      for (; owed >= 1; owed--) {
        for (const doc of this.#writing) edit(doc, random)
        this.#edits += this.#writing.length
      }
      this.typists[nextAsked++ % this.typists.length]!.ask()
      if (random.fraction() < (passedMs / 1000) * lossesPerSecond) random.pick(this.typists).loseConnection()
    }, tickMs)
  }

  stopTyping(): void {
    clearInterval(this.#timer)
  }

  /** Resolves when every writer that can ask was told that all is saved, and all have the same document. */
  async whenConverged(timeoutMs?: number): Promise<void> {
    await Promise.all(this.typists.map(typist => typist.whenSaved(timeoutMs)))
    await waitUntil('everybody to have the same document', () => this.differing.length === 0, {
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      found: () => this.differing,
    })
  }

  /** The documents of which not everybody has the same. */
  get differing(): string[] {
    return this.evidence.filter(one => !areEqual(this.docsOf(one))).map(({ document }) => document)
  }

  docsOf(evidence: Evidence): readonly Doc[] {
    return this.#docs.get(evidence)!
  }

  [Symbol.dispose](): void {
    this.stopTyping()
    for (const typist of this.typists) typist.destroy()
    for (const { provider, doc } of this.#stock) {
      provider.destroy()
      provider.awareness.destroy()
      doc.destroy()
    }
  }
}

/**
 * Whether all have the same edits and read the same. Delete sets are not compared: Yjs removes redundant formatting as it
 * integrates, each client by itself and differently.
 */
export function areEqual(docs: readonly Doc[]): boolean {
  return new Set(docs.map(contentOf)).size === 1
}

function contentOf(doc: Doc): string {
  const map = Object.entries(doc.getMap('map').toJSON()).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify([[...encodeStateVector(doc)], doc.getText('text').toDelta(), map])
}

function stockWriter(wsUrl: string, evidence: Evidence): StockWriter {
  const doc = new Doc()
  const recording: Recording = { open: 0, onUpdate: update => evidence.deliver(update) }
  const provider = new WebsocketProvider(wsUrl, evidence.document, doc, {
    WebSocketPolyfill: recordingSocket(recording),
    disableBc: true,
    connect: false,
  })
  const ends: number[] = []
  provider.on('connection-close', event => ends.push(event?.code ?? noCode))
  return { doc, provider, recording, ends }
}

/** One edit, as people make them: mostly typing, some deleting, formatting, and values that are overwritten and removed. */
export function edit(doc: Doc, random: Random): void {
  const text = doc.getText('text')
  const kind = random.fraction()
  if (text.length > textLengthMax || (kind < 0.25 && text.length > 0)) {
    const at = random.below(text.length)
    text.delete(at, Math.min(1 + random.below(text.length > textLengthMax ? 100 : 8), text.length - at))
  } else if (kind < 0.75) {
    text.insert(random.below(text.length + 1), random.text(1 + random.below(8)))
  } else if (kind < 0.8 && text.length > 0) {
    const at = random.below(text.length)
    text.format(at, Math.min(5, text.length - at), { bold: random.fraction() < 0.5 ? true : null })
  } else if (kind < 0.95) {
    doc.getMap('map').set(`key ${random.below(keys)}`, random.text(6))
  } else {
    doc.getMap('map').delete(`key ${random.below(keys)}`)
  }
}
