/**
 * People in rooms, as the load generator has them: who has sent what and when, who has seen what. Counts a delivery for
 * each pair of a person and somebody else's edit, whether the edit comes alone, merged with others or in a difference;
 * never twice, and not to its author.
 */
import {
  charactersPerEdit,
  cursorUpdate,
  editsOf,
  largeUpdate,
  movesOf,
  type Ranges,
  typingUpdate,
} from './edits.ts'
import { FrameMemo } from './frame-memo.ts'
import type { Framing } from './framing.ts'
import { Latencies } from './latencies.ts'
import { maskedFrame, RawSocket } from './socket.ts'

/** What a person sends, and how it is recognised in what the others get. */
export interface Activity {
  readonly message: 'update' | 'awareness'
  make(writer: number, number: number): Uint8Array
  find(bytes: Uint8Array, start: number): Ranges
}

export const typing: Activity = {
  message: 'update',
  make: typingUpdate,
  find: (bytes, start) => editsOf(bytes, start, charactersPerEdit),
}

/** Ten kilobytes at a time, which replace what the writer wrote before: traffic without a growing document. */
export const replacing: Activity = {
  message: 'update',
  make: largeUpdate,
  find: (bytes, start) => editsOf(bytes, start, 1),
}

export const movingCursors: Activity = { message: 'awareness', make: cursorUpdate, find: movesOf }

export interface CrowdOptions {
  readonly port: number
  /** Of another instance, which every second person of a room speaks to. */
  readonly secondPort?: number | undefined
  /** Of each person in turn. */
  readonly framings: readonly Framing[]
  readonly activity: Activity
  readonly rooms: number
  /** Before the room's number. */
  readonly roomPrefix?: string
  readonly writersPerRoom: number
  readonly readersPerRoom: number
  /** What one writer may send at most. */
  readonly editsMax: number
  /** Latencies are taken at every so many people; deliveries are counted at all. */
  readonly latencyEvery: number
  /** Called with each latency that is taken, and when that edit was sent. */
  readonly onLatency?: (sentMs: number, latencyMs: number) => void
}

interface Room {
  readonly name: string
  /** By writer: when each edit was sent. */
  readonly sentAt: Float64Array[]
}

const instances = 2
const connectsAtOnce = 64
const syncMsMax = 60_000

export class Person {
  readonly room: Room
  /** -1 for a reader. */
  readonly writer: number
  readonly instance: number
  readonly framing: Framing
  readonly seen: Int32Array
  takesLatency: boolean
  socket!: RawSocket
  sent = 0
  synced = false
  closeCode: number | null | undefined

  constructor(
    room: Room,
    at: { writer: number; instance: number; framing: Framing },
    writers: number,
    takesLatency: boolean,
  ) {
    this.room = room
    this.writer = at.writer
    this.instance = at.instance
    this.framing = at.framing
    this.takesLatency = takesLatency
    this.seen = new Int32Array(writers)
  }
}

export class Crowd {
  readonly people: Person[] = []
  readonly writers: Person[] = []
  readonly #options: CrowdOptions
  readonly #memo: FrameMemo
  #latencies = new Latencies()
  #crossLatencies = new Latencies()
  #sinceMs = Number.POSITIVE_INFINITY
  #untilMs = Number.POSITIVE_INFINITY
  sent = 0
  delivered = 0
  /** Of what was sent between `measureFrom` and `measureUntil`. */
  deliveredInTime = 0
  sentInTime = 0

  constructor(options: CrowdOptions) {
    this.#options = options
    this.#memo = new FrameMemo(options.activity.find)
    const { rooms, writersPerRoom, readersPerRoom, editsMax, latencyEvery, framings } = options
    for (let number = 0; number < rooms; number++) {
      const sentAt = Array.from({ length: writersPerRoom }, () => new Float64Array(editsMax))
      const room = { name: `${options.roomPrefix ?? 'room-'}${number}`, sentAt }
      for (let i = 0; i < writersPerRoom + readersPerRoom; i++) {
        const takes = this.people.length % latencyEvery === 0
        const at = {
          writer: i < writersPerRoom ? i : -1,
          instance: this.#instanceOf(i),
          framing: framings[i % framings.length]!,
        }
        const person = new Person(room, at, writersPerRoom, takes)
        this.people.push(person)
        if (i < writersPerRoom) this.writers.push(person)
      }
    }
  }

  /** Of edits of people on the same instance. */
  get latencies(): Latencies {
    return this.#latencies
  }

  get crossLatencies(): Latencies {
    return this.#crossLatencies
  }

  get closed(): number {
    return this.people.reduce((count, person) => count + (person.closeCode === undefined ? 0 : 1), 0)
  }

  get frames(): number {
    return this.people.reduce((sum, person) => sum + person.socket.frames, 0)
  }

  get bytes(): number {
    return this.people.reduce((sum, person) => sum + person.socket.bytes, 0)
  }

  /** Resolves when everybody is connected and, where the server answers, synced. */
  async connect(): Promise<void> {
    let next = 0
    const connectSome = async () => {
      while (next < this.people.length) await this.#connect(this.people[next++]!)
    }
    await Promise.all(Array.from({ length: connectsAtOnce }, connectSome))
    const deadline = performance.now() + syncMsMax
    while (!this.people.every(person => person.synced)) {
      if (performance.now() > deadline) {
        const missing = this.people.filter(person => !person.synced).length
        throw new Error(`${missing} of ${this.people.length} people were not synced after ${syncMsMax} ms`)
      }
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }

  send(person: Person): void {
    const { activity, editsMax } = this.#options
    const { framing } = person
    if (person.sent >= editsMax || person.closeCode !== undefined) return
    const body = activity.make(person.writer, person.sent)
    const payload =
      activity.message === 'update'
        ? framing.update(person.room.name, body)
        : framing.awareness(person.room.name, body)
    const frame = maskedFrame(payload)
    const now = performance.now()
    person.room.sentAt[person.writer]![person.sent++] = now
    this.sent++
    if (now >= this.#sinceMs && now < this.#untilMs) this.sentInTime++
    person.socket.write(frame)
  }

  /** Latencies are taken of what is sent from now on. */
  measureFrom(): void {
    this.#latencies = new Latencies()
    this.#crossLatencies = new Latencies()
    this.deliveredInTime = 0
    this.sentInTime = 0
    this.#sinceMs = performance.now()
    this.#untilMs = Number.POSITIVE_INFINITY
  }

  measureUntil(): void {
    this.#untilMs = performance.now()
  }

  close(): void {
    for (const { socket } of this.people) socket?.destroy()
  }

  #instanceOf(personOfRoom: number): number {
    return this.#options.secondPort === undefined ? 0 : personOfRoom % instances
  }

  async #connect(person: Person): Promise<void> {
    const { port, secondPort = port } = this.#options
    const { framing } = person
    const { name } = person.room
    const opening = framing.opening(name)
    person.synced = opening.length === 0
    person.socket = await RawSocket.open([port, secondPort][person.instance]!, framing.path(name), {
      onMessage: (socket, bytes, start, end) => this.#hear(person, socket, bytes, start, end),
      onClose: code => {
        person.closeCode = code
      },
    })
    for (const message of opening) person.socket.write(maskedFrame(message))
  }

  #hear(person: Person, socket: RawSocket, bytes: Buffer, start: number, end: number): void {
    const { activity } = this.#options
    const { framing } = person
    const kind = framing.read(bytes, start, end)
    if (kind === 'other') return
    if (kind === 'denied') throw new Error('the server denied a person the document')
    if (kind === 'sync-step-1') {
      socket.write(maskedFrame(framing.nothingToTell(person.room.name)))
      return
    }
    if (kind === 'sync-step-2') person.synced = true
    const carries = kind === 'awareness' ? 'awareness' : 'update'
    if (carries === activity.message)
      this.#see(person, this.#memo.find(bytes, framing.bodyStart, framing.bodyEnd))
  }

  #see(person: Person, ranges: Ranges): void {
    const { seen, room, writer, instance, takesLatency } = person
    const now = performance.now()
    for (let i = 0; i < ranges.length; i += 3) {
      const author = ranges[i]!
      const to = ranges[i + 2]!
      const known = seen[author]!
      if (author === writer || to <= known) continue
      const from = Math.max(known, ranges[i + 1]!)
      seen[author] = to
      this.delivered += to - from
      const sentAt = room.sentAt[author]!
      const latencies = this.#instanceOf(author) === instance ? this.#latencies : this.#crossLatencies
      for (let number = from; number < to; number++) {
        const at = sentAt[number]!
        if (at < this.#sinceMs || at >= this.#untilMs) continue
        this.deliveredInTime++
        if (!takesLatency) continue
        latencies.add(now - at)
        this.#options.onLatency?.(at, now - at)
      }
    }
  }
}
