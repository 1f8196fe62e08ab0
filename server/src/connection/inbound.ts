/**
 * The messages of one connection that wait for their turn: before its room is open, and while an earlier message of its
 * own is still being worked on. Order is kept; nobody else's messages wait.
 */
import type { Message } from '@syncline/shared/wire/message'

export interface InboundLimits {
  readonly waitingMessagesMax: number
  readonly waitingMessageBytesMax: number
}

export interface InboundSink {
  /** A promise where the next message has to wait. */
  deliver(message: Message): void | Promise<void>
  overflow(limit: 'limitOpeningFrames' | 'limitOpeningBytes'): void
  failed(reason: string): void
  /** Less waits than before. */
  relieved(): void
}

export class Inbound {
  readonly #limits: InboundLimits
  readonly #sink: InboundSink
  #waiting: { message: Message; bytes: number }[] = []
  #bytes = 0
  #isOpen = false
  #isBusy = false

  constructor(limits: InboundLimits, sink: InboundSink) {
    this.#limits = limits
    this.#sink = sink
  }

  /** So much waits that the socket should not be read for now. */
  get isCrowded(): boolean {
    const { waitingMessagesMax, waitingMessageBytesMax } = this.#limits
    return this.#waiting.length > waitingMessagesMax / 2 || this.#bytes > waitingMessageBytesMax / 2
  }

  open(): void {
    this.#isOpen = true
    this.#deliverWaiting()
  }

  take(message: Message, bytes: number): void {
    if (this.#isOpen && !this.#isBusy) {
      this.#deliver(message)
      return
    }
    this.#waiting.push({ message, bytes })
    this.#bytes += bytes
    const { waitingMessagesMax, waitingMessageBytesMax } = this.#limits
    if (this.#waiting.length > waitingMessagesMax) this.#sink.overflow('limitOpeningFrames')
    else if (this.#bytes > waitingMessageBytesMax) this.#sink.overflow('limitOpeningBytes')
  }

  clear(): void {
    this.#waiting = []
    this.#bytes = 0
    this.#isOpen = false
  }

  #deliver(message: Message): void {
    const working = this.#begin(message)
    if (working === undefined) return
    this.#isBusy = true
    working
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#isBusy = false
        this.#deliverWaiting()
      })
  }

  /** A fault of ours ends one connection: thrown on, it would end the process, out of the socket's event. */
  #begin(message: Message): void | Promise<void> {
    try {
      return this.#sink.deliver(message)
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    this.#sink.failed(error instanceof Error ? error.message : String(error))
  }

  #deliverWaiting(): void {
    while (this.#isOpen && !this.#isBusy && this.#waiting.length > 0) {
      const { message, bytes } = this.#waiting.shift()!
      this.#bytes -= bytes
      this.#deliver(message)
    }
    this.#sink.relieved()
  }
}
