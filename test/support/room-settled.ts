/**
 * What has to be true at the end of a random document, when everybody has come back and nobody writes any more.
 */
import assert from 'node:assert/strict'
import { deleteSetUpdate } from '@syncline/shared/update/cut'
import { equalClientRanges } from '@syncline/shared/update/ranges'
import * as Y from 'yjs'
import { content } from '../unit/update/random-document.ts'
import { turn } from './room-clock.ts'
import { Content, contentOf } from './room-content.ts'
import { TestMember } from './room-member.ts'
import { type Remembered, subset } from './room-script.ts'
import { documentName } from './room-stage.ts'
import type { World } from './room-world.ts'

/** Rounds in which everybody reconnects until nobody has anything to say: the deletes that Yjs makes while integrating. */
const roundsMax = 6
/** Sealed at whichever comes first: as the tail does it. */
const chunkWindowsMax = 64
const chunkBytesMax = 256 * 1024
/** A join of some hundred pieces, each of which takes the worker a turn. */
const probeTurnsMax = 2_000
const shownCharactersMax = 2_000
/** The head of a frame and of the update in it. */
const frameOverheadBytes = 64

export interface Ending {
  readonly remembered: Remembered
  readonly compactsFirst: boolean
}

export async function checkSettled(world: World, { remembered, compactsFirst }: Ending): Promise<void> {
  for (const client of world.clients) client.losesNext = false
  await world.settle()
  if (compactsFirst) await world.rest({ hold: false })
  await reconnectUntilQuiet(world)
  const reference = makeReference(world)
  expectAllEqual(world, reference)
  for (let number = 0; number < 3; number++) await probe(world, reference, someState(world, number))

  await world.rest({ hold: false })
  await world.settle()
  await reconnectUntilQuiet(world)
  await expectSilentReturns(world)

  await world.restart({ keepHeld: 0, afterSwap: false })
  world.check()
  await probe(world, reference, undefined)
  for (const state of remembered) await expectFairPrice(world, await probe(world, reference, state), state)
  await expectSilentReturns(world)
  expectAllEqual(world, reference)
}

/** Everybody comes back until nobody brings anything. */
async function reconnectUntilQuiet(world: World): Promise<void> {
  for (let round = 1; ; round++) {
    const entries = world.log.appended.length
    for (const client of world.clients) {
      client.disconnect()
      client.connect()
      await world.settle()
      world.check()
    }
    if (world.log.appended.length === entries) return
    assert(round < roundsMax, 'those who come back bring something new each time')
  }
}

/** [SYNC-2] Who comes back with what we have costs nothing: no entry, and no document frame to anybody else. */
async function expectSilentReturns(world: World): Promise<void> {
  for (const client of world.clients) client.connect()
  await world.settle()
  const entries = world.log.appended.length
  for (const client of world.clients) {
    client.disconnect()
    const others = world.clients.filter(other => other !== client).map(other => other.member!)
    let frames = 0
    for (const member of others) {
      const { onSend } = member
      member.onSend = message => {
        if ('update' in message) frames++
        onSend(message)
      }
    }
    client.connect()
    await world.settle()
    assert.equal(
      world.log.appended.length,
      entries,
      `[SYNC-2] ${client.name} came back and something was logged`,
    )
    assert.equal(frames, 0, `[SYNC-2] ${client.name} came back and the others were sent something`)
  }
  world.check()
}

/** A document that got every update that was ever accepted, as it came. */
function makeReference(world: World): Y.Doc {
  const reference = new Y.Doc()
  for (const update of world.ledger.originals) Y.applyUpdate(reference, update)
  return reference
}

function expectAllEqual(world: World, reference: Y.Doc): void {
  for (const client of world.clients) expectEqual(client.name, client.doc, reference)
  const stored = contentOf(Y.encodeStateAsUpdate(reference))
  assert(
    equalClientRanges(world.ledger.logged.structs, stored.structs),
    'the log has other structs than the reference',
  )
}

function expectEqual(name: string, doc: Y.Doc, reference: Y.Doc): void {
  const [has, should] = [show(content(doc)), show(content(reference))]
  if (has !== should)
    assert.fail(`${name} has another content than the reference: ${difference(has, should)}`)
  const [ours, theirs] = [contentOf(Y.encodeStateAsUpdate(doc)), contentOf(Y.encodeStateAsUpdate(reference))]
  assert(equalClientRanges(ours.structs, theirs.structs), `${name} has other structs than the reference`)
  const deletes = new Content()
  deletes.add(ours)
  assert(
    deletes.has({ structs: new Map(), deletes: theirs.deletes }),
    `${name} lacks deletes of the reference`,
  )
}

/** Repetitions are counted, so that a long text can be read. */
function show(value: unknown): string {
  return JSON.stringify(value).replace(/(..?)\1{9,}/gu, (all, unit) => `${unit}×${all.length / unit.length}`)
}

function difference(has: string, should: string): string {
  return `\n${has.slice(0, shownCharactersMax)}\ninstead of\n${should.slice(0, shownCharactersMax)}`
}

interface Probe {
  readonly frames: readonly Uint8Array[]
}

/** Somebody comes with a state of any kind, is told that it is synced, and then has everything. */
async function probe(world: World, reference: Y.Doc, state: Uint8Array | undefined): Promise<Probe> {
  const doc = new Y.Doc()
  if (state !== undefined) Y.applyUpdate(doc, state)
  const member = new TestMember('probe')
  const { room } = world.stage
  room.enter(member)
  room.receive(member, { kind: 'sync-step-1', vector: Y.encodeStateVector(doc) })
  for (let turns = 0; turns < probeTurnsMax && !member.kinds().includes('sync-step-1'); turns++) await turn()
  const end = member.sent.findIndex(message => message.kind === 'sync-step-2')
  assert(end >= 0, 'a newcomer is never told that it is synced')
  const frames = member.sent
    .slice(0, end + 1)
    .flatMap(message => ('update' in message ? [message.update] : []))
  for (const update of frames) Y.applyUpdate(doc, update)
  room.leave(member, 'lost')
  const has = new Content()
  has.add(contentOf(Y.encodeStateAsUpdate(doc)))
  assert(
    has.has(world.ledger.logged),
    `[SYNC-1] a newcomer is synced and lacks ${has.lacks(world.ledger.logged)}`,
  )
  if (state === undefined) expectEqual('a newcomer', doc, reference)
  doc.destroy()
  return { frames }
}

/** [SYNC-2] At most 1.2 × the exact difference, the delete set, and one chunk. */
async function expectFairPrice(world: World, { frames }: Probe, state: Uint8Array): Promise<void> {
  const { stored, chunkMax } = await readStored(world)
  const doc = new Y.Doc()
  Y.applyUpdate(doc, state)
  const exact = Y.diffUpdate(Y.mergeUpdates(stored), Y.encodeStateVector(doc)).byteLength
  doc.destroy()
  const deletes = deleteSetUpdate(world.ledger.logged.deletes).byteLength
  const price = frames.reduce((sum, frame) => sum + frame.byteLength, 0)
  const fair = 1.2 * exact + deletes + chunkMax + frames.length * frameOverheadBytes
  assert(price <= fair, `[SYNC-2] ${price} bytes were sent for ${exact}; ${fair} would be fair`)
}

/** What is stored, and how large the largest chunk of a room is that has just read it. */
async function readStored(world: World): Promise<{ stored: Uint8Array[]; chunkMax: number }> {
  const { base } = await world.log.load(documentName)
  const stored: Uint8Array[] = []
  for (let number = 0; number < (base?.pieces ?? 0); number++) {
    stored.push((await world.log.readPiece(documentName, base!.generation, number)) as Uint8Array)
  }
  const entries = await world.log.readEntries(documentName, base?.through ?? 0, Number.MAX_SAFE_INTEGER)
  const chunks = [0]
  let windows = 0
  for (const { update } of entries) {
    stored.push(update)
    chunks[chunks.length - 1]! += update.byteLength
    if (++windows < chunkWindowsMax && chunks.at(-1)! < chunkBytesMax) continue
    chunks.push(0)
    windows = 0
  }
  return { stored, chunkMax: Math.max(...chunks) }
}

/** What somebody might have who once was here: nothing, a part with holes, or what a client has written alone. */
function someState(world: World, number: number): Uint8Array | undefined {
  const some = number === 0 ? [] : subset(world.ledger.originals, number * 13)
  return some.length === 0 ? undefined : Y.mergeUpdates(some)
}
