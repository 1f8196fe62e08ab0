/**
 * The sockets of attackers at a real server: each frame is sent on one that is open, and has been looked at when the answer to a ping
 * comes back or the socket is closed.
 */
import { somePage } from '../support/arrival.ts'
import { connectRaw, frame, type RawClient } from '../support/raw-client.ts'
import { waitUntil } from '../support/wait-until.ts'
import { text, uint, writeFields } from './fields.ts'
import type { FrameCase } from './frame-cases.ts'
import type { Framing } from './honest-messages.ts'

export interface AttackerOptions {
  readonly wsUrl: string
  readonly document: string
  /** Empty where nobody has to say who they are. */
  readonly token: string
  /** Every byte that anybody is sent, and the document that it is about. */
  readonly onBytes: (document: string, bytes: Uint8Array) => void
}

const answerMsMax = 20_000

/** One of them: a socket for each framing, opened again whenever the server has closed it. */
export class Attacker implements Disposable {
  readonly closes: number[] = []
  readonly #options: AttackerOptions
  readonly #open = new Map<Framing, RawClient>()

  constructor(options: AttackerOptions) {
    this.#options = options
  }

  async write(updates: readonly Uint8Array[]): Promise<void> {
    const client = await this.#socket('y-websocket')
    for (const update of updates) client.send(frame.update(update))
    await this.#heard('y-websocket', client)
  }

  async send({ framing, frame: bytes, number }: FrameCase): Promise<void> {
    const client = await this.#socket(framing)
    // A few come as text, which no framing knows.
    client.send(number % 50 === 49 ? Buffer.from(bytes).toString('latin1') : bytes)
    await this.#heard(framing, client)
  }

  [Symbol.dispose](): void {
    for (const client of this.#open.values()) client.terminate()
  }

  async #socket(framing: Framing): Promise<RawClient> {
    const open = this.#open.get(framing)
    if (open !== undefined && open.closed === undefined) return open
    const { wsUrl, document, token, onBytes } = this.#options
    const path = encodeURIComponent(document) + (token === '' ? '' : `?token=${token}`)
    const client = await connectRaw(wsUrl, path)
    client.socket.on('message', (data: Buffer) =>
      onBytes(framing === 'hocuspocus' ? keyOf(data) : document, data),
    )
    this.#open.set(framing, client)
    for (const greeting of framing === 'y-websocket' ? [frame.syncStep1()] : greetings(document, token))
      client.send(greeting)
    return client
  }

  async #heard(framing: Framing, client: RawClient): Promise<void> {
    await answered(client)
    if (client.closed !== undefined) this.closes.push(client.closed.code)
    // A document that is refused on a socket of many stays so until another token comes.
    if (framing === 'hocuspocus' && client.frames.some(({ bytes }) => isDenied(bytes))) client.terminate()
    if (client.closed !== undefined || client.socket.readyState !== client.socket.OPEN)
      this.#open.delete(framing)
  }
}

/** What was sent before has been looked at, or the socket is closed. */
async function answered(client: RawClient): Promise<void> {
  let isAnswered = false
  client.socket.once('pong', () => {
    isAnswered = true
  })
  client.socket.ping()
  await waitUntil('a hostile frame to be looked at', () => isAnswered || client.closed !== undefined, {
    timeoutMs: answerMsMax,
  })
}

/** A page whose token is none says a hostile frame first, before it is known whether it may say anything. */
export async function sendAsStranger(
  {
    wsUrl,
    document,
    onBytes,
  }: Pick<AttackerOptions, 'wsUrl' | 'document'> & {
    readonly onBytes: (bytes: Uint8Array) => void
  },
  { frame: bytes, number }: FrameCase,
): Promise<number | null> {
  // Each with another token: who comes again with the same one is kept waiting.
  const path = `${encodeURIComponent(document)}?token=none-${number}`
  using client = await connectRaw(wsUrl, path, { origin: somePage })
  client.socket.on('message', (data: Buffer) => onBytes(data))
  client.send(bytes)
  await answered(client)
  return client.closed?.code ?? null
}

/** As a provider begins: its token, and SyncStep1. */
function greetings(document: string, token: string): Uint8Array[] {
  return [
    writeFields([text(document), uint(2), uint(0), text(token)]),
    writeFields([text(document), uint(0), uint(0), text('\u0000')]),
  ]
}

/**
 * The document of a Hocuspocus frame: where nobody has to say who they are, a key of which a letter was changed opens another one,
 * and what comes under that key belongs there.
 */
function keyOf(bytes: Uint8Array): string {
  const key = Buffer.from(bytes.subarray(1, 1 + bytes[0]!)).toString()
  return key.split('\u0000', 1)[0]!
}

/** Key, 2, 1, reason. */
function isDenied(bytes: Uint8Array): boolean {
  const behindKey = 1 + bytes[0]!
  return bytes[behindKey] === 2 && bytes[behindKey + 1] === 1
}
