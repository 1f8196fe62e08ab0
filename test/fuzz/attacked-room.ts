/**
 * Hostile frames through the codecs into a room, without sockets: two honest people are in it, and afterwards somebody comes who has
 * nothing. It says what became of the frames and of the people; what may become of them is the tests' to say.
 */
import type { Room } from '@syncline/server/internal/room/room'
import { documentNameFromPath } from '@syncline/shared/document-name'
import { emptyUpdate } from '@syncline/shared/update/cut'
import { decodeHocuspocus, hocuspocusCodec } from '@syncline/shared/wire/hocuspocus'
import type { Message } from '@syncline/shared/wire/message'
import { yWebsocket } from '@syncline/shared/wire/y-websocket'
import * as Y from 'yjs'
import { TestClock, turn, turnsUntil } from '../support/room-clock.ts'
import { createTestLog } from '../support/room-log.ts'
import { TestMember } from '../support/room-member.ts'
import { documentName, openStage, type RoomStage } from '../support/room-stage.ts'
import type { Batch, FrameCase } from './frame-cases.ts'
import { honestNames, type WrittenDocument } from './honest-messages.ts'
import { HonestPerson, honestClients, honestRoot } from './honest-person.ts'
import { Dice } from './mutate.ts'

export interface Outcome {
  /** Frames that were a message, frames that were none, and attackers that the room closed, by code. */
  readonly decoded: number
  readonly malformed: number
  readonly closed: ReadonlyMap<number, number>
  /** Updates of which something was handed on to everybody. */
  readonly passed: number
  /** Anything that was thrown by us: there should be none. */
  readonly thrown: readonly string[]
  /** Anything that Yjs threw at somebody honest. */
  readonly faults: readonly string[]
  readonly honestTexts: readonly string[]
  readonly expectedText: string
  readonly failed: boolean
  /** Who says that somebody honest is somewhere else. */
  readonly impostors: readonly string[]
}

const nameBytesMax = 512
const attackersCount = 3
const settleTurnsMax = 400

/**
 * Whom frames meet: a room of everybody; one in which everybody has a token and one attacker may only read; one with limits that are soon
 * reached; one whose document was replaced, so that a client id of the attackers' document belongs to what is no more.
 */
export const rooms = ['open', 'vouched', 'narrow', 'replaced'] as const
export type RoomKind = (typeof rooms)[number]

/** Batches take turns. */
export const roomOf = (batch: number): RoomKind => rooms[batch % rooms.length]!

export async function attackRoom({ document, cases }: Batch, kind: RoomKind): Promise<Outcome> {
  const stage = await openRoom(kind, document.updates[0]!)
  const isVouched = kind === 'vouched'
  const people = honestClients.map(
    (client, at) => new HonestPerson(stage.room, { name: honestNames[at]!, client, isVouched }),
  )
  for (const person of people) person.enter()
  const attack = new Attack(stage, isVouched)
  const dice = new Dice(cases[0]!.number)
  await attack.write(document.updates.slice(0, dice.roll(document.updates.length)))
  for (const one of cases) {
    await attack.send(one, document, dice)
    stage.clock.advance(20)
  }
  await turn()
  const expected = people.map(({ name }, round) => `[${name} ${round}]`)
  for (const [at, person] of people.entries()) {
    person.write(expected[at]!)
    await settle(stage, people)
  }
  const fresh = await joinFresh(stage)
  const outcome = {
    ...attack.outcome,
    passed: stage.eventsNamed('updatePassed').filter(({ verdict }) => verdict === 'new').length,
    faults: [...people.flatMap(({ faults }) => faults), ...fresh.faults],
    honestTexts: [...people.map(({ text }) => text), fresh.text],
    expectedText: expected.join(''),
    failed: stage.failed(),
    impostors: isVouched ? people.flatMap(({ impostors }) => impostors) : [],
  }
  for (const person of people) person.leave()
  return outcome
}

const narrow = {
  deleteRangesPerUpdateMax: 2,
  heldRangesMax: 3,
  documentBytesMax: 200_000,
  deleteRangesMax: 60,
}
/** One of the authors of every written document. */
const formerClient = 3

async function openRoom(kind: RoomKind, update: Uint8Array): Promise<RoomStage> {
  if (kind === 'narrow') return openStage({ limits: narrow })
  if (kind !== 'replaced') return openStage()
  const log = createTestLog(new TestClock())
  const former = await openStage({ log })
  void former.room.receive(former.enter('before'), { kind: 'update', update })
  await turnsUntil('the former document to be saved', () => log.appended.length > 0)
  await log.replaceDocument(documentName, null, {
    pieces: [],
    byteVector: emptyVector,
    documentVector: emptyVector,
    catchUp: emptyUpdate,
    lacks: { structs: new Map([[formerClient, [0, 6]]]), deletes: new Map() },
  })
  return openStage({ log })
}

const emptyVector = Uint8Array.of(0)

class Attack {
  readonly #room: Room
  readonly #isVouched: boolean
  readonly #attackers: TestMember[] = []
  readonly #closed = new Map<number, number>()
  readonly #thrown: string[] = []
  #decoded = 0
  #malformed = 0
  #entered = 0

  constructor({ room }: RoomStage, isVouched: boolean) {
    this.#room = room
    this.#isVouched = isVouched
    for (let at = 0; at < attackersCount; at++) this.#attackers.push(this.#enter(at))
  }

  get outcome() {
    return { decoded: this.#decoded, malformed: this.#malformed, closed: this.#closed, thrown: this.#thrown }
  }

  /** What the cases lean on, as whoever wrote it would bring it. */
  async write(updates: readonly Uint8Array[]): Promise<void> {
    for (const update of updates) {
      await this.#room.receive(this.#attackers[1]!, { kind: 'update', update })
      this.#replaceClosed(1)
    }
  }

  /** Some are sent by two at the same time, as two tabs do. */
  async send(one: FrameCase, document: WrittenDocument, dice: Dice): Promise<void> {
    const first = dice.roll(attackersCount)
    const senders = dice.roll(6) === 0 ? [first, (first + 1) % attackersCount] : [first]
    const sending = senders.map(sender => this.#sendAs(sender, one))
    if (dice.roll(20) === 0) {
      // Somebody comes with the whole document, and while a worker may have that, somebody else with a part of it.
      sending.push(this.#bring(document.state, (first + 2) % attackersCount))
      await turn()
      sending.push(this.#bring(dice.pick(document.updates), (first + 1) % attackersCount))
    }
    await Promise.all(sending)
  }

  async #bring(update: Uint8Array, at: number): Promise<void> {
    await this.#room.receive(this.#attackers[at]!, { kind: 'sync-step-2', update })
    this.#replaceClosed(at)
  }

  async #sendAs(at: number, one: FrameCase): Promise<void> {
    const attacker = this.#attackers[at]!
    attacker.wantsStatus = one.framing === 'hocuspocus'
    attacker.takesStateless = attacker.wantsStatus
    try {
      const message = read(one)
      if (message === null) this.#malformed++
      else {
        this.#decoded++
        await this.#room.receive(attacker, message)
      }
    } catch (error) {
      this.#thrown.push(`case ${one.number}: ${error instanceof Error ? error.stack : String(error)}`)
    }
    this.#replaceClosed(at)
  }

  #replaceClosed(at: number): void {
    const attacker = this.#attackers[at]!
    if (attacker.closed === null) return
    const { code } = attacker.closed.code
    this.#closed.set(code, (this.#closed.get(code) ?? 0) + 1)
    this.#attackers[at] = this.#enter(at)
  }

  #enter(at: number): TestMember {
    const member = new TestMember(`attacker ${at}, ${++this.#entered}`)
    if (this.#isVouched) member.identity = { user: { id: `mallory ${at}`, name: null, color: null } }
    if (this.#isVouched && at === 0) member.access = 'read'
    member.onClose = () => this.#room.leave(member, 'lost')
    this.#room.enter(member)
    void this.#room.receive(member, { kind: 'sync-step-1', vector: emptyVector })
    return member
  }
}

/** What a frame says to a room; null where it says nothing. What is written back under its key is built as well. */
function read({ framing, frame }: FrameCase): Message | null {
  if (framing === 'y-websocket') {
    const decoded = yWebsocket.decode(frame)
    return decoded.ok ? decoded.message : null
  }
  const decoded = decodeHocuspocus(frame, nameBytesMax)
  if (decoded.kind === 'key-refused')
    hocuspocusCodec(decoded.key).encode({ kind: 'permission-denied', reason: decoded.reason })
  if (decoded.kind !== 'message') return null
  documentNameFromPath(`/${decoded.document}`, nameBytesMax)
  const { message } = decoded
  const isForConnection = message.kind === 'token' || message.kind === 'close'
  if (!isForConnection) hocuspocusCodec(decoded.key).encode(message)
  return isForConnection ? null : message
}

async function settle({ clock }: RoomStage, people: readonly HonestPerson[]): Promise<void> {
  for (let turns = 0; turns < settleTurnsMax; turns++) {
    clock.advance(10)
    await turn()
    if (turns > 10 && people.every(({ text }) => text === people[0]!.text)) return
  }
}

async function joinFresh(stage: RoomStage) {
  const doc = new Y.Doc()
  const faults: string[] = []
  const member = await stage.join('fresh')
  for (const update of member.documentFrames()) {
    try {
      Y.applyUpdate(doc, update)
    } catch (error) {
      faults.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
    }
  }
  const text = doc.getText(honestRoot).toString()
  doc.destroy()
  stage.room.leave(member, 'closed')
  return { text, faults }
}
