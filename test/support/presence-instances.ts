/**
 * Instances that tell each other who is here, each with one member that watches, as `y-websocket` does it, and people who come
 * to one, go to another and break off. The relay between them can lose what it carries.
 */
import { Presence, type PresenceLimits } from '@syncline/server/internal/room/presence'
import type { Speaker } from '@syncline/server/internal/room/presence-bringers'
import { PresenceFrames } from '@syncline/server/internal/room/presence-frames'
import { RemotePresence } from '@syncline/server/internal/room/remote-presence'
import { WindowQueue } from '@syncline/server/internal/room/window-queue'
import { type AwarenessEntry, decodeAwareness } from '@syncline/shared/presence'
import { Awareness, applyAwarenessUpdate } from 'y-protocols/awareness'
import * as Y from 'yjs'
import type { TestClock } from './room-clock.ts'

/** How often rooms look (`rooms.ts`). */
const sweepMs = 1_500

export const here = (client: number, clock: number, json = '{}'): AwarenessEntry => ({ client, clock, json })
export const gone = (client: number, clock: number) => here(client, clock, 'null')

export interface Said {
  readonly entries: readonly AwarenessEntry[]
  readonly whole: boolean
}

export class PresenceInstance {
  readonly name: string
  readonly presence: Presence
  readonly remote: RemotePresence
  readonly said: Said[] = []
  readonly told: AwarenessEntry[][] = []
  readonly events: unknown[] = []
  asked = 0
  /** What is said reaches nobody, and nothing is heard. */
  isDeaf = false
  members = 1
  readonly #watcher = new Awareness(new Y.Doc())
  readonly #others: () => readonly PresenceInstance[]
  readonly #frames: PresenceFrames
  readonly #stopSweeping: () => void

  constructor(
    name: string,
    limits: PresenceLimits,
    clock: TestClock,
    others: () => readonly PresenceInstance[],
  ) {
    this.name = name
    this.#others = others
    this.#watcher.setLocalState(null)
    this.#frames = new PresenceFrames(
      new WindowQueue(),
      clock,
      () => 0,
      message => message.kind === 'awareness' && this.#tell(message.awareness),
      awareness => this.remote.say(awareness),
    )
    this.presence = new Presence(limits, clock, (news, said) => this.#frames.add(news, said))
    const channel = {
      sayPresence: (awareness: Uint8Array, whole: boolean) => this.#say(awareness, whole),
      askPresence: () => {
        this.asked++
        this.#reach(other => other.remote.asked())
      },
      sayStateless() {},
      leave() {},
    }
    const note = (event: unknown) => void this.events.push(event)
    this.remote = new RemotePresence(channel, {
      document: 'document',
      presence: this.presence,
      frames: this.#frames,
      clock,
      members: () => this.members,
      observer: { presenceLeftOut: note, remotePresencePassedOver: note },
    })
    this.#stopSweeping = clock.every(sweepMs, () => {
      this.presence.sweep()
      this.remote.sweep()
    })
  }

  /** Whom the member that was here all the time sees. */
  get shown(): number[] {
    return [...this.#watcher.getStates().keys()].sort((a, b) => a - b)
  }

  /** Whom somebody who comes now is shown. */
  get shownToNewcomers(): number[] {
    return this.presence
      .current()
      .map(({ client }) => client)
      .sort((a, b) => a - b)
  }

  /** Gives what the sender alone is told. Nobody has to say who they are unless a test gives an identity. */
  hear(connection: string | Speaker, ...entries: AwarenessEntry[]): readonly AwarenessEntry[] {
    const speaker =
      typeof connection === 'string'
        ? ({ id: connection, access: 'write', identity: null } as const)
        : connection
    const { news, said, correction } = this.presence.hear(speaker, entries)
    this.#frames.add(news, said)
    return correction
  }

  /** The process is gone, from one moment to the next. */
  die(): void {
    this.isDeaf = true
    this.#stopSweeping()
    this.remote.end()
    this.#watcher.destroy()
  }

  #tell(awareness: Uint8Array): void {
    this.told.push(decoded(awareness))
    applyAwarenessUpdate(this.#watcher, awareness, this)
  }

  #say(awareness: Uint8Array, whole: boolean): void {
    this.said.push({ entries: decoded(awareness), whole })
    this.#reach(other => other.remote.hear(this.name, awareness, whole))
  }

  #reach(tell: (other: PresenceInstance) => void): void {
    if (this.isDeaf) return
    for (const other of this.#others()) if (other !== this && !other.isDeaf) tell(other)
  }
}

function decoded(awareness: Uint8Array): AwarenessEntry[] {
  const result = decodeAwareness(awareness, 1_000)
  if (!result.ok) throw new Error(result.reason)
  return result.entries
}
