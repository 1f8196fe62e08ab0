/**
 * What honest clients say about documents with text, formats, maps, arrays, nested types, XML, subdocuments, deletions and everybody's
 * presence: the material of which attacks are made.
 */
import fc from 'fast-check'
import * as Y from 'yjs'
import { stepsArbitrary, writeDocument } from '../unit/update/random-document.ts'
import { bytes, type Field, sized, text, uint } from './fields.ts'
import type { Dice } from './mutate.ts'
import { awarenessFields, updateFields, vectorFields } from './update-fields.ts'
import { readModel, writeModel } from './update-model.ts'

/** More documents than this make a run longer and not richer. */
const documentsCount = 60
const updatesMin = 4

export interface WrittenDocument {
  /** In the order of writing. */
  readonly updates: readonly Uint8Array[]
  /** All of it, as one of its authors has it. */
  readonly state: Uint8Array
  /** Every other update of it in one: it has gaps, as what a client brings that has missed something. */
  readonly withGaps: Uint8Array
  readonly vector: Uint8Array
}

export function writeDocuments(seed: number): WrittenDocument[] {
  const documents = fc
    .sample(stepsArbitrary, { seed, numRuns: documentsCount })
    .map(steps => writeDocument(steps))
    .filter(({ updates }) => updates.length >= updatesMin)
    .map(({ docs, updates }) => {
      const [doc] = docs as [Y.Doc]
      for (const update of updates) Y.applyUpdate(doc, update)
      const written = writtenAs(doc, updates)
      for (const one of docs) one.destroy()
      return written
    })
  return [...documents, ...largeDocuments()]
}

/** The last of the written documents are large. */
export const largeCount = 2
const largeDocuments = () => [pastedDocument(), scatteredDocument()]

/** Of the size that is judged in the worker: one paste, then typing into it. */
function pastedDocument(): WrittenDocument {
  return writtenBy(4, target => {
    target.insert(0, 'a paste that is long '.repeat(15_000))
    for (let at = 0; at < 6; at++) target.insert(at * 1_000, 'typed')
    target.delete(500, 20_000)
  })
}

/** Of few bytes, and as many structs as are judged in the worker: every letter was typed before the one before. */
function scatteredDocument(): WrittenDocument {
  return writtenBy(5, (target, doc) => {
    for (let part = 0; part < 5; part++) {
      doc.transact(() => {
        for (let letter = 0; letter < 1_200; letter++) target.insert(0, 'x')
      })
    }
  })
}

function writtenBy(client: number, write: (target: Y.Text, doc: Y.Doc) => void): WrittenDocument {
  const doc = new Y.Doc()
  doc.clientID = client
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  write(doc.getText('text'), doc)
  const written = writtenAs(doc, updates)
  doc.destroy()
  return written
}

function writtenAs(doc: Y.Doc, updates: readonly Uint8Array[]): WrittenDocument {
  return {
    updates,
    state: Y.encodeStateAsUpdate(doc),
    withGaps: Y.mergeUpdates(updates.filter((_, at) => at % 2 === 1)),
    vector: Y.encodeStateVector(doc),
  }
}

/** A message without its framing: the numbers that say what it is, and its body. */
export interface HonestMessage {
  readonly what: string
  readonly head: readonly Field[]
  readonly body: readonly Field[]
}

export type Framing = 'y-websocket' | 'hocuspocus'

const sync = { step1: 0, step2: 1, update: 2 }

/** One of the messages that clients of a framing send. Updates come most often, as they do. */
export function honestMessage(
  framing: Framing,
  { updates, state, withGaps, vector }: WrittenDocument,
  dice: Dice,
): HonestMessage {
  const ofFraming = framing === 'y-websocket' ? yWebsocketOnly : hocuspocusOnly
  switch (dice.roll(12)) {
    case 0:
      return syncMessage('SyncStep1', sync.step1, vectorFields(vector))
    case 1:
    case 2:
      return syncMessage('SyncStep2', sync.step2, updateFields(state))
    case 3:
      return syncMessage('an update with gaps', sync.update, updateFields(withGaps))
    case 4:
    case 5:
      return { what: 'awareness', head: [uint(1)], body: [sized(...awarenessFields(presence(dice)))] }
    case 6:
    case 7:
      return dice.pick(ofFraming)
    default:
      return syncMessage('update', sync.update, updateFields(dice.pick(updates)))
  }
}

function syncMessage(what: string, step: number, body: readonly Field[]): HonestMessage {
  return { what, head: [uint(0), uint(step)], body: [sized(...body)] }
}

const message = (what: string, head: readonly number[], ...body: readonly Field[]): HonestMessage => ({
  what,
  head: head.map(uint),
  body,
})

const queryAwareness = message('the question who is here', [3])
const yWebsocketOnly = [
  queryAwareness,
  message('the question whether it is saved', [102], sized(bytes(Uint8Array.of(1, 2, 3)))),
]
const hocuspocusOnly = [
  queryAwareness,
  message('a token', [2, 0], text('a token')),
  message('a token and a version', [2, 0], text(''), text('4.8.0')),
  message('stateless text', [5], text('{"event":"saved"}')),
  message('the end', [7]),
]

/** Who the honest people of a room are, where everybody has to say it: attackers say that they are these. */
export const honestNames = ['honest 0', 'honest 1'] as const

/** Ids of presence that attackers claim; nobody honest has them. */
const presenceClients = [11, 3_405_691_583, 2 ** 32 - 1]
const states = [
  { user: { name: 'Mallory', color: '#ff0000' } },
  { user: { id: honestNames[0], name: honestNames[1], color: 'teal' }, cursor: null },
  { user: { name: honestNames[0] } },
  { cursor: { anchor: { type: null, tname: 'text', item: { client: 3, clock: 2 }, assoc: 0 } } },
  { list: [1, [2, [3]]], note: 'über "quoted\\" text' },
  // Longer than what is looked at for its depth, with brackets in its text.
  { note: `${'[{"'.repeat(60)}`, deep: [[[[{ a: [] }]]]] },
  {},
  null,
]

function presence(dice: Dice) {
  return Array.from({ length: 1 + dice.roll(3) }, () => ({
    client: dice.pick(presenceClients),
    clock: dice.roll(50),
    json: JSON.stringify(dice.pick(states)),
  }))
}

/** As an honest message, and under the client id of somebody else. */
export function forgedMessage({ updates }: WrittenDocument, client: number, dice: Dice): HonestMessage {
  if (dice.roll(3) === 0) {
    const entry = { client, clock: dice.roll(1_000), json: JSON.stringify(dice.pick(states)) }
    return { what: 'forged awareness', head: [uint(1)], body: [sized(...awarenessFields([entry]))] }
  }
  const model = readModel(dice.pick(updates))
  const [block] = model.blocks
  if (block !== undefined) {
    model.blocks = [{ ...block, client, clock: dice.roll(40) }]
    model.deletes = []
  }
  return syncMessage('a forged update', dice.pick([sync.step2, sync.update]), [bytes(writeModel(model))])
}

/** The fields of a whole frame. `key` names the document where the framing has many. */
export function frameFields(framing: Framing, key: string, { head, body }: HonestMessage): Field[] {
  return [...(framing === 'hocuspocus' ? [text(key)] : []), ...head, ...body]
}
