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

const type = { sync: 0, awareness: 1, auth: 2, queryAwareness: 3, saved: 102 } as const
const sync = { step1: 0, step2: 1, update: 2 } as const
const auth = { permissionDenied: 0 } as const

/** An awareness update about nobody: a data frame that no client reacts to, and that feeds every client's watchdog. */
export const awarenessAboutNobody = Uint8Array.of(0)

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
  switch (messageType) {
    case type.sync:
      return readSync(decoder)
    case type.awareness: // 01 varBuf
      return { kind: 'awareness', awareness: decoding.readVarUint8Array(decoder) }
    case type.queryAwareness: // 03, and a body without meaning from y-sweet
      decoder.pos = decoder.arr.length
      return { kind: 'query-awareness' }
    case type.saved: // 66 varBuf
      return { kind: 'saved', token: decoding.readVarUint8Array(decoder) }
    default:
      return `message type ${messageType} is not one that a client sends in the y-websocket framing`
  }
}

function readSync(decoder: decoding.Decoder): Message | string {
  const step = decoding.readVarUint(decoder)
  switch (step) {
    case sync.step1: // 00 00 varBuf(state vector)
      return { kind: 'sync-step-1', vector: decoding.readVarUint8Array(decoder) }
    case sync.step2: // 00 01 varBuf(update)
      return { kind: 'sync-step-2', update: decoding.readVarUint8Array(decoder) }
    case sync.update: // 00 02 varBuf(update)
      return { kind: 'update', update: decoding.readVarUint8Array(decoder) }
    default:
      return `sync message ${step} does not exist (0, 1 and 2 do)`
  }
}

function encode(message: Message): Uint8Array {
  const encoder = encoding.createEncoder()
  switch (message.kind) {
    case 'sync-step-1':
      writeSync(encoder, sync.step1, message.vector)
      break
    case 'sync-step-2':
      writeSync(encoder, sync.step2, message.update)
      break
    case 'update':
      writeSync(encoder, sync.update, message.update)
      break
    case 'awareness':
      encoding.writeVarUint(encoder, type.awareness)
      encoding.writeVarUint8Array(encoder, message.awareness)
      break
    case 'query-awareness':
      encoding.writeVarUint(encoder, type.queryAwareness)
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

function writeSync(encoder: encoding.Encoder, step: number, body: Uint8Array): void {
  encoding.writeVarUint(encoder, type.sync)
  encoding.writeVarUint(encoder, step)
  encoding.writeVarUint8Array(encoder, body)
}
