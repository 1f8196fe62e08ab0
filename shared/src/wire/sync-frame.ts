/**
 * What both framings say alike (y-protocols): sync messages, awareness and the question for it. A framing adds what comes before.
 */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import type { Message } from './message.ts'

const type = { sync: 0, awareness: 1, queryAwareness: 3 } as const
const sync = { step1: 0, step2: 1, update: 2 } as const

/** An awareness update about nobody: a data frame that no client reacts to, and that feeds every client's watchdog. */
export const awarenessAboutNobody = Uint8Array.of(0)

/** The message behind `messageType`; a sentence where it is malformed, null where the type is none of these. */
export function readCommon(messageType: number, decoder: decoding.Decoder): Message | string | null {
  switch (messageType) {
    case type.sync:
      return readSync(decoder)
    case type.awareness: // 01 varBuf
      return { kind: 'awareness', awareness: decoding.readVarUint8Array(decoder) }
    case type.queryAwareness: // 03
      return { kind: 'query-awareness' }
    default:
      return null
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

/** The messages that both framings have. */
export type CommonMessage = Extract<
  Message,
  { kind: 'sync-step-1' | 'sync-step-2' | 'update' | 'awareness' | 'query-awareness' }
>

export function writeCommon(encoder: encoding.Encoder, message: CommonMessage): void {
  switch (message.kind) {
    case 'sync-step-1':
      return writeSync(encoder, sync.step1, message.vector)
    case 'sync-step-2':
      return writeSync(encoder, sync.step2, message.update)
    case 'update':
      return writeSync(encoder, sync.update, message.update)
    case 'awareness':
      encoding.writeVarUint(encoder, type.awareness)
      return encoding.writeVarUint8Array(encoder, message.awareness)
    case 'query-awareness':
      return encoding.writeVarUint(encoder, type.queryAwareness)
  }
}

function writeSync(encoder: encoding.Encoder, step: number, body: Uint8Array): void {
  encoding.writeVarUint(encoder, type.sync)
  encoding.writeVarUint(encoder, step)
  encoding.writeVarUint8Array(encoder, body)
}
