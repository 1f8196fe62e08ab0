/**
 * A client as `y-websocket` is one, or as the provider of Hocuspocus where it counts what is not saved, between its own document
 * and a room, with both ways of the wire as queues that the test empties as it likes: what was written and not yet received, and
 * what was sent and not yet read.
 */
import { Inbound } from '@syncline/server/internal/connection/inbound'
import { closeCodes } from '@syncline/shared/wire/close-codes'
import type { Message } from '@syncline/shared/wire/message'
import * as Y from 'yjs'
import type { Content } from './room-content.ts'
import { createEditor, type Editor } from './room-edits.ts'
import { TestMember } from './room-member.ts'
import { say } from './room-stage.ts'

/** What a client needs of the world around it. */
export interface Wire {
  /** The room's end. */
  receive(client: SimulatedClient, message: Message): void | Promise<void>
  enter(member: TestMember): void
  leave(member: TestMember): void
  sending(client: SimulatedClient, message: Message): void
  closedByRoom(client: SimulatedClient, member: TestMember): void
  wrote(update: Uint8Array): void
}

export type SimulatedClientOptions = Pick<SimulatedClient, 'unreadBytes' | 'counts'>

const inboundLimits = { waitingMessagesMax: 100_000, waitingMessageBytesMax: 1e9 }

export class SimulatedClient {
  readonly name: string
  /** What waits in its socket until it has read everything: none, or so much that a room waits, or skips it. */
  readonly unreadBytes: number
  readonly outbox: Message[] = []
  member: TestMember | null = null
  /** What was in the log when its join began: what it has to have when it is told that it is synced. */
  promised: Content | null = null
  /** It has asked for the document on this connection. What a later resync promises is not told apart from the first. */
  hasAsked = false
  /** The next update that it writes is never sent: a fault, which a later resync repairs. */
  losesNext = false
  /** It wants statuses, and counts by them what is not saved. */
  readonly counts: boolean
  unsaved = 0
  /** What it said in its SyncStep1 that it has, until it answers the room's: up to where for each client. */
  #said: ReadonlyMap<number, number> | null = null
  /** Of each update and SyncStep2 that the room has not answered: what has to be in the log when it does. */
  readonly unanswered: Content[] = []
  editor: Editor
  readonly #wire: Wire
  #inbound: Inbound | null = null
  #connections = 0

  constructor(name: string, options: SimulatedClientOptions, doc: Y.Doc, wire: Wire) {
    this.name = name
    this.unreadBytes = options.unreadBytes
    this.counts = options.counts
    this.#wire = wire
    this.editor = this.#open(doc)
  }

  get doc(): Y.Doc {
    return this.editor.doc
  }

  /** Starts over with another document, as a reloaded page does. */
  replaceDoc(doc: Y.Doc): void {
    this.disconnect()
    this.doc.destroy()
    this.editor = this.#open(doc)
  }

  connect(): void {
    if (this.member !== null) return
    const member = new TestMember(`${this.name} ${++this.#connections}`)
    member.onSend = message => {
      // More than a join waits for, less than what makes a live member lag.
      member.waitingBytes = this.unreadBytes
      this.#wire.sending(this, message)
    }
    member.onClose = () => this.#wire.closedByRoom(this, member)
    member.wantsStatus = this.counts
    this.member = member
    this.#inbound = new Inbound(inboundLimits, {
      deliver: message => this.#wire.receive(this, message),
      overflow: () => member.close(closeCodes.tooMany),
      failed: reason => member.close(closeCodes.overload, reason),
      relieved: () => {},
    })
    this.#wire.enter(member)
    this.#inbound.open()
    this.say({ kind: 'sync-step-1', vector: Y.encodeStateVector(this.doc) })
  }

  /** The connection breaks off: what is on the way in either direction is lost. */
  disconnect(): void {
    const { member } = this
    this.outbox.length = 0
    this.unanswered.length = 0
    this.promised = null
    this.hasAsked = false
    if (member === null) return
    this.member = null
    member.onClose = () => {}
    member.close(closeCodes.goingAway)
    this.#inbound?.clear()
    this.#inbound = null
    this.#wire.leave(member)
  }

  say(message: Message): void {
    if (this.member === null) return
    this.outbox.push(message)
    // As the provider does. What it answers to the room's SyncStep1 is the one of its own.
    if (message.kind === 'sync-step-1') {
      this.unsaved = 1
      this.#said = Y.decodeStateVector(message.vector)
    }
    if (message.kind === 'sync-step-2') this.#said = null
    if (message.kind === 'update') this.unsaved++
  }

  /** Says what others wrote. A provider says and counts what is new to its document, so nothing that it has said that it has. */
  passOn(update: Uint8Array): void {
    const said = this.counts ? this.#said : null
    const { to } = Y.parseUpdateMeta(update)
    const hasAll = to.size > 0 && [...to].every(([client, end]) => end <= (said?.get(client) ?? 0))
    if (!hasAll) this.say(say.update(update))
  }

  /** The oldest message on its way to the room arrives; false if there is none. */
  arrive(): boolean {
    const message = this.outbox.shift()
    if (message === undefined) return false
    this.#inbound?.take(message, 1)
    return true
  }

  /** Reads the oldest message that the room has sent; false if there is none. */
  read(): boolean {
    const message = this.member?.sent.shift()
    if (message === undefined) return false
    if (message.kind === 'sync-step-1') {
      this.say(say.syncStep2(Y.encodeStateAsUpdate(this.doc, message.vector)))
    } else if (message.kind === 'update' || message.kind === 'sync-step-2') {
      Y.applyUpdate(this.doc, message.update, this)
      if (message.kind === 'sync-step-2') this.onSynced()
    } else if (message.kind === 'status' && message.saved) {
      this.unsaved = Math.max(0, this.unsaved - 1)
    }
    if (this.member?.sent.length === 0) this.member.take()
    return true
  }

  onSynced: () => void = () => {}

  #open(doc: Y.Doc): Editor {
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin === this) return
      this.#wire.wrote(update)
      if (this.losesNext) this.losesNext = false
      else this.say(say.update(update))
    })
    return createEditor(doc)
  }
}
