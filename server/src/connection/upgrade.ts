/**
 * From an HTTP upgrade request to a connection in its room: who is let in, under which document name, and what a refusal
 * looks like. Opens the room while the handshake is still under way. Of those who come at once, some are let in each turn.
 */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type DocumentName, documentNameFromPath } from '@syncline/shared/document-name'
import { type CloseCode, closeCodes } from '@syncline/shared/wire/close-codes'
import type { Codec } from '@syncline/shared/wire/codec'
import { WebSocket, WebSocketServer } from 'ws'
import type { Clock } from '../foundation/clock.ts'
import { AppError } from '../foundation/errors.ts'
import { TurnBudget } from '../foundation/turn-budget.ts'
import type { Admit } from '../http/admission.ts'
import { belowBasePath } from '../http/base-path.ts'
import type { ClientAddress } from '../http/client-address.ts'
import { problemText } from '../http/problem.ts'
import { draw8Bytes } from '../store/random-bytes.ts'
import { closeWith } from './close-reason.ts'
import { Connection, type ConnectionLimits, type Place } from './connection.ts'
import type { ConnectionObserver } from './observer.ts'

export interface UpgradesLimits extends ConnectionLimits {
  readonly connectionsMax: number
  readonly documentNameBytesMax: number
}

export interface UpgradesOptions {
  readonly admit: Admit
  readonly clientAddress: (request: IncomingMessage) => ClientAddress
  /** What comes before the name of a document in a path. */
  readonly basePath: string
  readonly openRoom: (document: string) => Promise<Place> | 'full'
  readonly codec: Codec
  readonly clock: Clock
  readonly limits: UpgradesLimits
  /** A room that cannot be opened within this is answered 1013. */
  readonly openingMsMax: number
  readonly observer: ConnectionObserver
}

/**
 * `ws` closes by itself with 1009 and the like, on which stock clients come back with the same message for ever: its own
 * limit lies above ours, and what it says beyond that is translated.
 */
class StoppingWebSocket extends WebSocket {
  override close(code?: number, data?: string | Buffer): void {
    const own = translated.get(code ?? 0)
    if (own === undefined) super.close(code, data)
    else super.close(own.code, own.reason)
  }
}

const translated = new Map<number, CloseCode>([
  [1002, closeCodes.malformed],
  [1007, closeCodes.malformed],
  [1009, closeCodes.tooLarge],
])

/** About two milliseconds of handshakes: after a restart everybody comes at once, and those who type must not wait for all. */
const upgradesPerTurn = 16

/** How far `ws`'s own limit lies above ours. */
const webSocketHeadroomBytes = 1024 * 1024

export class Upgrades {
  readonly #options: UpgradesOptions
  readonly #webSocketServer: WebSocketServer
  readonly #connections = new Set<Connection>()
  readonly #budget = new TurnBudget(upgradesPerTurn)
  #closing = false

  constructor(options: UpgradesOptions) {
    this.#options = options
    this.#webSocketServer = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: options.limits.messageBytesMax + webSocketHeadroomBytes,
      WebSocket: StoppingWebSocket as typeof WebSocket,
    })
  }

  get connections(): ReadonlySet<Connection> {
    return this.#connections
  }

  readonly handle = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on('error', () => socket.destroy())
    const refusal = this.#options.admit(request.headers) ?? this.#refusalOf(request)
    if (refusal !== null) return this.#refuse(socket, refusal)
    const later = this.#budget.spend(1)
    if (later === undefined) this.#upgrade(request, socket, head)
    else void later.then(() => this.#upgrade(request, socket, head))
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.#closing) return this.#refuse(socket, this.#tooMany())
    const { limits, basePath, clientAddress } = this.#options
    const { address } = clientAddress(request)
    this.#webSocketServer.handleUpgrade(request, socket, head, webSocket => {
      const target = belowBasePath(request.url ?? '', basePath)
      const document: DocumentName =
        target === null
          ? { ok: false, reason: `it does not begin with ${basePath}/` }
          : documentNameFromPath(target, limits.documentNameBytesMax)
      if (document.ok) this.#connect(webSocket, socket as Socket, { document: document.name, address })
      else this.#turnAway(webSocket, new AppError('DOCUMENT_NAME_INVALID', { reason: document.reason }))
    })
  }

  /** After the handshake: a refusal before it would be retried for ever, and browsers could not see why. */
  #turnAway(webSocket: WebSocket, error: AppError): void {
    this.#options.observer.refused({ code: error.code, reason: error.message })
    webSocket.on('error', () => webSocket.terminate())
    const { code, reason } = closeWith(closeCodes.malformed, error.message)
    webSocket.close(code, reason)
  }

  #refusalOf({ headers }: IncomingMessage): AppError | null {
    const { connectionsMax } = this.#options.limits
    const protocol = headers.upgrade ?? ''
    if (protocol.toLowerCase() !== 'websocket') return new AppError('UPGRADE_REQUIRED', { protocol })
    const connections = this.#connections.size + this.#budget.waiting
    return this.#closing || connections >= connectionsMax ? this.#tooMany() : null
  }

  #tooMany(): AppError {
    return new AppError('TOO_MANY_CONNECTIONS', { connectionsMax: this.#options.limits.connectionsMax })
  }

  /** No more are let in; the connections themselves are closed by their rooms. */
  close(): void {
    this.#closing = true
    for (const connection of this.#connections) connection.close(closeCodes.restart)
  }

  #connect(
    webSocket: WebSocket,
    socket: Socket,
    { document, address }: { document: string; address: string },
  ): void {
    const { clock, codec, limits, observer } = this.#options
    const id = draw8Bytes().toString('hex')
    const onClosed = (connection: Connection) => this.#connections.delete(connection)
    const connection = new Connection({
      id,
      document,
      webSocket,
      socket,
      codec,
      clock,
      limits,
      observer,
      onClosed,
    })
    this.#connections.add(connection)
    observer.connected({ connection: id, document, address })
    void this.#enterRoom(connection)
  }

  async #enterRoom(connection: Connection): Promise<void> {
    const { openRoom, clock, openingMsMax } = this.#options
    const opening = openRoom(connection.document)
    if (opening === 'full') return connection.close(closeCodes.overload, 'too many documents are open')
    const cancel = clock.after(openingMsMax, () => connection.close(closeCodes.overload))
    try {
      connection.join(await opening)
    } catch {
      // The room has told the observer why; nothing was promised, so the client comes back.
      connection.close(closeCodes.overload)
    } finally {
      cancel()
    }
  }

  #refuse(socket: Duplex, error: AppError): void {
    this.#options.observer.refused({ code: error.code, reason: error.message })
    // No timeout of the HTTP server holds for it any more, and a client need not close its side.
    socket.end(problemText(error), () => socket.destroy())
  }
}
