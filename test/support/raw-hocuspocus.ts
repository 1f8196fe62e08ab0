/**
 * A client that speaks frames of the Hocuspocus framing and nothing more: it has no document, keeps every frame that it is sent,
 * and sends any bytes, right or wrong. It decodes by itself, not with the server's codec, so that one mistake there cannot hide in
 * both places.
 */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { type ClientOptions, WebSocket } from 'ws'
import type { Closed } from './raw-client.ts'
import { waitMsDefault, waitUntil, within } from './wait-until.ts'

export type KeyedKind =
  | 'sync-step-1'
  | 'sync-step-2'
  | 'update'
  | 'awareness'
  | 'token-request'
  | 'permission-denied'
  | 'authenticated'
  | 'query-awareness'
  | 'stateless'
  | 'close'
  | 'status'
  | 'ping'
  | 'pong'
  | 'unknown'

export interface KeyedFrame {
  readonly key: string
  readonly kind: KeyedKind
  readonly bytes: Uint8Array
  /** Vector, update or awareness update. */
  readonly body: Uint8Array
  /** Reason, scope, payload, or the number of a status. */
  readonly text: string
}

export interface RawHocuspocus extends Disposable {
  readonly frames: readonly KeyedFrame[]
  readonly socket: WebSocket
  readonly closed: Closed | undefined
  send(frame: Uint8Array | string): void
  /** Token and SyncStep1, as a provider begins. */
  begin(key: string, token?: string): void
  /** Of one key, in order. */
  of(key: string): KeyedFrame[]
  kindsOf(key: string): KeyedKind[]
  waitForFrame(what: string, match: (frame: KeyedFrame) => boolean, timeoutMs?: number): Promise<KeyedFrame>
  waitForClose(timeoutMs?: number): Promise<Closed>
  /** Resolves when the server has heard everything sent before: a ping is answered in its turn. */
  heard(): Promise<void>
  close(): void
}

/** Connects, and resolves when the socket is open. */
export async function connectRawHocuspocus(
  wsUrl: string,
  options: ClientOptions = {},
): Promise<RawHocuspocus> {
  const socket = new WebSocket(wsUrl, { perMessageDeflate: false, ...options })
  const frames: KeyedFrame[] = []
  let closed: Closed | undefined
  socket.binaryType = 'nodebuffer'
  socket.on('message', (data: Buffer) => frames.push(readKeyedFrame(new Uint8Array(data))))
  socket.on('close', (code, reason) => {
    closed = { code, reason: reason.toString() }
  })
  const opened = new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.on('error', reject)
  })
  await within('a raw Hocuspocus client to be connected', opened)
  const found = () => ({ frames: frames.slice(-50).map(({ key, kind, text }) => [key, kind, text]), closed })
  const of = (key: string) => frames.filter(frame => frame.key === key)
  const pongs = () => frames.filter(({ kind }) => kind === 'pong').length
  let pings = 0
  const send = (frame: Uint8Array | string) => {
    if (frame.length === 1 && frame[0] === ping[0]) pings++
    socket.send(frame)
  }
  return {
    frames,
    socket,
    get closed() {
      return closed
    },
    send,
    begin(key, token = '') {
      socket.send(keyed(key).token(token))
      socket.send(keyed(key).syncStep1())
    },
    of,
    kindsOf: key => of(key).map(({ kind }) => kind),
    waitForFrame: (what, match, timeoutMs = waitMsDefault) =>
      waitUntil(what, () => frames.find(match), { timeoutMs, found }),
    waitForClose: (timeoutMs = waitMsDefault) =>
      waitUntil('the server to close the socket', () => closed, { timeoutMs, found }),
    async heard() {
      send(ping)
      const awaited = pings
      await waitUntil('a ping to be answered', () => pongs() >= awaited, { found })
    },
    close: () => socket.close(1000),
    [Symbol.dispose]: () => socket.terminate(),
  }
}

const emptyVector = Uint8Array.of(0)
export const ping = Uint8Array.of(9)
export const pong = Uint8Array.of(10)

/** Frames under one key, built by hand. */
export function keyed(key: string) {
  return {
    syncStep1: (vector: Uint8Array = emptyVector) => build(key, [0, 0, vector]),
    syncStep2: (update: Uint8Array) => build(key, [0, 1, update]),
    update: (update: Uint8Array) => build(key, [0, 2, update]),
    awareness: (update: Uint8Array) => build(key, [1, update]),
    /** With a version as providers since 4.0 send it; null: as those before. */
    token: (token: string, version: string | null = '4.8.0') =>
      build(key, version === null ? [2, 0, token] : [2, 0, token, version]),
    queryAwareness: () => build(key, [3]),
    stateless: (payload: string) => build(key, [5, payload]),
    close: () => build(key, [7]),
    /** Any type and body. */
    any: (...parts: readonly Part[]) => build(key, parts),
  }
}

/** A number, a text or bytes, the latter two with their length before them. */
type Part = number | string | Uint8Array

function build(key: string, parts: readonly Part[]): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarString(encoder, key)
  for (const part of parts) {
    if (typeof part === 'number') encoding.writeVarUint(encoder, part)
    else if (typeof part === 'string') encoding.writeVarString(encoder, part)
    else encoding.writeVarUint8Array(encoder, part)
  }
  return encoding.toUint8Array(encoder)
}

const nothing = new Uint8Array()

/** As a provider reads it: the key, the type, and of what follows only what the type has. */
export function readKeyedFrame(bytes: Uint8Array): KeyedFrame {
  const single = bytes.length === 1 ? { 9: 'ping' as const, 10: 'pong' as const }[bytes[0] ?? 0] : undefined
  if (single !== undefined) return { key: '', kind: single, bytes, body: nothing, text: '' }
  try {
    const decoder = decoding.createDecoder(bytes)
    const key = decoding.readVarString(decoder)
    return { key, bytes, body: nothing, text: '', ...readContent(decoder) }
  } catch {
    return { key: '', kind: 'unknown', bytes, body: nothing, text: '' }
  }
}

function readContent(decoder: decoding.Decoder): Pick<KeyedFrame, 'kind'> & Partial<KeyedFrame> {
  switch (decoding.readVarUint(decoder)) {
    case 0: {
      const steps: readonly KeyedKind[] = ['sync-step-1', 'sync-step-2', 'update']
      const kind = steps[decoding.readVarUint(decoder)] ?? 'unknown'
      return { kind, body: decoding.readVarUint8Array(decoder) }
    }
    case 1:
      return { kind: 'awareness', body: decoding.readVarUint8Array(decoder) }
    case 2: {
      const step = decoding.readVarUint(decoder)
      if (step === 0) return { kind: 'token-request' }
      const kinds: readonly KeyedKind[] = ['unknown', 'permission-denied', 'authenticated']
      return { kind: kinds[step] ?? 'unknown', text: decoding.readVarString(decoder) }
    }
    case 3:
      return { kind: 'query-awareness' }
    case 5:
      return { kind: 'stateless', text: decoding.readVarString(decoder) }
    case 7:
      return { kind: 'close', text: decoding.readVarString(decoder) }
    case 8:
      // A provider reads a signed number.
      return { kind: 'status', text: String(decoding.readVarInt(decoder)) }
    default:
      return { kind: 'unknown' }
  }
}
