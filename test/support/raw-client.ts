/**
 * A client that speaks frames of the y-websocket framing and nothing more: it has no document, keeps every frame that it is
 * sent, sends any bytes, right or wrong, and can stop reading. It decodes by itself, not with the server's codec, so that one
 * mistake there cannot hide in both places.
 */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { type ClientOptions, WebSocket } from 'ws'
import { waitMsDefault, waitUntil, within } from './wait-until.ts'

export type FrameKind =
  | 'sync-step-1'
  | 'sync-step-2'
  | 'update'
  | 'awareness'
  | 'permission-denied'
  | 'query-awareness'
  | 'saved'
  | 'unknown'

export interface ReceivedFrame {
  readonly kind: FrameKind
  readonly bytes: Uint8Array
  /** What the message carries: vector, update, awareness update, token. */
  readonly body: Uint8Array
}

export interface Closed {
  readonly code: number
  readonly reason: string
}

export interface RawClient extends Disposable {
  readonly frames: readonly ReceivedFrame[]
  readonly socket: WebSocket
  /** Set once the socket is closed. */
  readonly closed: Closed | undefined
  send(frame: Uint8Array | string): void
  /** What arrives from now on stays in the operating system's buffers, then in the server's. */
  stopReading(): void
  startReading(): void
  waitForFrame(
    what: string,
    match: (frame: ReceivedFrame) => boolean,
    timeoutMs?: number,
  ): Promise<ReceivedFrame>
  waitForClose(timeoutMs?: number): Promise<Closed>
  /** A close with a goodbye, code 1000. */
  close(): void
  /** The TCP connection ends without a close frame. */
  terminate(): void
}

const emptyVector = Uint8Array.of(0)

/** Connects, and resolves when the socket is open. */
export async function connectRaw(
  wsUrl: string,
  room: string,
  { protocols = [], ...options }: ClientOptions & { protocols?: string[] } = {},
): Promise<RawClient> {
  const socket = new WebSocket(`${wsUrl}/${room}`, protocols, { perMessageDeflate: false, ...options })
  const frames: ReceivedFrame[] = []
  let closed: Closed | undefined
  socket.binaryType = 'nodebuffer'
  socket.on('message', (data: Buffer) => frames.push(readFrame(new Uint8Array(data))))
  socket.on('close', (code, reason) => {
    closed = { code, reason: reason.toString() }
  })
  const opened = new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.on('error', reject)
  })
  await within('a raw client to be connected', opened)
  const kinds = () => frames.slice(-50).map(frame => frame.kind)
  return {
    frames,
    socket,
    get closed() {
      return closed
    },
    send: frame => socket.send(frame),
    stopReading: () => socket.pause(),
    startReading: () => socket.resume(),
    waitForFrame: (what, match, timeoutMs = waitMsDefault) =>
      waitUntil(what, () => frames.find(match), { timeoutMs, found: () => ({ frames: kinds(), closed }) }),
    waitForClose: (timeoutMs = waitMsDefault) =>
      waitUntil('the server to close the socket', () => closed, { timeoutMs, found: kinds }),
    close: () => socket.close(1000),
    terminate: () => socket.terminate(),
    [Symbol.dispose]: () => socket.terminate(),
  }
}

/** Frames of the y-websocket framing, built by hand. */
export const frame = {
  syncStep1: (vector: Uint8Array = emptyVector) => build([0, 0], vector),
  syncStep2: (update: Uint8Array) => build([0, 1], update),
  update: (update: Uint8Array) => build([0, 2], update),
  awareness: (update: Uint8Array) => build([1], update),
  /** Asks for the acknowledgement: echoed as it is once everything before it is saved. */
  saved: (token: Uint8Array) => build([102], token),
  /** An awareness frame of one client; state null means gone. */
  presence: (client: number, clock: number, state: unknown) =>
    build([1], awarenessUpdate([{ client, clock, json: JSON.stringify(state) }])),
}

export interface AwarenessEntry {
  readonly client: number
  readonly clock: number
  readonly json: string
}

export function awarenessUpdate(entries: readonly AwarenessEntry[]): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, entries.length)
  for (const { client, clock, json } of entries) {
    encoding.writeVarUint(encoder, client)
    encoding.writeVarUint(encoder, clock)
    encoding.writeVarString(encoder, json)
  }
  return encoding.toUint8Array(encoder)
}

export function readAwareness(update: Uint8Array): AwarenessEntry[] {
  const decoder = decoding.createDecoder(update)
  const entries: AwarenessEntry[] = []
  for (let left = decoding.readVarUint(decoder); left > 0; left--) {
    entries.push({
      client: decoding.readVarUint(decoder),
      clock: decoding.readVarUint(decoder),
      json: decoding.readVarString(decoder),
    })
  }
  return entries
}

function build(head: readonly number[], body: Uint8Array): Uint8Array {
  const encoder = encoding.createEncoder()
  for (const part of head) encoding.writeVarUint(encoder, part)
  encoding.writeVarUint8Array(encoder, body)
  return encoding.toUint8Array(encoder)
}

function readFrame(bytes: Uint8Array): ReceivedFrame {
  const nothing = new Uint8Array()
  try {
    const decoder = decoding.createDecoder(bytes)
    const kind = readKind(decoder)
    const hasBody = kind !== 'unknown' && decoding.hasContent(decoder)
    return { kind, bytes, body: hasBody ? decoding.readVarUint8Array(decoder) : nothing }
  } catch {
    return { kind: 'unknown', bytes, body: nothing }
  }
}

function readKind(decoder: decoding.Decoder): FrameKind {
  switch (decoding.readVarUint(decoder)) {
    case 0: {
      const steps: readonly FrameKind[] = ['sync-step-1', 'sync-step-2', 'update']
      return steps[decoding.readVarUint(decoder)] ?? 'unknown'
    }
    case 1:
      return 'awareness'
    case 2:
      return decoding.readVarUint(decoder) === 0 ? 'permission-denied' : 'unknown'
    case 3:
      return 'query-awareness'
    case 102:
      return 'saved'
    default:
      return 'unknown'
  }
}
