/**
 * Text of the application that passes through a document: to whoever embeds the server, and by a setting to everybody in the
 * document, here and at other instances. Nothing of it is kept, and it has no place in the order of edits.
 */
import { allows } from '@syncline/shared/api/access'
import { closeCodes } from '@syncline/shared/wire/close-codes'
import type { Message } from '@syncline/shared/wire/message'
import type { Member } from './member.ts'
import type { RoomObserver } from './observer.ts'

/** What whoever embeds the server is told. */
export interface StatelessText {
  readonly document: string
  readonly payload: string
  /** Who said it: a user's id, or a connection where nobody has to say who they are. */
  readonly author: string
  /** Says something back to whoever said it, and to nobody else. */
  readonly reply: (payload: string) => void
}

export interface StatelessLimits {
  readonly bytesMax: number
  /** Whether what somebody says is told to everybody in the document. */
  readonly isForAll: boolean
}

export interface StatelessOptions {
  readonly document: string
  readonly limits: StatelessLimits
  readonly observer: Pick<RoomObserver, 'limitReached'>
  readonly onText: (text: StatelessText) => void
  /** To every member here that has such messages. */
  readonly tellHere: (message: Message) => void
  /** To other instances. */
  readonly tellOthers: (payload: string) => void
}

export class Stateless {
  readonly #options: StatelessOptions

  constructor(options: StatelessOptions) {
    this.#options = options
  }

  hear(member: Member, payload: string): void {
    const { document, limits, observer, onText, tellHere, tellOthers } = this.#options
    const bytes = Buffer.byteLength(payload)
    if (bytes > limits.bytesMax) {
      observer.limitReached({ limit: 'limitStatelessBytes' })
      const reason = `a stateless message of ${bytes} bytes came, at most ${limits.bytesMax} are allowed (limitStatelessBytes)`
      return member.close(closeCodes.tooLarge, reason)
    }
    const reply = (text: string) => member.send(member.encode({ kind: 'stateless', payload: text }))
    onText({ document, payload, author: member.author, reply })
    // It is shown to others like an edit, so it takes what an edit takes.
    if (!limits.isForAll || !allows(member.access, 'write')) return
    tellHere({ kind: 'stateless', payload })
    tellOthers(payload)
  }

  /** Somebody at another instance has said it to all. */
  hearElsewhere(payload: string): void {
    this.#options.tellHere({ kind: 'stateless', payload })
  }
}
