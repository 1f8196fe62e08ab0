/**
 * A room with everything around it that is not under test made visible: a clock that stands still, a log whose door can be
 * shut, members that note what they are sent, and a list of what the room told its observer.
 *
 * What a worker thread does is done here, in the same functions, one turn of the event loop later.
 */
import { tasks } from '@syncline/server/internal/compaction/compaction-worker'
import { Compactor } from '@syncline/server/internal/compaction/compactor'
import { buildBase } from '@syncline/server/internal/compaction/new-base'
import { TurnBudget } from '@syncline/server/internal/foundation/turn-budget'
import { JoinFrames } from '@syncline/server/internal/room/join-frames'
import type { RoomObserver } from '@syncline/server/internal/room/observer'
import { openRoom } from '@syncline/server/internal/room/open-room'
import type { Room } from '@syncline/server/internal/room/room'
import type { RoomLimits } from '@syncline/server/internal/room/room-limits'
import type { RoomServices } from '@syncline/server/internal/room/room-services'
import type { StatelessText } from '@syncline/server/internal/room/stateless'
import { emptyUpdate } from '@syncline/shared/update/cut'
import type { Message } from '@syncline/shared/wire/message'
import { TestClock, turn } from './room-clock.ts'
import { createTestLog, type TestLog } from './room-log.ts'
import { TestMember } from './room-member.ts'

export const documentName = 'a document'

export const testLimits: RoomLimits = {
  deleteRangesPerUpdateMax: 10_000,
  heldRangesMax: 1_000,
  documentBytesMax: 64 * 1024 * 1024,
  deleteRangesMax: 100_000,
  presence: {
    messageBytesMax: 64 * 1024,
    entriesPerRoomMax: 200,
    entriesPerConnectionMax: 100,
    ofReaders: true,
    graceMs: 2_000,
    outdatedMs: 30_000,
  },
  stateless: { bytesMax: 64 * 1024, isForAll: false },
  waitingBytesMax: 4 * 1024 * 1024,
  storeAwayCloseAfterMs: 10_000,
  showUnsavedAfterMs: null,
  generationKeepMs: 60_000,
}

type EventName = keyof RoomObserver
export type RoomEvent = {
  [Name in EventName]: { readonly name: Name } & Parameters<RoomObserver[Name]>[0]
}[EventName]

/** An observer that keeps what it is told. */
export function noteEvents(): { readonly events: RoomEvent[]; readonly observer: RoomObserver } {
  const events: RoomEvent[] = []
  const note = (name: EventName) => (event: object) => {
    events.push({ name, ...event } as RoomEvent)
  }
  const observer = new Proxy({} as RoomObserver, { get: (_, name) => note(name as EventName) })
  return { events, observer }
}

/** The worker's own functions, on this thread, answered one turn later. */
export const workersInProcess: RoomServices['workers'] &
  ConstructorParameters<typeof JoinFrames>[1] &
  Pick<ConstructorParameters<typeof Compactor>[1], 'buildBase'> = {
  async inspect(update, limits) {
    await turn()
    return tasks.inspect({ update, limits })
  },
  async cut(update, structs, deletes) {
    await turn()
    return tasks.cut({ update, structs, deletes })
  },
  async difference(piece, vector) {
    await turn()
    return tasks.difference({ piece, vector })
  },
  async split(update, pieceBytesMax) {
    await turn()
    return tasks.split({ update, pieceBytesMax })
  },
  async buildBase(input) {
    await turn()
    return buildBase(input)
  },
}

export interface StageOptions {
  readonly clock?: TestClock
  readonly log?: TestLog
  readonly limits?: Partial<RoomLimits>
  readonly workers?: Partial<typeof workersInProcess>
  readonly compactor?: RoomServices['compactor']
  readonly relay?: RoomServices['relay']
  readonly instance?: string
}

export interface Stage {
  readonly clock: TestClock
  readonly log: TestLog
  readonly events: RoomEvent[]
  readonly services: RoomServices
  /** Stateless messages that whoever embeds the server is told of. */
  readonly texts: readonly StatelessText[]
  eventsNamed<Name extends EventName>(name: Name): Extract<RoomEvent, { name: Name }>[]
}

/** Everything a room works with, without the room. */
export function createStage(options: StageOptions = {}): Stage {
  const clock = options.clock ?? new TestClock()
  const log = options.log ?? createTestLog(clock)
  const workers = { ...workersInProcess, ...options.workers }
  const { events, observer } = noteEvents()
  const texts: StatelessText[] = []
  const services: RoomServices = {
    log,
    relay: options.relay ?? null,
    workers,
    compactor: options.compactor ?? new Compactor(log, workers),
    clock,
    instance: options.instance ?? 'instance 1',
    limits: { ...testLimits, ...options.limits },
    observer,
    onStateless: text => void texts.push(text),
    loopLagMs: () => 0,
    joinFrames: new JoinFrames(log, workers),
    joinBudget: new TurnBudget(1024 * 1024),
    openBudget: new TurnBudget(64),
  }
  const eventsNamed: Stage['eventsNamed'] = name =>
    events.filter(event => event.name === name) as Extract<RoomEvent, { name: typeof name }>[]
  return { clock, log, events, texts, services, eventsNamed }
}

export interface RoomStage extends Stage {
  readonly room: Room
  /** Set when the room has said that it can go on no more. */
  readonly failed: () => boolean
  enter(id: string): TestMember
  /** Enters, and asks for the document as a client does that has nothing, or stands at `vector`. */
  join(id: string, vector?: Uint8Array): Promise<TestMember>
}

export async function openStage(options: StageOptions = {}): Promise<RoomStage> {
  const stage = createStage(options)
  let hasFailed = false
  const { room } = await openRoom(documentName, stage.services, () => {
    hasFailed = true
  })
  const enter = (id: string) => {
    const member = new TestMember(id)
    member.onClose = () => room.leave(member, 'lost')
    room.enter(member)
    return member
  }
  return {
    ...stage,
    room,
    failed: () => hasFailed,
    enter,
    async join(id, vector = Uint8Array.of(0)) {
      const member = enter(id)
      room.receive(member, { kind: 'sync-step-1', vector })
      // A join reads pieces one by one; each takes a turn or two.
      for (let turns = 0; turns < 50 && !member.kinds().includes('sync-step-1'); turns++) await turn()
      return member
    },
  }
}

export const say = {
  update: (update: Uint8Array): Message => ({ kind: 'update', update }),
  syncStep2: (update: Uint8Array = emptyUpdate): Message => ({ kind: 'sync-step-2', update }),
  saved: (token: number): Message => ({ kind: 'saved', token: Uint8Array.of(token) }),
}
