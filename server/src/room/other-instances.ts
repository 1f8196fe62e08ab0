/**
 * What other instances do to the same document: what they append is taken as if it had been committed here, their bases are put
 * under the room, and where the log is no longer the one that the room knew, it is mended. A room that is alone with its
 * log (there is no relay) only keeps count of its own entries.
 */
import type { StateVector } from '@syncline/shared/update/vector'
import { walkStored } from '@syncline/shared/update/walk'
import type { RelayChannel, RelayListener } from '../relay/relay.ts'
import type { StoredEntry } from '../store/entry.ts'
import { Following } from './following.ts'
import { Mending } from './mending.ts'
import { takeBase } from './read-stored.ts'
import { RemotePresence, type RemotePresenceOptions } from './remote-presence.ts'
import type { Loaded, RoomServices } from './room-services.ts'
import type { Window } from './tail.ts'
import type { Arrival, WindowQueue } from './window-queue.ts'

export interface OtherInstancesOptions {
  readonly document: string
  readonly loaded: Loaded
  readonly services: RoomServices
  readonly queue: WindowQueue
  readonly presence: Pick<RemotePresenceOptions, 'presence' | 'frames' | 'members'>
  /** What is in memory only is to be committed again. */
  readonly offer: (arrival: Arrival) => void
  readonly onStateless: (payload: string) => void
  /** Committed elsewhere; known here from now on. */
  readonly onWindows: (windows: readonly Window[]) => void
  /** The members have been sent what `sent` says, and may hold what nobody else does. */
  readonly onMended: (sent: StateVector) => void
  readonly onEpochEnded: () => void
  readonly onFault: (error: unknown) => void
}

export class OtherInstances {
  readonly following: Following
  /** Null where there is nobody to tell. */
  readonly presence: RemotePresence | null
  readonly #options: OtherInstancesOptions
  readonly #mending: Mending
  readonly #channel: RelayChannel | null

  constructor(options: OtherInstancesOptions) {
    this.#options = options
    const { document, loaded, services, onFault } = options
    this.following = new Following({
      document,
      log: services.log,
      clock: services.clock,
      at: { ...loaded, generation: loaded.generations.current?.generation ?? null },
      onEntries: entries => this.#take(entries),
      onBaseReplaced: () => this.#takeBase(),
      onLost: why => this.#mending.mend(why),
      onFault,
    })
    this.#mending = new Mending({ ...options, following: this.following })
    this.#channel = services.relay?.join(document, this.#listener()) ?? null
    const { clock, observer } = services
    const presence = { ...options.presence, document, clock, observer }
    this.presence = this.#channel === null ? null : new RemotePresence(this.#channel, presence)
  }

  get isBusy(): boolean {
    return this.#mending.isRunning
  }

  /** The log is not the one that the room knew. Rejects where it cannot be read, or is of another epoch. */
  mend(why: string): Promise<void> {
    return this.#mending.mend(why)
  }

  /** Null where there is nobody to wait for. */
  upToDate(): Promise<void> | null {
    return this.#channel === null ? null : this.following.upToDate()
  }

  sweep(): void {
    if (this.#channel === null) return
    this.following.sweep()
    this.presence?.sweep()
  }

  sayStateless(payload: string): void {
    this.#channel?.sayStateless(payload)
  }

  /** The room is let go: nothing is heard any more. */
  leave(): void {
    this.presence?.end()
    this.#channel?.leave()
  }

  #listener(): RelayListener {
    const look = () => this.following.lookSoon()
    return {
      entries: entries => this.following.entries(entries),
      appended: end => this.following.appended(end),
      // Publications may be late: what holds now is read.
      baseReplaced: look,
      epochEnded: look,
      subscribed: () => {
        look()
        this.presence?.subscribed()
      },
      presence: (instance, awareness, whole) => this.presence?.hear(instance, awareness, whole),
      presenceAsked: () => this.presence?.asked(),
      stateless: this.#options.onStateless,
    }
  }

  #take(entries: readonly StoredEntry[]): void {
    const { loaded, onWindows, onFault } = this.#options
    try {
      const windows = entries.filter(({ kind }) => kind === 'update').map(windowOf)
      for (const { structs, deletes } of windows) loaded.known.take(structs, deletes)
      onWindows(windows)
    } catch (error) {
      onFault(error)
    }
  }

  async #takeBase(): Promise<void> {
    const { document, loaded, services } = this.#options
    const { base } = await services.log.load(document)
    if (base === null) return this.mend('it has no base any more')
    if (base.through > this.following.end.seq) return this.mend(`its base holds entry ${base.through}`)
    takeBase(loaded.known, base)
    loaded.generations.replace(base)
    loaded.tail.dropThrough(base.through)
    this.following.hasBase(base.generation)
  }
}

/** With bytes of its own: what a relay hands out is a view into all that it read at once. */
function windowOf({ seq, update, instance }: StoredEntry): Window {
  const { structs, deletes } = walkStored(update, `entry ${seq} of instance ${instance}`)
  return { seq, update: new Uint8Array(update), structs, deletes }
}
