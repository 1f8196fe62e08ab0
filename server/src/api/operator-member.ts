/**
 * Somebody in a room who is no connection: brings updates as people do, and waits until they are saved. So an import takes the
 * same way as an edit (gate, window, log, broadcast), and people who are in the document see it come.
 *
 * It never asks for the document, so nothing is sent to it but what it asked for.
 */
import type { CloseCode } from '@syncline/shared/wire/close-codes'
import type { Message } from '@syncline/shared/wire/message'
import type { Member } from '../room/member.ts'
import type { Room } from '../room/room.ts'

const nothing = new Uint8Array()

/** The room does not take it (`code.retry`: at the moment). */
export class ClosedByRoom extends Error {
  override name = 'ClosedByRoom'
  readonly code: CloseCode

  constructor(code: CloseCode, detail: string | undefined) {
    super(detail ?? code.reason)
    this.code = code
  }
}

export class OperatorMember implements Member {
  readonly id: string
  readonly author = 'operator'
  readonly access = 'write'
  readonly identity = null
  readonly wantsStatus = false
  readonly takesStateless = false
  /** Of its own: a frame that is shared is encoded for others. */
  readonly framing = 'operator'
  readonly waitingBytes = 0
  readonly #room: Room
  readonly #onSaved: (() => void)[] = []
  readonly #closed = Promise.withResolvers<never>()

  constructor(id: string, room: Room) {
    this.id = id
    this.#room = room
    // Whoever is waiting hears of it; if nobody is, it is told at the next update.
    this.#closed.promise.catch(() => {})
    room.enter(this)
  }

  /** Resolves when the update is saved; rejects with `ClosedByRoom`. */
  async bring(update: Uint8Array): Promise<void> {
    await Promise.race([this.#closed.promise, this.#bring(update)])
  }

  leave(): void {
    this.#room.leave(this, 'closed')
  }

  async #bring(update: Uint8Array): Promise<void> {
    await this.#room.receive(this, { kind: 'update', update })
    await new Promise<void>(resolve => {
      this.#onSaved.push(resolve)
      void this.#room.receive(this, { kind: 'saved', token: nothing })
    })
  }

  /** The only message that it waits for is the answer to its question; frames of one turn keep their order. */
  encode(message: Message): Uint8Array {
    return message.kind === 'saved' ? savedFrame : nothing
  }

  send(frame: Uint8Array): void {
    if (frame === savedFrame) this.#onSaved.shift()?.()
  }

  async drained(): Promise<boolean> {
    return true
  }

  setReading(): void {}

  close(code: CloseCode, detail?: string): void {
    this.#closed.reject(new ClosedByRoom(code, detail))
    this.leave()
  }
}

const savedFrame = Uint8Array.of(1)
