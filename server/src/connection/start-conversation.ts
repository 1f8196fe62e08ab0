/**
 * The first frame tells in which framing a client speaks, and nothing else does: neither path nor query nor subprotocol.
 */
import type { DocumentName } from '@syncline/shared/document-name'
import { type CloseCode, closeCodes } from '@syncline/shared/wire/close-codes'
import { yWebsocket } from '@syncline/shared/wire/y-websocket'
import { AppError } from '../foundation/errors.ts'
import type { Conversation } from './conversation.ts'
import type { Line } from './line.ts'
import type { Sessions } from './sessions.ts'
import type { Allowed } from './visitor.ts'
import { YWebsocketConversation } from './y-websocket-conversation.ts'

/** What is known before the first frame. */
export interface Visit {
  /** The document that the path names. */
  readonly document: DocumentName
  /** Whether that may be opened. */
  readonly allowed: Allowed
}

export interface ConversationOptions {
  readonly sessions: Sessions
  /** Says nothing more than why the connection ends. */
  readonly refuse: (code: CloseCode, why: { readonly code: string; readonly message: string }) => Conversation
}

/** Every y-websocket client begins with SyncStep1 (`00 00`), and no Hocuspocus frame begins with 0. */
const syncFirstByte = 0
const unknownFraming = {
  code: 'FRAMING_UNKNOWN',
  message: 'the first message has to be a SyncStep1 in the y-websocket framing',
}

export function startConversation(
  line: Line,
  firstFrame: Uint8Array,
  { document, allowed }: Visit,
  { sessions, refuse }: ConversationOptions,
): Conversation {
  if (firstFrame[0] !== syncFirstByte) return refuse(closeCodes.malformed, unknownFraming)
  if (!document.ok) {
    return refuse(closeCodes.malformed, new AppError('DOCUMENT_NAME_INVALID', { reason: document.reason }))
  }
  if (!allowed.ok) return refuse(allowed.refusal.entry.close ?? closeCodes.notAuthenticated, allowed.refusal)
  const session = sessions.open({
    id: line.id,
    document: document.name,
    codec: yWebsocket,
    grant: allowed.grant,
    wantsStatus: false,
    line,
    end: (_, code, detail) => line.close(code, detail),
  })
  return new YWebsocketConversation(line, session)
}
