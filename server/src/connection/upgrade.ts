/**
 * From an HTTP upgrade request to a connection: who is let in, and what a refusal looks like before the handshake. Of those who
 * come at once, some are let in each turn.
 */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type DocumentName, documentNameFromPath } from '@syncline/shared/document-name'
import { closeCodes } from '@syncline/shared/wire/close-codes'
import type { WebSocket, WebSocketServer } from 'ws'
import type { Authenticator } from '../auth/authenticator.ts'
import { findToken } from '../auth/token-source.ts'
import type { Clock } from '../foundation/clock.ts'
import { AppError } from '../foundation/errors.ts'
import type { Settings } from '../foundation/settings-table.ts'
import { TurnBudget } from '../foundation/turn-budget.ts'
import type { Admit } from '../http/admission.ts'
import { belowBasePath } from '../http/base-path.ts'
import type { ClientAddress } from '../http/client-address.ts'
import { problemText } from '../http/problem.ts'
import { draw8Bytes } from '../store/random-bytes.ts'
import { Connection, type ConnectionLimits } from './connection.ts'
import type { InboundLimits } from './inbound.ts'
import type { ConnectionObserver } from './observer.ts'
import { refusalForm } from './refusal-form.ts'
import { RefusedConversation } from './refused-conversation.ts'
import { Sessions, type SessionsOptions } from './sessions.ts'
import { startConversation, type Visit } from './start-conversation.ts'
import { checkVisitor, everybody, type Visitor } from './visitor.ts'
import { createWebSocketServer } from './web-socket-server.ts'

export interface UpgradesLimits extends ConnectionLimits, InboundLimits {
  readonly connectionsMax: number
  readonly documentNameBytesMax: number
}

export interface UpgradesOptions {
  readonly admit: Admit
  readonly clientAddress: (request: IncomingMessage) => ClientAddress
  /** Null where nobody has to say who they are. */
  readonly authenticator: Authenticator | null
  readonly authRefusal: Settings['authRefusal']
  /** What comes before the name of a document in a path. */
  readonly basePath: string
  readonly openRoom: SessionsOptions['openRoom']
  readonly clock: Clock
  readonly limits: UpgradesLimits
  /** A room that cannot be opened within this is answered 1013. */
  readonly openingMsMax: number
  readonly observer: ConnectionObserver
}

/** About two milliseconds of handshakes: after a restart everybody comes at once, and those who type must not wait for all. */
const upgradesPerTurn = 16

/** A request to be connected, with the socket that it came on. */
interface Arrival {
  readonly request: IncomingMessage
  readonly socket: Socket
  readonly head: Buffer
}

export class Upgrades {
  readonly #options: UpgradesOptions
  readonly #sessions: Sessions
  readonly #webSocketServer: WebSocketServer
  readonly #connections = new Set<Connection>()
  readonly #budget = new TurnBudget(upgradesPerTurn)
  /** Those whose token is being checked. */
  #checking = 0
  #closing = false

  constructor(options: UpgradesOptions) {
    this.#options = options
    this.#sessions = new Sessions(options)
    this.#webSocketServer = createWebSocketServer(options.limits.messageBytesMax)
  }

  get connections(): ReadonlySet<Connection> {
    return this.#connections
  }

  readonly handle = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on('error', () => socket.destroy())
    const arrival = { request, socket: socket as Socket, head }
    const refusal = this.#options.admit(request.headers) ?? this.#refusalOf(request)
    if (refusal !== null) return this.#refuse(arrival, refusal)
    const later = this.#budget.spend(1)
    if (later === undefined) this.#receive(arrival)
    else void later.then(() => this.#receive(arrival))
  }

  /** No more are let in; the connections themselves are closed by their rooms. */
  close(): void {
    this.#closing = true
    for (const connection of this.#connections) connection.close(closeCodes.restart)
  }

  #refusalOf({ headers }: IncomingMessage): AppError | null {
    const { connectionsMax } = this.#options.limits
    const protocol = headers.upgrade ?? ''
    if (protocol.toLowerCase() !== 'websocket') return new AppError('UPGRADE_REQUIRED', { protocol })
    const connections = this.#connections.size + this.#budget.waiting + this.#checking
    return this.#closing || connections >= connectionsMax ? this.#tooMany() : null
  }

  #tooMany(): AppError {
    return new AppError('TOO_MANY_CONNECTIONS', { connectionsMax: this.#options.limits.connectionsMax })
  }

  #receive(arrival: Arrival): void {
    if (this.#closing) return this.#refuse(arrival, this.#tooMany())
    const { request } = arrival
    const { authenticator, clientAddress } = this.#options
    const document = this.#documentOf(request)
    if (authenticator === null) {
      const address = clientAddress(request)
      return this.#connect(arrival, address, { document, allowed: everybody })
    }
    this.#checking++
    this.#check(arrival, document)
      .catch(() => this.#refuse(arrival, new AppError('INTERNAL', {})))
      .finally(() => {
        this.#checking--
      })
  }

  /** Before the handshake, and before anything is opened [AUTH-1]. */
  async #check(arrival: Arrival, document: DocumentName): Promise<void> {
    const { authenticator, authRefusal, clientAddress } = this.#options
    const { request } = arrival
    const { url, headers } = request
    const found = findToken({ url, headers })
    const visitor: Visitor = {
      address: clientAddress(request),
      origin: headers.origin ?? null,
      headers,
      token: found.ok ? found.token : '',
    }
    const asked = { document: document.ok ? document.name : null, token: null }
    const allowed = found.ok ? await checkVisitor(authenticator, visitor, asked) : found
    if (this.#closing) return this.#refuse(arrival, this.#tooMany())
    if (!allowed.ok && refusalForm(authRefusal, allowed.refusal, visitor) === 'http') {
      return this.#refuse(arrival, allowed.refusal)
    }
    this.#connect(arrival, visitor.address, { document, allowed })
  }

  #documentOf({ url = '' }: IncomingMessage): DocumentName {
    const { basePath, limits } = this.#options
    const target = belowBasePath(url, basePath)
    return target === null
      ? { ok: false, reason: `it does not begin with ${basePath}/` }
      : documentNameFromPath(target, limits.documentNameBytesMax)
  }

  #connect({ request, socket, head }: Arrival, { address }: ClientAddress, visit: Visit): void {
    const { clock, limits, observer } = this.#options
    this.#webSocketServer.handleUpgrade(request, socket, head, (webSocket: WebSocket) => {
      const id = draw8Bytes().toString('hex')
      const connection = new Connection({
        id,
        webSocket,
        socket,
        clock,
        limits,
        observer,
        converse: (line, firstFrame) =>
          startConversation(line, firstFrame, visit, {
            sessions: this.#sessions,
            refuse: (code, refusal) => {
              observer.refused({ code: refusal.code, reason: refusal.message })
              return new RefusedConversation(line, { code, detail: refusal.message }, clock, 0)
            },
          }),
        onClosed: () => this.#connections.delete(connection),
      })
      this.#connections.add(connection)
      observer.connected({ connection: id, address })
    })
  }

  #refuse({ socket }: Arrival, error: AppError): void {
    this.#options.observer.refused({ code: error.code, reason: error.message })
    // No timeout of the HTTP server holds for it any more, and a client need not close its side.
    socket.end(problemText(error), () => socket.destroy())
  }
}
