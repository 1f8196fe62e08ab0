/**
 * The first frame tells in which framing a client speaks, and nothing else does: neither path nor query nor subprotocol.
 */
import type { DocumentName } from '@syncline/shared/document-name'
import { type CloseCode, closeCodes } from '@syncline/shared/wire/close-codes'
import { yWebsocket } from '@syncline/shared/wire/y-websocket'
import type { Clock } from '../foundation/clock.ts'
import { AppError } from '../foundation/errors.ts'
import type { LimitName } from '../foundation/settings-table.ts'
import type { ConnectionUsers } from './connection-users.ts'
import type { Conversation } from './conversation.ts'
import { HocuspocusConversation, type HocuspocusLimits } from './hocuspocus-conversation.ts'
import type { Line } from './line.ts'
import type { Sessions } from './sessions.ts'
import type { Allowed } from './visitor.ts'
import { strangersFrameBytesMax } from './waiting-room.ts'
import { YWebsocketConversation, yWebsocketVoice } from './y-websocket-conversation.ts'

/** What is known before the first frame. */
export interface Visit {
  /** The document that the path names. */
  readonly document: DocumentName
  /** Whether that may be opened. */
  readonly allowed: Allowed
  /** Whether another one may be, with a token of its own if one came in the framing. */
  readonly check: (document: string | null, token: string | null) => Promise<Allowed>
  readonly users: ConnectionUsers
  /** It is known who somebody on this connection is. */
  readonly onAdmitted: () => void
}

/** Why somebody is not let in. */
export interface Turned {
  readonly code: CloseCode
  readonly why: Pick<AppError, 'message'> & { readonly code: string }
  /** For a token, or the want of one: who comes with the same again is told later. */
  readonly isForToken: boolean
}

export interface ConversationOptions {
  readonly sessions: Sessions
  readonly limits: HocuspocusLimits
  readonly clock: Clock
  readonly refuse: (turned: Turned) => Conversation
  /** One document of several is refused, and its connection stays. */
  readonly onRefused: (why: Turned['why']) => void
  readonly onLimit: (limit: LimitName) => void
}

/** Every y-websocket client begins with SyncStep1 (`00 00`), and no Hocuspocus frame begins with 0. */
const syncFirstByte = 0
const strangersFrame = {
  code: 'STRANGER_TOO_LARGE',
  message: `the first message of somebody without a valid token may have ${strangersFrameBytesMax} bytes`,
}

export function startConversation(
  line: Line,
  firstFrame: Uint8Array,
  visit: Visit,
  options: ConversationOptions,
): Conversation {
  const { document, allowed, users, onAdmitted } = visit
  const { sessions, refuse } = options
  const malformed = (why: Turned['why']) => refuse({ code: closeCodes.malformed, why, isForToken: false })
  if (!allowed.ok && firstFrame.byteLength > strangersFrameBytesMax) {
    return refuse({ code: closeCodes.tooLarge, why: strangersFrame, isForToken: false })
  }
  if (firstFrame[0] !== syncFirstByte) return new HocuspocusConversation(line, { ...visit, ...options })
  if (!document.ok) return malformed(new AppError('DOCUMENT_NAME_INVALID', { reason: document.reason }))
  if (!allowed.ok) {
    const code = allowed.refusal.entry.close ?? closeCodes.notAuthenticated
    return refuse({ code, why: allowed.refusal, isForToken: true })
  }
  onAdmitted()
  const session = sessions.open({
    id: line.id,
    document: document.name,
    codec: yWebsocket,
    grant: allowed.grant,
    isProvider: false,
    line,
    users,
    voice: yWebsocketVoice(line),
  })
  return new YWebsocketConversation(line, session)
}
