/**
 * What is said to somebody who is not let in: nothing, and then a close code. Whoever comes again and again waits for it, since some
 * clients come back the moment they are closed.
 */
import type { CloseCode } from '@syncline/shared/wire/close-codes'
import type { Clock } from '../foundation/clock.ts'
import type { Conversation } from './conversation.ts'
import type { Line } from './line.ts'

export class RefusedConversation implements Conversation {
  readonly #cancel: () => void

  constructor(
    line: Line,
    { code, detail }: { code: CloseCode; detail: string },
    clock: Clock,
    delayMs: number,
  ) {
    const close = () => line.close(code, detail)
    this.#cancel = delayMs === 0 ? () => {} : clock.after(delayMs, close)
    if (delayMs === 0) close()
  }

  hear(): void {}

  keepAlive(): null {
    return null
  }

  leave(): void {
    this.#cancel()
  }
}
