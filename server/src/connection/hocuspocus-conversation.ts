/**
 * What is said in the Hocuspocus framing: many documents on one socket, each under a key of its own.
 */
import { type CloseCode, closeCodes } from '@syncline/shared/wire/close-codes'
import {
  decodeHocuspocus,
  type HocuspocusFrame,
  hocuspocusCodec,
  hocuspocusKey,
  hocuspocusPong,
} from '@syncline/shared/wire/hocuspocus'
import type { Message } from '@syncline/shared/wire/message'
import { awarenessAboutNobody } from '@syncline/shared/wire/sync-frame'
import type { Clock } from '../foundation/clock.ts'
import type { AppError } from '../foundation/errors.ts'
import type { LimitName } from '../foundation/settings-table.ts'
import type { ConnectionUsers } from './connection-users.ts'
import type { Conversation } from './conversation.ts'
import { KeyedSession } from './keyed-session.ts'
import type { Line } from './line.ts'
import type { Sessions } from './sessions.ts'
import type { Allowed } from './visitor.ts'
import { webSocketFrame } from './web-socket-frame.ts'

export interface HocuspocusLimits {
  /** Keys of one socket, those that were refused included. */
  readonly documentsMax: number
  readonly documentNameBytesMax: number
}

export interface HocuspocusOptions {
  readonly sessions: Sessions
  readonly limits: HocuspocusLimits
  /** Whether a document may be opened with a token that came in the framing, or with what the request brought. */
  readonly check: (document: string, token: string | null) => Promise<Allowed>
  readonly users: ConnectionUsers
  readonly clock: Clock
  readonly onAdmitted: () => void
  readonly onRefused: (why: { readonly code: string; readonly message: string }) => void
  readonly onLimit: (limit: LimitName) => void
}

type Said = Extract<HocuspocusFrame, { kind: 'message' }>

/** Of all keys of a socket together, while their tokens are checked. */
const uncheckedMessagesMax = 1_000
const uncheckedBytesMax = 4 * 1024 * 1024

/** How long a socket is kept for which it cannot be said at the moment who may open what. */
const passingHoldMs = 5_000

const pong = webSocketFrame(hocuspocusPong)

export class HocuspocusConversation implements Conversation {
  readonly tooLarge = closeCodes.tooLargeForSocket
  readonly #line: Line
  readonly #options: HocuspocusOptions
  readonly #keyed = new Map<string, KeyedSession>()
  #opened = 0
  #lastRefused: string | null = null
  #cancelClose: (() => void) | null = null
  #uncheckedMessages = 0
  #uncheckedBytes = 0

  constructor(line: Line, options: HocuspocusOptions) {
    this.#line = line
    this.#options = options
  }

  hear(frame: Uint8Array): void {
    const { documentNameBytesMax } = this.#options.limits
    const decoded = decodeHocuspocus(frame, documentNameBytesMax)
    switch (decoded.kind) {
      case 'malformed':
        return this.#end(frame, closeCodes.malformed, decoded.reason)
      case 'ping':
        return this.#line.send(pong)
      case 'pong':
        return
      case 'key-refused':
        return this.#refuse(decoded, { code: 'DOCUMENT_NAME_INVALID', message: decoded.reason })
      case 'message':
        return this.#hear(decoded, frame.byteLength)
    }
  }

  hearTooLarge(frame: Uint8Array, reason: string): void {
    this.#end(frame, closeCodes.tooLarge, reason)
  }

  /** Any document's will do: a provider's watchdog is its socket's. */
  keepAlive(): Uint8Array | null {
    for (const [key, keyed] of this.#keyed) {
      if (keyed.isOpen) return framed(key, { kind: 'awareness', awareness: awarenessAboutNobody })
    }
    return null
  }

  leave(how: 'closed' | 'lost'): void {
    this.#cancelClose?.()
    for (const keyed of this.#keyed.values()) keyed.leave(how)
    this.#keyed.clear()
  }

  #hear(said: Said, bytes: number): void {
    const { key, message } = said
    const keyed = this.#keyed.get(key) ?? (begins(message) ? this.#begin(said) : null)
    if (keyed === null) return
    if (message.kind !== 'close') return keyed.hear(message, bytes)
    // Nothing is answered: it could reach a provider that has taken its place at once.
    keyed.leave('closed')
    this.#keyed.delete(key)
  }

  /**
   * Ends the document of a frame that is not to be read, or the socket where it is none of the open ones. If the socket were closed
   * for each, 2.15 would be back with the same in 30 ms, and later providers in a second, with all of its documents.
   */
  #end(frame: Uint8Array, code: CloseCode, reason: string): void {
    const keyed = this.#keyed.get(hocuspocusKey(frame) ?? '')
    if (keyed === undefined) this.#line.close(code, reason)
    else keyed.deny({ code: String(code.code), message: reason })
  }

  /** For a key that is not kept. */
  #refuse({ key, message }: Pick<Said, 'key' | 'message'>, why: { code: string; message: string }): void {
    // Its provider goes on sending what is typed, and takes each answer for a new refusal; behind its token comes its SyncStep1.
    if (!begins(message) || (message.kind === 'sync-step-1' && key === this.#lastRefused)) return
    this.#lastRefused = key
    this.#options.onRefused(why)
    this.#line.send(framed(key, { kind: 'permission-denied', reason: why.message }))
  }

  #begin(said: Said): KeyedSession | null {
    const { key, document } = said
    const { sessions, users, limits, check, onRefused, onAdmitted, onLimit } = this.#options
    if (this.#keyed.size >= limits.documentsMax) {
      onLimit('limitDocumentsPerConnection')
      const message = `at most ${limits.documentsMax} documents may be open on one socket`
      this.#refuse(said, { code: String(closeCodes.tooMany.code), message })
      return null
    }
    const codec = hocuspocusCodec(key)
    const keyed = new KeyedSession({
      say: message => this.#line.send(framed(key, message)),
      check: token => check(document, token),
      open: (grant, voice) => {
        onAdmitted()
        const line = this.#line
        return sessions.open({
          id: this.#nextId(),
          document,
          codec,
          grant,
          isProvider: true,
          line,
          users,
          voice,
        })
      },
      replaceGrant: (session, grant) => sessions.replaceGrant(session, grant),
      closeConnection: (code, detail) => this.#line.close(code, detail),
      comeBackLater: refusal => this.#comeBackLater(refusal),
      onRefused,
      mayWait: bytes => this.#mayWait(bytes),
      noLongerWaits: bytes => {
        this.#uncheckedMessages--
        this.#uncheckedBytes -= bytes
      },
    })
    this.#keyed.set(key, keyed)
    return keyed
  }

  /** A provider before 3.0 is back in milliseconds, and would ask again. */
  #comeBackLater({ code, message }: AppError): void {
    const { clock, onRefused } = this.#options
    onRefused({ code, message })
    this.#cancelClose ??= clock.after(passingHoldMs, () => this.#line.close(closeCodes.overload, message))
  }

  /** The first session of a socket is named like it, as in the other framing. */
  #nextId(): string {
    const { id } = this.#line
    return this.#opened++ === 0 ? id : `${id}-${this.#opened}`
  }

  #mayWait(bytes: number): boolean {
    if (this.#uncheckedMessages >= uncheckedMessagesMax || this.#uncheckedBytes + bytes > uncheckedBytesMax) {
      this.#line.close(closeCodes.tooMany, 'too much was sent before a token was checked')
      return false
    }
    this.#uncheckedMessages++
    this.#uncheckedBytes += bytes
    return true
  }
}

/**
 * A provider begins with its token, and one before 4.0 that has none with SyncStep1. Before that comes what is typed while it fetches
 * its token, and 2.15 says behind its CLOSE that nobody is here any more: opened for these, a document would be refused before
 * its token has come, or stay open for nobody. The handshake brings what is dropped here.
 */
function begins({ kind }: Message): boolean {
  return kind === 'token' || kind === 'sync-step-1'
}

function framed(key: string, message: Message): Uint8Array {
  return webSocketFrame(hocuspocusCodec(key).encode(message))
}
