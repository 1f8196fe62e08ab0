/**
 * Clients with their own Awareness around one room, which do with what they hear what `y-websocket` does (also that they send on
 * every change, others' included).
 */
import type { Identity } from '@syncline/server/internal/room/member'
import type { Room } from '@syncline/server/internal/room/room'
import {
  Awareness,
  applyAwarenessUpdate,
  encodeAwarenessUpdate,
  removeAwarenessStates,
} from 'y-protocols/awareness'
import * as Y from 'yjs'
import { turn } from './room-clock.ts'
import { TestMember } from './room-member.ts'
import { openStage, type RoomStage } from './room-stage.ts'

const open: PresenceClient[] = []

/** To be called after each test: an Awareness has a timer. */
export function forgetClients(): void {
  for (const client of open.splice(0)) client.awareness.destroy()
}

export class PresenceClient {
  readonly awareness: Awareness
  readonly #room: Room
  readonly #identity: Identity | null
  member: TestMember | null = null
  framesSent = 0
  #connections = 0

  constructor(client: number, room: Room, identity: Identity | null = null) {
    const doc = new Y.Doc()
    doc.clientID = client
    this.awareness = new Awareness(doc)
    this.#room = room
    this.#identity = identity
    open.push(this)
    type Changes = Record<'added' | 'updated' | 'removed', number[]>
    this.awareness.on('update', ({ added, updated, removed }: Changes) =>
      this.#tell([...added, ...updated, ...removed]),
    )
  }

  get id(): number {
    return this.awareness.clientID
  }

  /** Whom it sees, by their states' names. */
  get sees(): Record<number, unknown> {
    const others = [...this.awareness.getStates()].filter(([client]) => client !== this.id)
    return Object.fromEntries(others.map(([client, state]) => [client, state.name]))
  }

  async connect(): Promise<void> {
    this.member = new TestMember(`client ${this.id}, connection ${++this.#connections}`)
    this.member.identity = this.#identity
    this.#room.enter(this.member)
    this.#room.receive(this.member, { kind: 'sync-step-1', vector: Uint8Array.of(0) })
    if (this.awareness.getLocalState() !== null) this.#tell([this.id])
    await turn()
  }

  /** The page is closed: it says goodbye. */
  close(): void {
    removeAwarenessStates(this.awareness, [this.id], 'window unload')
    this.#leave('closed')
  }

  /** The line breaks: nobody says anything, and what it knew of others is dropped, as the provider does it. */
  lose(): void {
    this.#leave('lost')
    const others = [...this.awareness.getStates().keys()].filter(client => client !== this.id)
    removeAwarenessStates(this.awareness, others, this)
  }

  /** Reads what it was sent; false if there was nothing. */
  read(): boolean {
    const messages = this.member?.news() ?? []
    for (const message of messages) {
      if (message.kind === 'awareness') applyAwarenessUpdate(this.awareness, message.awareness, this)
    }
    return messages.length > 0
  }

  /** As the timer of y-protocols does it every 15 s. */
  renew(): void {
    this.awareness.setLocalState(this.awareness.getLocalState())
  }

  #tell(clients: number[]): void {
    if (this.member === null) return
    this.framesSent++
    const awareness = encodeAwarenessUpdate(this.awareness, clients)
    this.#room.receive(this.member, { kind: 'awareness', awareness })
  }

  #leave(how: 'closed' | 'lost'): void {
    const { member } = this
    this.member = null
    if (member !== null) this.#room.leave(member, how)
  }
}

export interface People extends RoomStage {
  readonly clients: PresenceClient[]
  /** Everybody reads and answers until nobody has anything more to say. */
  settle(): Promise<void>
}

export function gather(...names: readonly string[]): Promise<People> {
  return gatherWith(names.map(name => ({ state: { name }, identity: null })))
}

export async function gatherWith(
  people: readonly { readonly state: Record<string, unknown>; readonly identity: Identity | null }[],
): Promise<People> {
  const stage = await openStage()
  const clients = people.map(({ state, identity }, index) => {
    const client = new PresenceClient(index + 1, stage.room, identity)
    client.awareness.setLocalState(state)
    return client
  })
  const settle = async () => {
    for (let rounds = 0; ; rounds++) {
      await turn()
      const moved = clients.map(client => client.read())
      if (!moved.includes(true)) return
      if (rounds > 50) throw new Error('clients and room have no end of what they tell each other')
    }
  }
  for (const client of clients) await client.connect()
  await settle()
  return { ...stage, clients, settle }
}

/** As `y-websocket` does it over a BroadcastChannel, at every change. */
export function share(one: PresenceClient, other: PresenceClient): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.awareness.on('update', ({ added, updated, removed }: Record<string, number[]>, origin: unknown) => {
      if (origin === 'channel') return
      const changed = [...added!, ...updated!, ...removed!]
      applyAwarenessUpdate(to.awareness, encodeAwarenessUpdate(from.awareness, changed), 'channel')
    })
  }
}
