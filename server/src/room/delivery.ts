/**
 * Sends one member the frames of a join, at the pace of its socket and of the event loop: the next frame is made once
 * little waits in the socket, and all joins of a server together have one budget a turn, so that a storm of them does not
 * hold up the people who type.
 */
import { closeCodes } from '@syncline/shared/wire/close-codes'
import type { Message } from '@syncline/shared/wire/message'
import type { Clock } from '../foundation/clock.ts'
import type { TurnBudget } from '../foundation/turn-budget.ts'
import type { Member } from './member.ts'

const joinWaitingBytesMax = 256 * 1024
/**
 * How long a socket may take for one frame of a join. Stock clients give up long before; what a joiner still has to be sent
 * is kept for it, so there has to be an end also for those who only trickle.
 */
const frameMsMax = 5 * 60_000

export class Delivery {
  bytes = 0
  readonly member: Member
  readonly #budget: TurnBudget
  readonly #clock: Clock

  constructor(member: Member, budget: TurnBudget, clock: Clock) {
    this.member = member
    this.#budget = budget
    this.#clock = clock
  }

  /** At once: for what must not be separated from what precedes it. */
  send(message: Message): void {
    this.sendFrame(this.member.encode(message))
  }

  sendFrame(frame: Uint8Array): void {
    this.bytes += frame.byteLength
    this.member.send(frame)
  }

  /** False once the member is gone. */
  async frame(frame: Uint8Array): Promise<boolean> {
    await this.turnFor(frame.byteLength)
    this.sendFrame(frame)
    const cancel = this.#clock.after(frameMsMax, () => this.member.close(closeCodes.tooSlow))
    const drained = await this.member.drained(joinWaitingBytesMax)
    cancel()
    return drained
  }

  /** Resolves in a turn in which so many bytes may be sent. */
  async turnFor(bytes: number): Promise<void> {
    await this.#budget.spend(bytes)
  }
}
