/**
 * The members of one room, and one frame to all of them: built once for each framing, written once to each socket.
 */
import { allows } from '@syncline/shared/api/access'
import type { StateVector } from '@syncline/shared/update/vector'
import type { Message } from '@syncline/shared/wire/message'
import type { Member } from './member.ts'

export interface Seat {
  readonly member: Member
  /** It has been sent everything committed so far, and gets what is committed from now on. */
  live: boolean
  /** It has had everything once. */
  joined: boolean
  /** A join is being sent; what it asks for or lacks meanwhile is sent after it. */
  joining: boolean
  sentNext: Bringing | null
  /** Its acknowledgements that wait for a flush. */
  waiting: number
  /** When a refusal that left it here was last told of in full. */
  refusedMs: number
  /** When its access was last looked at, for asking; each update is judged by what its access is then. */
  mayWrite: boolean
  /** How many `saved` its count of what is not saved needs beyond one for each message, or how many fewer: `statuses.ts`. */
  owed: number
  /** What it had when it sent its newest SyncStep1, until its next SyncStep2; null for members without statuses: `uncounted.ts`. */
  begunWith: StateVector | null
  readonly asked: AskedGaps
  readonly lag: Lag
}

/** How a member is brought up to date. */
export interface Bringing {
  /** What it has. */
  readonly vector: StateVector
  /** By a SyncStep1: who counts what is not saved has counted the answer to ours, and otherwise not. */
  readonly asked: boolean
}

/** With this much waiting in its socket a member is skipped. */
const laggingBytes = 1024 * 1024
/** With this much it is told no presence: that is the first thing that can wait. */
const presenceWaitingBytes = 64 * 1024

/** When it last fell behind, and how often it did so soon after it had been brought up to date. */
export interface Lag {
  lastMs: number
  inVain: number
}

/** Which gaps this connection has been asked about lately, as `client:clock`; `asking.ts` bounds them. */
export interface AskedGaps {
  readonly gaps: Set<string>
  lastMs: number
}

export class Seats {
  readonly #seats = new Map<Member, Seat>()

  get size(): number {
    return this.#seats.size
  }

  [Symbol.iterator](): Iterator<Seat> {
    return this.#seats.values()
  }

  of(member: Member): Seat | undefined {
    return this.#seats.get(member)
  }

  add(member: Member): void {
    const asked = { gaps: new Set<string>(), lastMs: Number.NEGATIVE_INFINITY }
    const lag = { lastMs: Number.NEGATIVE_INFINITY, inVain: 0 }
    this.#seats.set(member, {
      member,
      live: false,
      joined: false,
      joining: false,
      sentNext: null,
      waiting: 0,
      refusedMs: Number.NEGATIVE_INFINITY,
      mayWrite: allows(member.access, 'write'),
      owed: 0,
      begunWith: null,
      asked,
      lag,
    })
  }

  /** The seat it had, if it had one. */
  remove(member: Member): Seat | undefined {
    const seat = this.#seats.get(member)
    this.#seats.delete(member)
    return seat
  }

  /** To every live member, but for those in whose sockets too much waits: `onBehind` is called for each of them. */
  broadcast(messages: readonly Message[], onBehind: (seat: Seat) => void): void {
    const frames = new SharedFrames(messages)
    for (const seat of this.#seats.values()) {
      if (!seat.live) continue
      if (seat.member.waitingBytes > laggingBytes) onBehind(seat)
      else frames.sendTo(seat.member)
    }
  }

  /** To every live member whose framing has such messages. */
  broadcastStateless(message: Message): void {
    const frames = new SharedFrames([message])
    for (const { member, live } of this.#seats.values()) {
      if (live && member.takesStateless && member.waitingBytes <= laggingBytes) frames.sendTo(member)
    }
  }

  /** To every live member that keeps up; who does not is told the newest state later. */
  broadcastPresence(message: Message): void {
    const frames = new SharedFrames([message])
    for (const { member, live } of this.#seats.values()) {
      if (live && member.waitingBytes <= presenceWaitingBytes) frames.sendTo(member)
    }
  }
}

/** Messages as frames, encoded once for each framing. */
class SharedFrames {
  readonly #messages: readonly Message[]
  readonly #frames = new Map<string, Uint8Array[]>()

  constructor(messages: readonly Message[]) {
    this.#messages = messages
  }

  sendTo(member: Member): void {
    let frames = this.#frames.get(member.framing)
    if (frames === undefined) {
      frames = this.#messages.map(message => member.encode(message))
      this.#frames.set(member.framing, frames)
    }
    for (const frame of frames) member.send(frame)
  }
}
