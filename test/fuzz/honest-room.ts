/**
 * Honest people in a document of a real server: two stock clients that write where no attacker does, and a marker that must never be seen
 * by anybody who is in another document.
 */
import { WebSocket } from 'ws'
import * as Y from 'yjs'
import { connectStock, type StockClient } from '../support/stock-client.ts'
import { waitUntil } from '../support/wait-until.ts'
import { honestNames } from './honest-messages.ts'
import { honestClients, honestRoot } from './honest-person.ts'
import { impostorsIn } from './impostors.ts'

const settleMsMax = 60_000

export interface HonestRoomOptions {
  readonly wsUrl: string
  readonly document: string
  /** Empty where nobody has to say who they are. */
  readonly token: (user: string) => Promise<string>
  readonly onBytes: (bytes: Uint8Array) => void
}

export class HonestRoom implements Disposable {
  readonly document: string
  readonly #options: HonestRoomOptions
  /** Whom the people here were told of who said to be one of them, at any moment. */
  readonly impostors: string[] = []
  readonly #people: StockClient[] = []
  #written = ''

  private constructor(options: HonestRoomOptions) {
    this.#options = options
    this.document = options.document
  }

  /** Resolves when both know of each other. */
  static async open(options: HonestRoomOptions, marker: string): Promise<HonestRoom> {
    const room = new HonestRoom(options)
    for (const [at, id] of honestClients.entries()) {
      const doc = new Y.Doc()
      doc.clientID = id
      const person = await room.#connect(honestNames[at]!, doc, { marker })
      person.awareness.on('change', () =>
        room.impostors.push(...impostorsIn(person.awareness, honestClients)),
      )
      room.#people.push(person)
    }
    await room.#all(
      'to be synced and to see each other',
      ({ provider }) => provider.synced && honestClients.every(id => provider.awareness.getStates().has(id)),
    )
    await room.exchange(`${marker} `)
    return room
  }

  /** Each of them writes, and the others have it. */
  async exchange(text: string): Promise<void> {
    for (const person of this.#people) {
      const target = textOf(person)
      target.insert(target.length, text)
      this.#written += text
      await this.#all(
        `to have what was written in ${this.document}`,
        one => textOf(one).toString() === this.#written,
      )
    }
  }

  /** Somebody who has nothing comes, and sees exactly what honest people wrote where only they write. */
  async welcome(): Promise<void> {
    const fresh = await this.#connect('fresh', new Y.Doc(), null)
    try {
      await waitUntil(
        `a newcomer to see what was written in ${this.document}`,
        () => fresh.provider.synced && textOf(fresh).toString() === this.#written,
        { timeoutMs: settleMsMax, found: () => ({ text: textOf(fresh).toString(), ends: fresh.ends }) },
      )
    } finally {
      fresh.destroy()
      fresh.doc.destroy()
    }
  }

  /** How the connections of honest people ended: they should not. */
  get ends() {
    return this.#people.flatMap(({ ends }) => ends)
  }

  [Symbol.dispose](): void {
    for (const person of this.#people) {
      person.destroy()
      person.doc.destroy()
    }
  }

  async #connect(user: string, doc: Y.Doc, awareness: Record<string, unknown> | null): Promise<StockClient> {
    const { wsUrl, document, token, onBytes } = this.#options
    const ofUser = await token(user)
    return connectStock(wsUrl, document, {
      doc,
      awareness,
      socket: listeningSocket(onBytes),
      ...(ofUser === '' ? {} : { params: { token: ofUser } }),
    })
  }

  async #all(what: string, holds: (person: StockClient) => boolean): Promise<void> {
    await waitUntil(`honest people ${what}`, () => this.#people.every(holds), {
      timeoutMs: settleMsMax,
      found: () => this.#people.map(person => ({ text: textOf(person).toString(), ends: person.ends })),
    })
  }
}

const textOf = ({ doc }: StockClient): Y.Text => doc.getText(honestRoot)

function listeningSocket(onBytes: (bytes: Uint8Array) => void): typeof WebSocket {
  return class extends WebSocket {
    constructor(address: string | URL, protocols?: string | string[]) {
      super(address, protocols, { perMessageDeflate: false })
      this.on('message', data => onBytes(new Uint8Array(data as ArrayBuffer)))
    }
  } as typeof WebSocket
}
