/**
 * What is said to somebody who is not let in: nothing, and then a close code. Whoever comes again and again waits for it, since some
 * clients come back the moment they are closed.
 */
import { type CloseCode, closeCodes } from '@syncline/shared/wire/close-codes'
import type { Clock } from '../foundation/clock.ts'
import type { Conversation } from './conversation.ts'
import type { Line } from './line.ts'
import type { Telling } from './repeated-refusals.ts'

export interface Refused {
  readonly code: CloseCode
  readonly detail: string
  readonly telling: Telling
}

export class RefusedConversation implements Conversation {
  readonly tooLarge = closeCodes.tooLarge
  #leave = () => {}

  constructor(line: Line, { code, detail, telling }: Refused, clock: Clock) {
    switch (telling.how) {
      case 'at-once':
        line.close(code, detail)
        break
      case 'never':
        line.cut()
        break
      case 'later': {
        const cancel = clock.after(telling.delayMs, () => line.close(code, detail))
        this.#leave = () => {
          cancel()
          telling.release()
        }
      }
    }
  }

  hear(): void {}

  hearTooLarge(): void {}

  keepAlive(): null {
    return null
  }

  leave(): void {
    this.#leave()
  }
}
