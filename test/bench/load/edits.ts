/**
 * What the load generator's people write, and how their edits are found again in whatever a server makes of them.
 *
 * Writer `w` is the Yjs client `firstClient + w` and types eight letters a time at the end of a text of its own; edit
 * `n` is its clocks 8n to 8n+7. So an edit is recognised by (client, clock) in a frame that carries it alone, in one
 * that carries a merge of many, and in a difference. Cursors are the same with awareness clocks.
 *
 * The self-test compares these bytes with what Yjs writes, and what is read here with what Yjs reads.
 */
import { appendVarBytes, appendVarUint, type Bytes } from './varint.ts'

/** Ids with the length that those of real clients have. */
export const firstClient = 0x4000_0000
export const charactersPerEdit = 8

const hasOrigin = 0x80
const hasRightOrigin = 0x40
const hasParentKey = 0x20
const contentString = 4
const contentAny = 8
const anyString = 119

/** The update that Yjs writes when client `firstClient + writer` types eight letters after what it typed before. */
export function typingUpdate(writer: number, edit: number): Uint8Array {
  const client = firstClient + writer
  const clock = edit * charactersPerEdit
  const bytes: Bytes = [1, 1]
  appendVarUint(bytes, client)
  appendVarUint(bytes, clock)
  if (edit === 0) {
    bytes.push(contentString, 1)
    appendVarBytes(bytes, Buffer.from(textName(writer)))
  } else {
    bytes.push(hasOrigin | contentString)
    appendVarUint(bytes, client)
    appendVarUint(bytes, clock - 1)
  }
  appendVarBytes(bytes, Buffer.from(lettersOf(edit)))
  bytes.push(0)
  return Uint8Array.from(bytes)
}

export const largeEditBytes = 10_000

/** The update that Yjs writes when the writer sets an own key of a map to ten thousand letters, in place of the last ones. */
export function largeUpdate(writer: number, edit: number): Uint8Array {
  const client = firstClient + writer
  const bytes: Bytes = [1, 1]
  appendVarUint(bytes, client)
  appendVarUint(bytes, edit)
  if (edit === 0) {
    bytes.push(hasParentKey | contentAny, 1)
    appendVarBytes(bytes, Buffer.from(mapName))
    appendVarBytes(bytes, Buffer.from(textName(writer)))
  } else {
    bytes.push(hasOrigin | hasParentKey | contentAny)
    appendVarUint(bytes, client)
    appendVarUint(bytes, edit - 1)
  }
  const head = [...bytes, 1, anyString]
  appendVarUint(head, largeEditBytes)
  const tail: Bytes = []
  if (edit === 0) tail.push(0)
  else {
    tail.push(1)
    appendVarUint(tail, client)
    tail.push(1)
    appendVarUint(tail, edit - 1)
    tail.push(1)
  }
  const update = new Uint8Array(head.length + largeEditBytes + tail.length).fill(97 + (edit % 26))
  update.set(head)
  update.set(tail, head.length + largeEditBytes)
  return update
}

export const mapName = 'map'

export function textName(writer: number): string {
  return `text ${writer}`
}

export function lettersOf(edit: number): string {
  return `${String(edit % 10_000_000).padStart(charactersPerEdit - 1, 'e')} `
}

/** The awareness update of somebody who moved the cursor for the `move`th time; like what editors send. */
export function cursorUpdate(writer: number, move: number): Uint8Array {
  const at = { type: null, tname: 'text', item: { client: firstClient + writer, clock: move }, assoc: 0 }
  const state = { user: { name: `Person ${writer}`, color: '#30bced' }, cursor: { anchor: at, head: at } }
  const bytes: Bytes = [1]
  appendVarUint(bytes, firstClient + writer)
  appendVarUint(bytes, move + 1)
  appendVarBytes(bytes, Buffer.from(JSON.stringify(state)))
  return Uint8Array.from(bytes)
}

/** Triples of (writer, first edit, edit after the last). */
export type Ranges = number[]

class Reader {
  at = 0
  bytes: Uint8Array = new Uint8Array()

  varUint(): number {
    let value = 0
    let factor = 1
    for (;;) {
      const byte = this.bytes[this.at++]!
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
      factor *= 128
    }
  }

  skipVarUint(): void {
    while (this.bytes[this.at++]! >= 0x80);
  }

  /** The length of what it skips. */
  skipString(): number {
    const length = this.varUint()
    this.at += length
    return length
  }
}

const reader = new Reader()

/**
 * The edits in an update, `clocksPerEdit` clocks each; structs of clients below `firstClient` are skipped. Throws at
 * content that the load generator does not write.
 */
export function editsOf(bytes: Uint8Array, start: number, clocksPerEdit: number): Ranges {
  const ranges: Ranges = []
  reader.bytes = bytes
  reader.at = start
  for (let clients = reader.varUint(); clients > 0; clients--) {
    let structs = reader.varUint()
    const writer = reader.varUint() - firstClient
    let clock = reader.varUint()
    let from = clock
    for (; structs > 0; structs--) {
      const isSkip = (reader.bytes[reader.at]! & 31) === 10
      const length = structLength()
      if (isSkip) {
        addRange(ranges, writer, from, clock, clocksPerEdit)
        from = clock + length
      }
      clock += length
    }
    addRange(ranges, writer, from, clock, clocksPerEdit)
  }
  return ranges
}

function addRange(ranges: Ranges, writer: number, from: number, to: number, clocksPerEdit: number): void {
  if (writer >= 0 && to > from)
    ranges.push(writer, Math.floor(from / clocksPerEdit), Math.floor(to / clocksPerEdit))
}

/** Clocks that the struct takes; the reader stands behind it afterwards. */
function structLength(): number {
  const info = reader.bytes[reader.at++]!
  const content = info & 31
  if (content === 0 || content === 10) return reader.varUint()
  if (info & hasOrigin) {
    reader.skipVarUint()
    reader.skipVarUint()
  }
  if (info & hasRightOrigin) {
    reader.skipVarUint()
    reader.skipVarUint()
  }
  if ((info & (hasOrigin | hasRightOrigin)) === 0) {
    if (reader.varUint() === 1) reader.skipString()
    else {
      reader.skipVarUint()
      reader.skipVarUint()
    }
    if (info & hasParentKey) reader.skipString()
  }
  if (content === 1) return reader.varUint()
  if (content === contentString) return reader.skipString()
  if (content === contentAny) {
    const values = reader.varUint()
    for (let left = values; left > 0; left--) {
      const type = reader.bytes[reader.at++]
      if (type !== anyString) throw new Error(`a value of type ${type} that nobody here writes`)
      reader.skipString()
    }
    return values
  }
  throw new Error(`content of kind ${content} that nobody here writes`)
}

/** The moves in an awareness update: a state covers those before it. */
export function movesOf(bytes: Uint8Array, start: number): Ranges {
  const ranges: Ranges = []
  reader.bytes = bytes
  reader.at = start
  for (let entries = reader.varUint(); entries > 0; entries--) {
    const writer = reader.varUint() - firstClient
    const clock = reader.varUint()
    const isGone = reader.skipString() === 4
    if (writer >= 0 && !isGone) ranges.push(writer, 0, clock)
  }
  return ranges
}
