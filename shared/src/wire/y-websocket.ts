/**
 * The y-websocket framing: varUint type, then the body. Speaks to `y-websocket` 3.x, `@y/websocket` 4 and y-sweet's
 * "are we saved" message (102). The layout of each message stands at its case below; example bytes are in the tests.
 *
 * Bytes behind the first message are refused on the way in rather than ignored: no stock client sends any, and a client
 * that does would lose what it wrote there.
 */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import type { Codec } from './codec.ts'
import type { Decoded, Message } from './message.ts'
import { readCommon, writeCommon } from './sync-frame.ts'

const type = { auth: 2, queryAwareness: 3, saved: 102 } as const
const auth = { permissionDenied: 0 } as const

export const yWebsocket: Codec = { framing: 'y-websocket', decode, encode }

function decode(frame: Uint8Array): Decoded {
  try {
    const decoder = decoding.createDecoder(frame)
    const message = readMessage(decoder)
    if (typeof message === 'string') return { ok: false, reason: message }
    if (decoding.hasContent(decoder)) {
      return { ok: false, reason: 'expected one message in a frame, but bytes follow the first' }
    }
    return { ok: true, message }
  } catch {
    return { ok: false, reason: 'the frame ends in the middle of a message' }
  }
}

/** Buffers are views into the frame: whoever keeps one longer than the frame copies it. */
function readMessage(decoder: decoding.Decoder): Message | string {
  const messageType = decoding.readVarUint(decoder)
  // 66 varBuf
  if (messageType === type.saved) return { kind: 'saved', token: decoding.readVarUint8Array(decoder) }
  // y-sweet's has a body without meaning.
  if (messageType === type.queryAwareness) decoder.pos = decoder.arr.length
  return (
    readCommon(messageType, decoder) ??
    `message type ${messageType} is not one that a client sends in the y-websocket framing`
  )
}

function encode(message: Message): Uint8Array {
  const encoder = encoding.createEncoder()
  switch (message.kind) {
    case 'sync-step-1':
    case 'sync-step-2':
    case 'update':
    case 'awareness':
    case 'query-awareness':
      writeCommon(encoder, message)
      break
    case 'permission-denied': // 02 00 varStr
      encoding.writeVarUint(encoder, type.auth)
      encoding.writeVarUint(encoder, auth.permissionDenied)
      encoding.writeVarString(encoder, message.reason)
      break
    case 'token':
    case 'token-request':
    case 'authenticated':
    case 'stateless':
    case 'close':
    case 'status':
      throw new Error(`the y-websocket framing has no ${message.kind}`)
    case 'saved':
      encoding.writeVarUint(encoder, type.saved)
      encoding.writeVarUint8Array(encoder, message.token)
      break
  }
  return encoding.toUint8Array(encoder)
}
