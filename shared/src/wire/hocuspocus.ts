/**
 * The Hocuspocus framing: varStr key, varUint type, then the body. Speaks to `@hocuspocus/provider` 2.15, 3.4 and 4.8. The key names
 * the document, or one of several sessions of it, so that one socket can carry many; the layout of each message stands at its case
 * below, example bytes are in the tests.
 *
 * Bytes behind a message are refused rather than ignored, as in the y-websocket framing: no provider sends any.
 */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import type { Encoder } from './codec.ts'
import type { Message } from './message.ts'
import { readCommon, writeCommon } from './sync-frame.ts'

const type = { auth: 2, stateless: 5, close: 7, status: 8 } as const
const auth = { token: 0, permissionDenied: 1, authenticated: 2 } as const

/** Frames without a key: they are of one byte, and no others are. */
const pingByte = 9
const pongByte = 10
/** The answer to a ping. */
export const hocuspocusPong = Uint8Array.of(pongByte)

/** Between the name of a document and that of a session, in a key. */
const sessionMark = '\u0000'

export type HocuspocusFrame =
  | { readonly kind: 'message'; readonly key: string; readonly document: string; readonly message: Message }
  | { readonly kind: 'ping' }
  | { readonly kind: 'pong' }
  /** The key names no document that may be opened: its provider is told so, and other documents of the socket go on. */
  | {
      readonly kind: 'key-refused'
      readonly key: string
      readonly reason: string
      readonly message: Message
    }
  /** `reason` is one sentence: what was expected and what came. */
  | { readonly kind: 'malformed'; readonly reason: string }

/** Reads what a provider sends. Never throws; buffers are views into the frame: whoever keeps one longer than the frame copies it. */
export function decodeHocuspocus(frame: Uint8Array, nameBytesMax: number): HocuspocusFrame {
  if (frame.length === 1 && frame[0] === pingByte) return { kind: 'ping' }
  if (frame.length === 1 && frame[0] === pongByte) return { kind: 'pong' }
  try {
    return readFrame(decoding.createDecoder(frame), nameBytesMax)
  } catch {
    return malformed('the frame ends in the middle of a message, or its text is no UTF-8')
  }
}

/** Under which key a message came that is not to be read; null where that cannot be known. */
export function hocuspocusKey(frame: Uint8Array): string | null {
  try {
    const decoder = decoding.createDecoder(frame)
    return decoding.peekVarUint(decoder) > keyBytesMax ? null : decoding.readVarString(decoder)
  } catch {
    return null
  }
}

function readFrame(decoder: decoding.Decoder, nameBytesMax: number): HocuspocusFrame {
  const keyBytes = decoding.peekVarUint(decoder)
  if (keyBytes > keyBytesMax)
    return malformed(`the key of the frame has ${keyBytes} bytes, at most ${keyBytesMax} are read`)
  const key = decoding.readVarString(decoder)
  const message = readMessage(decoder)
  if (typeof message === 'string') return malformed(message)
  if (decoding.hasContent(decoder))
    return malformed('expected one message in a frame, but bytes follow the first')
  const document = documentOf(key)
  const reason = wrongName(document, nameBytesMax)
  return reason === null
    ? { kind: 'message', key, document, message }
    : { kind: 'key-refused', key, reason, message }
}

/** The longest key that is looked at. */
const keyBytesMax = 16 * 1024
const utf8 = new TextEncoder()

function wrongName(document: string, bytesMax: number): string | null {
  if (document.trim() === '') return 'the name of the document is empty'
  const bytes = utf8.encode(document).length
  return bytes <= bytesMax
    ? null
    : `the name of the document has ${bytes} bytes of UTF-8, at most ${bytesMax} are allowed`
}

/** The document that a key is about. */
function documentOf(key: string): string {
  const mark = key.indexOf(sessionMark)
  return mark === -1 ? key : key.slice(0, mark)
}

function readMessage(decoder: decoding.Decoder): Message | string {
  const messageType = decoding.readVarUint(decoder)
  switch (messageType) {
    case type.auth:
      return readToken(decoder)
    case type.stateless: // 05 varStr
      return { kind: 'stateless', payload: decoding.readVarString(decoder) }
    case type.close: // 07, and for servers varStr(reason), which tells nothing that is needed
      if (decoding.hasContent(decoder)) decoding.readVarString(decoder)
      return { kind: 'close' }
    default:
      return (
        readCommon(messageType, decoder) ??
        `message type ${messageType} is not one that a provider sends in the Hocuspocus framing`
      )
  }
}

/** 02 00 varStr(token), and since 4.0 varStr(version of the provider), which tells nothing that is needed. */
function readToken(decoder: decoding.Decoder): Message | string {
  const step = decoding.readVarUint(decoder)
  if (step !== auth.token) return `authentication message ${step} is not one that a provider sends (0 is)`
  const token = decoding.readVarString(decoder)
  if (decoding.hasContent(decoder)) decoding.readVarString(decoder)
  return { kind: 'token', token }
}

/** What the server sends under one key, exactly as the provider wrote it: a frame under any other is dropped without a sound. */
export function hocuspocusCodec(key: string): Encoder {
  return { framing: `hocuspocus ${key}`, encode: message => encode(key, message) }
}

function encode(key: string, message: Message): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarString(encoder, key)
  switch (message.kind) {
    case 'sync-step-1':
    case 'sync-step-2':
    case 'update':
    case 'awareness':
    case 'query-awareness':
      writeCommon(encoder, message)
      break
    case 'token-request': // 02 00 and nothing else: a provider answers with its token
      writeAuth(encoder, auth.token)
      break
    case 'permission-denied': // 02 01 varStr
      writeAuth(encoder, auth.permissionDenied)
      encoding.writeVarString(encoder, message.reason)
      break
    case 'authenticated': // 02 02 varStr
      writeAuth(encoder, auth.authenticated)
      encoding.writeVarString(encoder, message.mayWrite ? 'read-write' : 'readonly')
      break
    case 'stateless': // 05 varStr
      encoding.writeVarUint(encoder, type.stateless)
      encoding.writeVarString(encoder, message.payload)
      break
    case 'status': // 08 varUint
      encoding.writeVarUint(encoder, type.status)
      encoding.writeVarUint(encoder, message.saved ? 1 : 0)
      break
    case 'token':
    case 'close':
    case 'saved':
      throw new Error(`a server sends no ${message.kind} in the Hocuspocus framing`)
  }
  return encoding.toUint8Array(encoder)
}

function writeAuth(encoder: encoding.Encoder, step: number): void {
  encoding.writeVarUint(encoder, type.auth)
  encoding.writeVarUint(encoder, step)
}

function malformed(reason: string): HocuspocusFrame {
  return { kind: 'malformed', reason }
}
