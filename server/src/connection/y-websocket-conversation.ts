/**
 * What is said in the y-websocket framing: the one document that the path of the request names.
 */
import { closeCodes } from '@syncline/shared/wire/close-codes'
import { awarenessAboutNobody } from '@syncline/shared/wire/sync-frame'
import { yWebsocket } from '@syncline/shared/wire/y-websocket'
import type { Conversation } from './conversation.ts'
import type { Line } from './line.ts'
import type { Session, Voice } from './session.ts'
import { webSocketFrame } from './web-socket-frame.ts'

const keepAliveFrame = webSocketFrame(
  yWebsocket.encode({ kind: 'awareness', awareness: awarenessAboutNobody }),
)

/** Its one document and the connection are the same to a client: all that it can be told is that it ends. */
export function yWebsocketVoice(line: Line): Voice {
  return {
    end: (code, detail) => line.close(code, detail),
    overLimit: ({ message }) => line.close(closeCodes.tooMany, message),
    accessChanged() {},
    endsSoon() {},
  }
}

export class YWebsocketConversation implements Conversation {
  readonly tooLarge = closeCodes.tooLarge
  readonly #line: Line
  readonly #session: Session

  constructor(line: Line, session: Session) {
    this.#line = line
    this.#session = session
  }

  hear(frame: Uint8Array): void {
    const decoded = yWebsocket.decode(frame)
    if (decoded.ok) this.#session.take(decoded.message, frame.byteLength)
    else this.#line.close(closeCodes.malformed, decoded.reason)
  }

  hearTooLarge(_frame: Uint8Array, reason: string): void {
    this.#line.close(closeCodes.tooLarge, reason)
  }

  keepAlive(): Uint8Array {
    return keepAliveFrame
  }

  leave(how: 'closed' | 'lost'): void {
    this.#session.leave(how)
  }
}
