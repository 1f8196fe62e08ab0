/**
 * Sends one member the frames of a join, at the pace of its socket and of the event loop: the next frame is made once
 * little waits in the socket, and all joins of a server together have one budget a turn, so that a storm of them does not
 * hold up the people who type.
 */
import type { Message } from '@syncline/shared/wire/message'
import type { TurnBudget } from '../foundation/turn-budget.ts'
import type { Member } from './member.ts'

const joinWaitingBytesMax = 256 * 1024

export class Delivery {
  bytes = 0
  readonly member: Member
  readonly #budget: TurnBudget

  constructor(member: Member, budget: TurnBudget) {
    this.member = member
    this.#budget = budget
  }

  /** At once: for what must not be separated from what precedes it. */
  send(message: Message): void {
    this.#frame(this.member.encode(message))
  }

  /** False once the member is gone. */
  async frame(frame: Uint8Array): Promise<boolean> {
    await this.turnFor(frame.byteLength)
    this.#frame(frame)
    return this.member.drained(joinWaitingBytesMax)
  }

  /** Resolves in a turn in which so many bytes may be sent. */
  async turnFor(bytes: number): Promise<void> {
    await this.#budget.spend(bytes)
  }

  #frame(frame: Uint8Array): void {
    this.bytes += frame.byteLength
    this.member.send(frame)
  }
}
