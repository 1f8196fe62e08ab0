/**
 * One key of a Hocuspocus socket: a document, or one of several sessions of it. Authenticated, opened and closed on its own.
 *
 *     new ── its first frame ──▶ checking ── granted ──▶ open ── CLOSE ──▶ left
 *                                    └───── refused ──▶ refused ── another token ──▶ checking
 *
 * A provider sends its token first and everything else behind it without waiting, so what comes meanwhile waits in order.
 * Where it is refused it goes on sending: that is dropped, and the socket stays, since other documents live on it.
 */
import { type Access, allows } from '@syncline/shared/api/access'
import type { CloseCode } from '@syncline/shared/wire/close-codes'
import type { Message } from '@syncline/shared/wire/message'
import type { Grant } from '../auth/grant.ts'
import type { AppError } from '../foundation/errors.ts'
import type { Session, Voice } from './session.ts'
import type { Allowed } from './visitor.ts'

export interface KeyedSessionOptions {
  /** Queues one message for this key. */
  readonly say: (message: Message) => void
  readonly check: (token: string | null) => Promise<Allowed>
  readonly open: (grant: Grant | null, voice: Voice) => Session
  readonly replaceGrant: (session: Session, grant: Grant | null) => void
  /** The whole connection has to come back. */
  readonly closeConnection: (code: CloseCode, detail?: string) => void
  /** Nobody can say at the moment whether it may be opened: the whole connection has to come back, and not at once. */
  readonly comeBackLater: (refusal: AppError) => void
  readonly onRefused: (why: { readonly code: string; readonly message: string }) => void
  /** What waits for a check is bounded over all keys of a socket: false where no more may wait, and the connection is closed. */
  readonly mayWait: (bytes: number) => boolean
  readonly noLongerWaits: (bytes: number) => void
}

interface Waiting {
  readonly message: Message
  readonly bytes: number
}

type State =
  | { readonly at: 'new' }
  | { readonly at: 'checking'; readonly waiting: Waiting[] }
  | { readonly at: 'open'; readonly session: Session }
  | { readonly at: 'refused' }
  | { readonly at: 'left' }

export class KeyedSession {
  readonly #options: KeyedSessionOptions
  #state: State = { at: 'new' }
  /** Of several tokens the newest counts, however long the checks of the others take. */
  #attempt = 0

  constructor(options: KeyedSessionOptions) {
    this.#options = options
  }

  get isOpen(): boolean {
    return this.#state.at === 'open'
  }

  hear(message: Message, bytes: number): void {
    if (message.kind === 'token') return this.#authenticate(message.token === '' ? null : message.token)
    // A provider before 4.0 that has no token sends none.
    if (this.#state.at === 'new') this.#authenticate(null)
    const state = this.#state
    if (state.at === 'open') return state.session.take(message, bytes)
    if (state.at === 'checking' && this.#options.mayWait(bytes)) state.waiting.push({ message, bytes })
  }

  /** What came for this document is not to be read: it ends, and is not told so again. */
  deny(why: { readonly code: string; readonly message: string }): void {
    if (this.#state.at !== 'refused') this.#refuse(why)
  }

  leave(how: 'closed' | 'lost'): void {
    this.#become({ at: 'left' }, how)
  }

  #authenticate(token: string | null): void {
    const attempt = ++this.#attempt
    if (this.#state.at !== 'open' && this.#state.at !== 'checking')
      this.#become({ at: 'checking', waiting: [] })
    void this.#options.check(token).then(allowed => {
      if (attempt !== this.#attempt || this.#state.at === 'left') return
      if (allowed.ok) this.#grant(allowed.grant)
      else if (!allowed.refusal.entry.retry) this.#refuse(allowed.refusal)
      // What was granted holds on while nobody can say whether the newer token is good.
      else if (this.#state.at !== 'open') this.#options.comeBackLater(allowed.refusal)
    })
  }

  #grant(grant: Grant | null): void {
    const state = this.#state
    if (state.at === 'open') return this.#replaceGrant(state.session, grant)
    const waiting = state.at === 'checking' ? state.waiting : []
    this.#sayAccess(grant?.access ?? 'write')
    const session = this.#options.open(grant, this.#voice())
    // Its room may be such that everything has ended at once.
    if (this.#state !== state) return session.leave('closed')
    this.#become({ at: 'open', session })
    for (const { message, bytes } of waiting) session.take(message, bytes)
  }

  #voice(): Voice {
    return {
      // For good, the provider is told so for this document; for a while, it comes back by itself only if the socket ends.
      end: (code, detail = code.reason) => {
        if (code.retry) this.#options.closeConnection(code, detail)
        else this.#refuse({ code: String(code.code), message: detail })
      },
      // If the socket were closed for this, its other documents would come and go every second.
      overLimit: refusal => this.#refuse(refusal),
      accessChanged: access => this.#sayAccess(access),
      // It answers with its token; one before 3.0 does not, and is refused when the grant ends.
      endsSoon: () => this.#options.say({ kind: 'token-request' }),
    }
  }

  #sayAccess(access: Access): void {
    this.#options.say({ kind: 'authenticated', mayWrite: allows(access, 'write') })
  }

  #replaceGrant(session: Session, grant: Grant | null): void {
    if ((grant?.user?.id ?? null) === (session.identity?.user?.id ?? null)) {
      this.#options.replaceGrant(session, grant)
    } else {
      this.#refuse({ code: 'TOKEN_OF_ANOTHER', message: 'the token is of another user than before' })
    }
  }

  #refuse(why: { readonly code: string; readonly message: string }): void {
    // A check that is under way would open it again, without what had waited for it.
    this.#attempt++
    this.#become({ at: 'refused' }, 'closed')
    this.#options.onRefused(why)
    this.#options.say({ kind: 'permission-denied', reason: why.message })
  }

  #become(state: State, how: 'closed' | 'lost' = 'closed'): void {
    const former = this.#state
    this.#state = state
    if (former.at === 'checking') for (const { bytes } of former.waiting) this.#options.noLongerWaits(bytes)
    if (former.at === 'open' && state.at !== 'open') former.session.leave(how)
  }
}
