/**
 * Two honest people with stock clients in one document, of whom one types and the other reads, and how long each edit takes from one to
 * the other.
 */
import type { WebSocket } from 'ws'
import { connectStock, type StockClient } from './stock-client.ts'
import { waitUntil } from './wait-until.ts'

const editIntervalMs = 10
const arrivalMsMax = 30_000

export interface PeopleOptions {
  readonly wsUrl: string
  readonly document: string
  /** Empty where nobody asks for one. */
  readonly token: string
  readonly socket: new (address: string | URL, protocols?: string | string[]) => WebSocket
}

export class HonestPeople implements Disposable {
  readonly #document: string
  readonly #writer: StockClient
  readonly #reader: StockClient
  /** When each edit was made that has not arrived, by its number. */
  readonly #underWay = new Map<number, number>()
  #edits = 0
  #tookMs: number[] = []

  constructor({ wsUrl, document, token, socket }: PeopleOptions) {
    const options = { socket, ...(token === '' ? {} : { params: { token } }) }
    this.#document = document
    this.#writer = connectStock(wsUrl, document, options)
    this.#reader = connectStock(wsUrl, document, options)
    const edits = this.#reader.doc.getMap<number>('edits')
    edits.observe(() => this.#arrived(edits.get('last') ?? 0))
  }

  async synced(): Promise<void> {
    await Promise.all([this.#writer.synced(), this.#reader.synced()])
  }

  /** Codes with which a connection of theirs ended: there should be none. */
  get ends(): readonly unknown[] {
    return [...this.#writer.ends, ...this.#reader.ends]
  }

  /** Types until `done`, and until everything has arrived: the milliseconds that each edit took. */
  async typeDuring(done: Promise<unknown>): Promise<readonly number[]> {
    this.#tookMs = []
    const edits = this.#writer.doc.getMap<number>('edits')
    const timer = setInterval(() => {
      this.#underWay.set(++this.#edits, performance.now())
      edits.set('last', this.#edits)
    }, editIntervalMs)
    await done.finally(() => clearInterval(timer))
    await waitUntil(`all edits to arrive in ${this.#document}`, () => this.#underWay.size === 0, {
      timeoutMs: arrivalMsMax,
      found: () => ({ underWay: this.#underWay.size, ends: this.ends }),
    })
    return this.#tookMs
  }

  #arrived(last: number): void {
    const nowMs = performance.now()
    for (const [edit, madeMs] of this.#underWay) {
      if (edit > last) return
      this.#underWay.delete(edit)
      this.#tookMs.push(nowMs - madeMs)
    }
  }

  [Symbol.dispose](): void {
    this.#writer.destroy()
    this.#reader.destroy()
  }
}
