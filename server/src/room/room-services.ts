/**
 * What a room is made of and works with: what all rooms of a server share, and what was read when it was opened.
 */
import type { Compactor } from '../compaction/compactor.ts'
import type { Workers } from '../compaction/workers.ts'
import type { Clock } from '../foundation/clock.ts'
import type { TurnBudget } from '../foundation/turn-budget.ts'
import type { Relay } from '../relay/relay.ts'
import type { End, UpdateLog } from '../store/update-log.ts'
import type { Generations } from './generations.ts'
import type { JoinFrames } from './join-frames.ts'
import type { Known } from './known.ts'
import type { RoomObserver } from './observer.ts'
import type { RoomLimits } from './room-limits.ts'
import type { StatelessText } from './stateless.ts'
import type { Tail } from './tail.ts'

/** What all rooms of a server share. */
export interface RoomServices {
  readonly log: UpdateLog
  /** Null where nobody else writes to the log. */
  readonly relay: Relay | null
  readonly workers: Pick<Workers, 'inspect' | 'cut' | 'split'>
  readonly compactor: Pick<Compactor, 'compact'>
  readonly joinFrames: JoinFrames
  /** Bytes that all joins together send in one turn of the event loop. */
  readonly joinBudget: TurnBudget
  /** Windows that all rooms together take into their tails in one turn, while they are opened. */
  readonly openBudget: TurnBudget
  readonly clock: Clock
  /** Names this process in entries. */
  readonly instance: string
  readonly limits: RoomLimits
  readonly observer: RoomObserver
  /** Told of what applications say to each other through documents. Must not throw. */
  readonly onStateless: (text: StatelessText) => void
  /** How late the event loop is at the moment. */
  readonly loopLagMs: () => number
}

/** What was read from the log when the room was opened. */
export interface Loaded {
  readonly known: Known
  readonly tail: Tail
  readonly generations: Generations
  readonly epoch: string | null
  readonly end: End
}
