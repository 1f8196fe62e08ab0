/**
 * One room, some clients, a log that commits when it is told to, and the promises, checked at every single message:
 *
 * - what a client is sent is in the log at that moment [LOG-2], and what an acknowledgement speaks for, too [LOG-1];
 * - what the log has already is known to the room, whoever brings it again and in which form [SYNC-2];
 * - a client that counts what is not saved comes to nothing in the end, and is never told more than it said [SYNC-3];
 * - a client that is told that it is synced has everything that was in the log when it asked [SYNC-1];
 * - nothing that honest clients send is refused, and nobody is turned away.
 */
import assert from 'node:assert/strict'
import { Compactor } from '@syncline/server/internal/compaction/compactor'
import { buildBase } from '@syncline/server/internal/compaction/new-base'
import { closeCodes } from '@syncline/shared/wire/close-codes'
import type { Message } from '@syncline/shared/wire/message'
import * as Y from 'yjs'
import { SimulatedClient, type Wire } from './room-client.ts'
import { TestClock, turn } from './room-clock.ts'
import { Content, contentOf } from './room-content.ts'
import { Ledger } from './room-ledger.ts'
import { createTestLog, type TestLog } from './room-log.ts'
import type { TestMember } from './room-member.ts'
import { documentName, openStage, type RoomStage, workersInProcess } from './room-stage.ts'

/** After this many turns in a row in which nothing moves and no worker is at work, nothing will. */
const idleTurns = 3
const turnsMax = 5_000
/** Longer than a room waits at rest before it looks whether its tail is worth compacting. */
const restMs = 31_000
const mib = 1024 * 1024
/** By client: keeps up; is waited for between the frames of a join; keeps up; is skipped. */
const unreadBytes = [0, 0.3 * mib, 0, 2 * mib]
/** Ids as they occur: small, 32 bits, and the 53 bits of Yjs 14. */
const clientIds = [3, 3_405_691_582, 2 ** 53 - 7, 77]

export interface WorldOptions {
  readonly clients: number
  /** The log has a base from the start, without which a small document is never compacted. */
  readonly hasBase: boolean
  readonly pieceBytes: number
}

/** What is counted over all documents of a run. */
export interface Tally {
  documents: number
  replaced: number
  joins: number
  restarts: number
  /** Why compactions failed. */
  failed: string[]
}

export class World implements Wire {
  readonly clock = new TestClock()
  readonly clients: SimulatedClient[] = []
  log: TestLog
  readonly ledger: Ledger
  stage!: RoomStage
  readonly tally: Tally
  readonly #pieceBytes: number
  readonly #tokens = new Map<number, Content>()
  #letBuild: (() => void) | null = null
  #nextId = 1_000
  #nextToken = 0

  private constructor(tally: Tally, pieceBytes: number) {
    this.tally = tally
    this.#pieceBytes = pieceBytes
    this.log = createTestLog(this.clock)
    this.ledger = new Ledger(this.log)
  }

  static async create({ clients, hasBase, pieceBytes }: WorldOptions, tally: Tally): Promise<World> {
    const world = new World(tally, pieceBytes)
    if (hasBase) await world.#putBase()
    await world.#openRoom()
    for (let number = 0; number < clients; number++) {
      // Every second one keeps what it deletes.
      const doc = world.#doc({ gc: number % 2 === 0, id: clientIds[number]! })
      const options = { unreadBytes: unreadBytes[number]!, counts: number % 2 === 1 }
      world.clients.push(new SimulatedClient(`client ${number}`, options, doc, world))
    }
    return world
  }

  /** A document that nobody has written into yet, with an id that nobody has. */
  newDoc(): Y.Doc {
    return this.#doc({ gc: true, id: this.#nextId++ })
  }

  #doc({ gc, id }: { gc: boolean; id: number }): Y.Doc {
    const doc = new Y.Doc({ gc })
    doc.clientID = id
    return doc
  }

  // --- the wire

  enter(member: TestMember): void {
    this.stage.room.enter(member)
  }

  leave(member: TestMember): void {
    this.stage.room.leave(member, 'lost')
  }

  wrote(update: Uint8Array): void {
    this.ledger.written.push(update)
  }

  closedByRoom(client: SimulatedClient, { closed }: TestMember): void {
    // Who is skipped again and again is right to be closed, and comes back.
    if (closed?.code === closeCodes.tooSlow) return client.disconnect()
    const refusal = this.stage.eventsNamed('updateRefused').at(-1)
    const why = `${closed?.code.reason} (${closed?.detail}) ${refusal?.reason}`
    this.ledger.promise(false, () => `${client.name} was closed: ${why}`)
  }

  receive(client: SimulatedClient, message: Message): void | Promise<void> {
    const { room } = this.stage
    const { member } = client
    if (member === null) return
    switch (message.kind) {
      case 'sync-step-1':
        if (!client.hasAsked) client.promised = this.ledger.logged.copy()
        client.hasAsked = true
        client.onSynced = () => this.#checkSynced(client)
        this.tally.joins++
        return room.receive(member, message)
      case 'saved':
        this.#tokens.set(message.token[0]!, this.ledger.accepted.copy())
        return room.receive(member, message)
      case 'update':
      case 'sync-step-2':
        return this.#receiveUpdate(client, member, message)
      default:
        return room.receive(member, message)
    }
  }

  #receiveUpdate(
    client: SimulatedClient,
    member: TestMember,
    message: Message & { update: Uint8Array },
  ): void | Promise<void> {
    const { room, events } = this.stage
    const content = contentOf(message.update)
    const { ledger } = this
    const wasLogged = ledger.logged.has(content)
    const told = events.length
    const promised = ledger.accepted.copy()
    promised.add(content)
    if (client.counts) client.unanswered.push(promised)
    // A room whose process was killed meanwhile accepts nothing any more.
    const accept = () => {
      if (this.stage.room === room) ledger.accept(message.update, content)
    }
    const working = room.receive(member, message)
    if (working !== undefined) return working.then(accept)
    accept()
    const passed = events.slice(told).find(event => event.name === 'updatePassed')
    const isTakenForNew = wasLogged && passed?.verdict !== 'known'
    ledger.promise(!isTakenForNew, () => '[SYNC-2] what the log has already was taken for new')
  }

  sending(client: SimulatedClient, message: Message): void {
    if (message.kind === 'saved') {
      this.ledger.promiseLogged(this.#tokens.get(message.token[0]!)!, '[LOG-1] acknowledged')
    } else if (message.kind === 'update' || message.kind === 'sync-step-2') {
      this.ledger.promiseLogged(contentOf(message.update), `[LOG-2] sent to ${client.name}`)
    } else if (message.kind === 'status') {
      // An answer that the client has not counted has no status: this may then be what an earlier one had to wait for.
      const promised = client.unanswered.shift()
      this.ledger.promise(promised !== undefined, () => `[SYNC-3] ${client.name} is told more than it said`)
      if (promised !== undefined) this.ledger.promiseLogged(promised, '[LOG-1] told as saved')
    }
  }

  /** Asks to be told when everything until now is saved. */
  askSaved(client: SimulatedClient): void {
    this.#nextToken = (this.#nextToken + 1) % 256
    client.say({ kind: 'saved', token: Uint8Array.of(this.#nextToken) })
  }

  #checkSynced(client: SimulatedClient): void {
    const { promised } = client
    if (promised === null) return
    client.promised = null
    const has = new Content()
    has.add(contentOf(Y.encodeStateAsUpdate(client.doc)))
    const lacks = () => `[SYNC-1] ${client.name} is synced and lacks ${has.lacks(promised)}`
    this.ledger.promise(has.has(promised), lacks)
  }

  /** Throws the first promise that was broken, if any was. */
  check(): void {
    this.ledger.check()
    const trouble = this.stage.events.find(event => event.name === 'roomFailed')
    if (trouble !== undefined)
      throw new Error(`the room failed during ${trouble.during}`, { cause: trouble.error })
  }

  // --- time

  /** Lets time pass until the room may compact. With `hold`, the worker is at it until `letBuild`. */
  async rest({ hold }: { hold: boolean }): Promise<void> {
    if (this.stage.room.isBusy || this.#letBuild !== null) return
    if (hold) this.#holdBuild()
    // Who is skipped and takes nothing for so long would be closed; who is waited for in a join is not.
    for (const client of this.clients) if (client.unreadBytes > mib) while (client.read());
    await turn()
    this.clock.advance(restMs)
    this.stage.room.tick()
    await turn()
    if (!this.stage.room.isBusy) this.letBuild()
  }

  #building: Promise<void> = Promise.resolve()

  #holdBuild(): void {
    this.#building = new Promise(resolve => {
      this.#letBuild = resolve
    })
  }

  letBuild(): void {
    this.#letBuild?.()
    this.#letBuild = null
  }

  async commitOne(): Promise<void> {
    this.log.letOne()
    await turn()
  }

  /** Everything that is on its way arrives, everything is committed, everything is read. */
  async settle(): Promise<void> {
    this.letBuild()
    let idle = 0
    for (let turns = 0; idle < idleTurns; turns++) {
      assert(turns < turnsMax, 'clients and room have no end of what they have to say to each other')
      let moved = false
      for (const client of this.clients) while (client.arrive()) moved = true
      await turn()
      while (this.log.letOne()) {
        moved = true
        await turn()
      }
      for (const client of this.clients) while (client.read()) moved = true
      idle = moved || this.#tasks > 0 ? 0 : idle + 1
    }
    const { logged, accepted } = this.ledger
    assert(logged.has(accepted), `accepted and never logged: ${logged.lacks(accepted)}`)
    for (const { name, counts, member, unsaved } of this.clients)
      assert(!counts || member === null || unsaved === 0, `[SYNC-3] ${name} says "unsaved" for ever`)
  }

  // --- the server's process

  /** The server is killed and started again. What it had accepted and not committed is lost, but for `keepHeld` appends. */
  async restart({ keepHeld, afterSwap }: { keepHeld: number; afterSwap: boolean }): Promise<void> {
    this.tally.restarts++
    if (afterSwap) {
      this.log.swapSilently = true
      this.letBuild()
      for (let turns = 0; turns < idleTurns; turns++) await turn()
    }
    for (const client of this.clients) client.disconnect()
    const killed = this.log
    this.log = await killed.kill({ keepHeld })
    this.letBuild()
    this.ledger.reopen(this.log)
    this.#noteCompactions()
    await this.#openRoom()
  }

  async #openRoom(): Promise<void> {
    const { clock, log } = this
    const { inspect, cut, difference, split } = workersInProcess
    const workers: typeof workersInProcess = {
      inspect: (...task) => this.#atWork(inspect(...task)),
      cut: (...task) => this.#atWork(cut(...task)),
      difference: (...task) => this.#atWork(difference(...task)),
      split: (...task) => this.#atWork(split(...task)),
      buildBase: async input => {
        await turn()
        await this.#building
        return buildBase(input, this.#pieceBytes)
      },
    }
    this.stage = await openStage({ clock, log, workers, compactor: new Compactor(log, workers) })
    log.hold()
  }

  #tasks = 0

  async #atWork<T>(task: Promise<T>): Promise<T> {
    this.#tasks++
    try {
      return await task
    } finally {
      this.#tasks--
    }
  }

  #noteCompactions(): void {
    for (const { outcome, reason } of this.stage.eventsNamed('compacted')) {
      if (outcome === 'replaced') this.tally.replaced++
      else this.tally.failed.push(reason ?? outcome)
    }
  }

  /** The end: what the room has said of itself is counted. */
  close(): void {
    for (const client of this.clients) {
      client.disconnect()
      client.doc.destroy()
    }
    this.#noteCompactions()
    this.tally.documents++
  }

  /** Something is in the document from the start, and compacted: see `hasBase`. */
  async #putBase(): Promise<void> {
    const doc = this.#doc({ gc: true, id: 1 })
    doc.getText('text').insert(0, 'begin')
    const update = Y.encodeStateAsUpdate(doc)
    const entry = { kind: 'update', timeMs: 0, authors: [], instance: 'none', nonce: '0'.repeat(16) } as const
    await this.log.append(documentName, 0, [{ ...entry, update }])
    const built = buildBase({ pieces: [], entries: [{ seq: 1, update }] })
    assert(built.ok)
    await this.log.replaceBase(documentName, null, { ...built, through: 1 })
    this.ledger.written.push(update)
    this.ledger.accept(update, contentOf(update))
  }
}
