/**
 * One document on one connection, from the check of its grant to its end: the `Member` that its room sees.
 *
 *     opening ── the room is loaded ──▶ joined ── either side ends it ──▶ left
 *
 * While it is opening, and while a large update of its own is being inspected, its messages wait in order, bounded. It knows
 * rooms only as `Place`, and its socket only as `Line`.
 */
import type { Access } from '@syncline/shared/api/access'
import { type CloseCode, closeCodes } from '@syncline/shared/wire/close-codes'
import type { Encoder } from '@syncline/shared/wire/codec'
import type { Message } from '@syncline/shared/wire/message'
import type { Grant } from '../auth/grant.ts'
import type { AppError } from '../foundation/errors.ts'
import type { LimitName } from '../foundation/settings-table.ts'
import type { Identity, Member } from '../room/member.ts'
import { Inbound, type InboundLimits } from './inbound.ts'
import type { Line } from './line.ts'
import { webSocketFrame } from './web-socket-frame.ts'

/** What a session wants of a room. */
export interface Place {
  enter(member: Member): void
  receive(member: Member, message: Message): void | Promise<void>
  /** `member.access` is another than before. */
  accessChanged(member: Member): void
  leave(member: Member, how: 'closed' | 'lost'): void
}

/** How the client is told, in its framing, what befalls a session. */
export interface Voice {
  /** It has to end. */
  end(code: CloseCode, detail?: string): void
  /** Its user has as many connections as may be: it has to end. */
  overLimit(refusal: AppError): void
  accessChanged(access: Access): void
  /** The grant ends soon: the client may be asked for another token. */
  endsSoon(): void
}

export interface SessionOptions {
  /** Unique in this process. */
  readonly id: string
  readonly document: string
  readonly codec: Encoder
  /** Null where nobody has to say who they are. */
  readonly grant: Grant | null
  /** Whether its framing has statuses and stateless messages (Hocuspocus). */
  readonly isProvider: boolean
  readonly line: Line
  readonly limits: InboundLimits
  readonly onLimit: (limit: LimitName) => void
  readonly voice: Voice
}

type State =
  | { readonly at: 'opening' }
  | { readonly at: 'joined'; readonly place: Place }
  | { readonly at: 'left' }

/** Who may do what where nobody has to say who they are. */
const accessOfAll: Access = 'write'

export class Session implements Member {
  readonly id: string
  readonly document: string
  readonly author: string
  readonly framing: string
  readonly identity: Identity | null
  readonly wantsStatus: boolean
  readonly takesStateless: boolean
  readonly #options: SessionOptions
  readonly #line: Line
  readonly #inbound: Inbound
  #access: Access
  readonly #whenLeft: (() => void)[] = []
  #state: State = { at: 'opening' }
  #roomReads = true

  constructor(options: SessionOptions) {
    const { id, document, codec, grant, isProvider, line, limits, onLimit } = options
    this.#options = options
    this.#line = line
    this.id = id
    this.document = document
    this.author = grant?.user?.id ?? id
    this.framing = codec.framing
    this.identity = grant === null ? null : { user: grant.user }
    this.wantsStatus = isProvider
    this.takesStateless = isProvider
    this.#access = grant?.access ?? accessOfAll
    this.#inbound = new Inbound(limits, {
      deliver: message => this.#deliver(message),
      overflow: limit => {
        onLimit(limit)
        this.close(closeCodes.tooMany, `too much was sent before the document was open (${limit})`)
      },
      failed: reason => this.close(closeCodes.overload, reason),
      relieved: () => this.#readOrNot(),
    })
  }

  get access(): Access {
    return this.#access
  }

  get waitingBytes(): number {
    return this.#line.waitingBytes
  }

  get hasLeft(): boolean {
    return this.#state.at === 'left'
  }

  /** Calls once the session is left; at once where it is. */
  whenLeft(call: () => void): void {
    if (this.#state.at === 'left') call()
    else this.#whenLeft.push(call)
  }

  /** The room is loaded: what has waited is delivered. */
  join(place: Place): void {
    if (this.#state.at !== 'opening') return
    this.#state = { at: 'joined', place }
    place.enter(this)
    this.#inbound.open()
  }

  /** One message of the client about this document. */
  take(message: Message, bytes: number): void {
    if (this.#state.at === 'left') return
    this.#inbound.take(message, bytes)
    this.#readOrNot()
  }

  /** What the grant allows has become less, or more: it counts from the next message on. */
  setAccess(access: Access): void {
    if (access === this.#access) return
    this.#access = access
    if (this.#state.at === 'left') return
    this.#options.voice.accessChanged(access)
    if (this.#state.at === 'joined') this.#state.place.accessChanged(this)
  }

  endsSoon(): void {
    if (this.#state.at !== 'left') this.#options.voice.endsSoon()
  }

  encode(message: Message): Uint8Array {
    return webSocketFrame(this.#options.codec.encode(message))
  }

  send(frame: Uint8Array): void {
    if (this.#state.at !== 'left') this.#line.send(frame)
  }

  async drained(bytes: number): Promise<boolean> {
    return (await this.#line.drained(bytes)) && this.#state.at !== 'left'
  }

  setReading(reading: boolean): void {
    this.#roomReads = reading
    this.#readOrNot()
  }

  close(code: CloseCode, detail?: string): void {
    if (this.#state.at !== 'left') this.#options.voice.end(code, detail)
  }

  leave(how: 'closed' | 'lost'): void {
    if (this.#state.at === 'left') return
    const place = this.#state.at === 'joined' ? this.#state.place : null
    this.#state = { at: 'left' }
    this.#inbound.clear()
    this.#line.setReading(this, true)
    place?.leave(this, how)
    for (const call of this.#whenLeft.splice(0)) call()
  }

  #readOrNot(): void {
    if (this.#state.at !== 'left') this.#line.setReading(this, this.#roomReads && !this.#inbound.isCrowded)
  }

  #deliver(message: Message): void | Promise<void> {
    if (this.#state.at === 'joined') return this.#state.place.receive(this, message)
  }
}
