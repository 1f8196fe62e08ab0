/**
 * The WebSocket handshake, and what `ws` does by itself that stock clients must not be told as it stands.
 */
import { type CloseCode, closeCodes } from '@syncline/shared/wire/close-codes'
import { WebSocket, WebSocketServer } from 'ws'
import { tokenProtocolPrefix } from '../auth/token-source.ts'

/**
 * `ws` closes by itself with 1009 and the like, on which stock clients come back with the same message for ever: its own
 * limit lies above ours, and what it says beyond that is translated.
 */
export class StoppingWebSocket extends WebSocket {
  /** What `ws`'s 1009 is translated to: the framing decides, once there is one. */
  tooLarge: CloseCode = closeCodes.tooLarge

  override close(code?: number, data?: string | Buffer): void {
    const own = code === tooLargeOfWs ? this.tooLarge : translated.get(code ?? 0)
    if (own === undefined) super.close(code, data)
    else super.close(own.code, own.code === code ? (data ?? own.reason) : own.reason)
  }
}

const tooLargeOfWs = 1009
const translated = new Map<number, CloseCode>([
  [1002, closeCodes.malformed],
  [1007, closeCodes.malformed],
  // A message in more parts than `ws` keeps.
  [1008, closeCodes.tooLarge],
])

/** How far `ws`'s own limit lies above ours. */
const headroomBytes = 1024 * 1024

export function createWebSocketServer(messageBytesMax: number) {
  return new WebSocketServer<typeof StoppingWebSocket>({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: messageBytesMax + headroomBytes,
    WebSocket: StoppingWebSocket,
    handleProtocols: chooseProtocol,
  })
}

/** A client that offers some fails where none is taken. The one that carries the token is not repeated where another will do. */
function chooseProtocol(offered: Set<string>): string | false {
  const [first] = offered
  return [...offered].find(protocol => !protocol.startsWith(tokenProtocolPrefix)) ?? first ?? false
}
