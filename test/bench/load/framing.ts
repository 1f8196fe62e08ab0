/**
 * The two framings in which the measured servers speak, as a client sees them; written by hand from their description, not
 * with anybody's codec. A message is read in place: the reader says where the body lies.
 */
import { appendVarBytes, type Bytes, readVarUint, varUintEnd } from './varint.ts'

/** `mixed`: every second person of a room speaks one of the two, and the others the other. */
export type FramingName = 'relay' | 'y-websocket' | 'hocuspocus' | 'mixed'

export type MessageKind = 'sync-step-1' | 'sync-step-2' | 'update' | 'awareness' | 'denied' | 'other'

export interface Framing {
  readonly name: FramingName
  path(room: string): string
  /** What a client with an empty document sends when its socket is open; none where nobody would answer. */
  opening(room: string): Uint8Array[]
  /** The answer to the server's SyncStep1 of a client that has nothing to tell. */
  nothingToTell(room: string): Uint8Array
  update(room: string, update: Uint8Array): Uint8Array
  awareness(room: string, awareness: Uint8Array): Uint8Array
  /** Reads one message; where its body lies is in `bodyStart` and `bodyEnd`. */
  read(bytes: Buffer, start: number, end: number): MessageKind
  bodyStart: number
  bodyEnd: number
}

const emptyVector = [0]
const emptyUpdate = [0, 0]
const authenticationToken = 0
const authentication = { denied: 1 } as const

function message(head: readonly number[], body: ArrayLike<number>): Uint8Array {
  const bytes: Bytes = [...head]
  appendVarBytes(bytes, body)
  return Uint8Array.from(bytes)
}

class YWebsocketFraming implements Framing {
  readonly name: FramingName
  bodyStart = 0
  bodyEnd = 0

  constructor(name: FramingName) {
    this.name = name
  }

  path(room: string): string {
    return `/${room}`
  }

  opening(): Uint8Array[] {
    return this.name === 'relay' ? [] : [message([0, 0], emptyVector)]
  }

  nothingToTell(): Uint8Array {
    return message([0, 1], emptyUpdate)
  }

  update(_room: string, update: Uint8Array): Uint8Array {
    return message([0, 2], update)
  }

  awareness(_room: string, awareness: Uint8Array): Uint8Array {
    return message([1], awareness)
  }

  read(bytes: Buffer, start: number, _end: number): MessageKind {
    return readFromType(this, bytes, start)
  }
}

class HocuspocusFraming implements Framing {
  readonly name = 'hocuspocus'
  bodyStart = 0
  bodyEnd = 0

  path(): string {
    return '/'
  }

  opening(room: string): Uint8Array[] {
    return [message([...key(room), 2, authenticationToken], []), message([...key(room), 0, 0], emptyVector)]
  }

  nothingToTell(room: string): Uint8Array {
    return message([...key(room), 0, 1], emptyUpdate)
  }

  update(room: string, update: Uint8Array): Uint8Array {
    return message([...key(room), 0, 2], update)
  }

  awareness(room: string, awareness: Uint8Array): Uint8Array {
    return message([...key(room), 1], awareness)
  }

  read(bytes: Buffer, start: number, end: number): MessageKind {
    if (end - start < 2) return 'other'
    const type = varUintEnd(bytes, start) + readVarUint(bytes, start)
    if (bytes[type] === 2) return bytes[type + 1] === authentication.denied ? 'denied' : 'other'
    return bytes[type]! > 1 ? 'other' : readFromType(this, bytes, type)
  }
}

function key(room: string): Bytes {
  const bytes: Bytes = []
  appendVarBytes(bytes, Buffer.from(room))
  return bytes
}

function readFromType(framing: Framing, bytes: Buffer, at: number): MessageKind {
  const type = bytes[at]!
  const step = bytes[at + 1]!
  if (type > 1 || (type === 0 && step > 2)) return type === 2 ? 'denied' : 'other'
  const lengthAt = type === 0 ? at + 2 : at + 1
  framing.bodyStart = varUintEnd(bytes, lengthAt)
  framing.bodyEnd = framing.bodyStart + readVarUint(bytes, lengthAt)
  if (type === 1) return 'awareness'
  return step === 0 ? 'sync-step-1' : step === 1 ? 'sync-step-2' : 'update'
}

/** One for each person in turn. */
export function framingsOf(name: FramingName): readonly Framing[] {
  return name === 'mixed' ? [framingOf('y-websocket'), framingOf('hocuspocus')] : [framingOf(name)]
}

export function framingOf(name: FramingName): Framing {
  return name === 'hocuspocus' ? new HocuspocusFraming() : new YWebsocketFraming(name)
}
