/**
 * The rooms of this instance by document name: opened once however many ask at the same moment, closed when nobody has
 * been in them for a while. Loading one never blocks another.
 */
import { closeCodes } from '@syncline/shared/wire/close-codes'
import { ClosedDocuments } from './closed-documents.ts'
import { openRoom } from './open-room.ts'
import type { Room } from './room.ts'
import type { RoomServices } from './room-services.ts'

/** How often rooms do what they do at rest. */
const tickMs = 5_000
/** How often rooms that others may write to look for what they missed [REL-1]. */
const sweepMs = 1_500

export interface RoomsLimits {
  readonly roomsMax: number
  /** A room in which nobody has been for this long is let go. Longer than the grace of presence. */
  readonly idleMs: number
}

/** A Map, not an object: `__proto__` is a document like others. */
interface Held {
  readonly opening: Promise<Room>
  room: Room | null
  emptySinceMs: number
}

export class Rooms {
  readonly #rooms = new Map<string, Held>()
  readonly #closed: ClosedDocuments
  readonly #services: RoomServices
  readonly #limits: RoomsLimits
  readonly #stopTicking: () => void
  readonly #stopSweeping: () => void

  constructor(services: RoomServices, limits: RoomsLimits) {
    this.#services = services
    this.#limits = limits
    this.#closed = new ClosedDocuments(services.clock)
    this.#stopTicking = services.clock.every(tickMs, () => this.#tick())
    this.#stopSweeping = services.clock.every(sweepMs, () => this.#sweep())
  }

  get size(): number {
    return this.#rooms.size
  }

  /** Rejects when the document cannot be read, or with `'full'` when too many rooms are open. */
  open(document: string): Promise<Room> | 'full' {
    const reopened = this.#closed.reopened(document)
    if (reopened !== null) return reopened.then(() => this.#openLater(document))
    const held = this.#rooms.get(document)
    if (held !== undefined) {
      // Whoever asks is about to enter: the room must not be let go in between.
      held.emptySinceMs = this.#services.clock.monotonic()
      return held.opening
    }
    if (this.#rooms.size >= this.#limits.roomsMax) return 'full'
    const opening = this.#load(document)
    const entry: Held = { opening, room: null, emptySinceMs: this.#services.clock.monotonic() }
    this.#rooms.set(document, entry)
    opening.then(
      room => {
        entry.room = room
      },
      () => this.#rooms.delete(document),
    )
    return opening
  }

  /**
   * Runs `work` while nobody is in a document: its members are told to come back, what they brought is saved first, and
   * whoever opens it waits. Rejects with `DocumentBusy`, and has not run `work`, if the store does not take what was brought.
   */
  alone<T>(document: string, work: () => Promise<T>): Promise<T> {
    return this.#closed.during(document, () => this.#retire(document), work)
  }

  async #openLater(document: string): Promise<Room> {
    const opened = this.open(document)
    if (opened === 'full') throw new Error('too many documents are open')
    return opened
  }

  async #retire(document: string): Promise<Room | null> {
    const held = this.#rooms.get(document)
    // A document that cannot be read has nobody in it either.
    const room = (await held?.opening.catch(() => null)) ?? null
    room?.retire()
    if (room !== null) this.#forget(room)
    return room
  }

  async #load(document: string): Promise<Room> {
    const { clock, observer } = this.#services
    const startedMs = clock.monotonic()
    try {
      const { room, entries } = await openRoom(document, this.#services, failed => this.#forget(failed))
      observer.roomOpened({ document, entries, ms: clock.monotonic() - startedMs })
      return room
    } catch (error) {
      observer.roomFailed({ document, during: 'load', error })
      throw error
    }
  }

  #tick(): void {
    const nowMs = this.#services.clock.monotonic()
    const census = { heldRanges: 0, presenceEntries: 0 }
    for (const held of this.#rooms.values()) {
      const { room } = held
      if (room === null) continue
      room.tick()
      census.heldRanges += room.held.heldRanges
      census.presenceEntries += room.held.presenceEntries
      if (room.members > 0 || room.isBusy) held.emptySinceMs = nowMs
      else if (nowMs - held.emptySinceMs >= this.#limits.idleMs) this.#forget(room)
    }
    this.#services.observer.census(census)
    this.#services.joinFrames.sweep()
  }

  #sweep(): void {
    if (this.#services.relay === null) return
    for (const { room } of this.#rooms.values()) room?.sweep()
  }

  #forget(room: Room): void {
    if (this.#rooms.get(room.document)?.room !== room) return
    this.#rooms.delete(room.document)
    room.letGo()
    this.#services.observer.roomClosed({ document: room.document })
  }

  /** Everybody is told to come back; what was accepted is written by the log before it closes. */
  close(): void {
    this.#stopTicking()
    this.#stopSweeping()
    for (const { room } of this.#rooms.values()) room?.closeAll(closeCodes.restart)
  }

  get isBusy(): boolean {
    for (const { room } of this.#rooms.values()) if (room?.isBusy) return true
    return this.#closed.size > 0
  }
}
