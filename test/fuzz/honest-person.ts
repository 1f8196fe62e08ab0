/**
 * Somebody honest in a room under attack: a document that editors look at, presence, and a list of everything that Yjs threw.
 */
import type { Room } from '@syncline/server/internal/room/room'
import type { Message } from '@syncline/shared/wire/message'
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { TestMember } from '../support/room-member.ts'
import { impostorsIn } from './impostors.ts'

/** Under which those who are honest write. */
export const honestClients: readonly number[] = [7_001, 7_002]

/** The root type in which honest people write, and no attacker. */
export const honestRoot = 'written by honest people'

const neverMs = 2 ** 30

export class HonestPerson {
  readonly name: string
  readonly doc = new Y.Doc()
  readonly awareness = new Awareness(this.doc)
  readonly member: TestMember
  readonly faults: string[] = []
  /** Whom it was told of who said to be somebody honest, at any moment. */
  readonly impostors: string[] = []
  readonly #room: Room

  constructor(room: Room, { name, client, isVouched }: { name: string; client: number; isVouched: boolean }) {
    this.#room = room
    this.name = name
    this.doc.clientID = client
    // Its timers would hold the process, and renew by a clock that no test sets.
    clearInterval(this.awareness._checkInterval)
    this.awareness.clientID = client
    this.awareness.meta.clear()
    this.awareness.states.clear()
    this.member = new TestMember(name)
    if (isVouched) this.member.identity = { user: { id: name, name, color: 'teal' } }
    this.member.onSend = message => this.#try(() => this.#hear(message))
    this.doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== this) void room.receive(this.member, { kind: 'update', update })
    })
    for (const type of [
      this.doc.getText('text'),
      this.doc.getMap('map'),
      this.doc.getArray('array'),
      this.doc.getXmlFragment('xml'),
    ])
      type.observeDeep(look)
  }

  get text(): string {
    return this.doc.getText(honestRoot).toString()
  }

  enter(): void {
    const { member, awareness } = this
    member.onClose = () => this.#room.leave(member, 'lost')
    this.#room.enter(member)
    void this.#room.receive(member, { kind: 'sync-step-1', vector: Y.encodeStateVector(this.doc) })
    awareness.setLocalState({ user: { id: this.name, name: this.name, color: 'teal' } })
    const said = encodeAwarenessUpdate(awareness, [awareness.clientID])
    void this.#room.receive(member, { kind: 'awareness', awareness: said })
  }

  /** At the end, as typing is: the text of all is the same afterwards, whoever is first. */
  write(text: string): void {
    const target = this.doc.getText(honestRoot)
    this.#try(() => target.insert(target.length, text))
  }

  leave(): void {
    this.#room.leave(this.member, 'closed')
    this.doc.destroy()
  }

  #hear(message: Message): void {
    switch (message.kind) {
      case 'sync-step-1': {
        const update = Y.encodeStateAsUpdate(this.doc, message.vector)
        return void this.#room.receive(this.member, { kind: 'sync-step-2', update })
      }
      case 'sync-step-2':
      case 'update':
        return Y.applyUpdate(this.doc, message.update, this)
      case 'awareness':
        applyAwarenessUpdate(this.awareness, message.awareness, neverMs)
        return void this.impostors.push(...impostorsIn(this.awareness, honestClients))
    }
  }

  #try(act: () => void): void {
    try {
      act()
    } catch (error) {
      this.faults.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
    }
  }
}

function look(events: ReadonlyArray<Y.YEvent<Y.AbstractType<unknown>>>): void {
  for (const event of events) void [event.delta, event.keys, event.changes, event.path]
}
