/**
 * From an HTTP upgrade request to a connection: who is let in, and what a refusal looks like before the handshake. Of those who
 * come at once, some are let in each turn.
 */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type DocumentName, documentNameFromPath } from '@syncline/shared/document-name'
import { closeCodes } from '@syncline/shared/wire/close-codes'
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
import type { Connection } from './connection.ts'
import { ConnectionCounts } from './connection-counts.ts'
import type { AllConnectionLimits } from './connection-limits.ts'
import { type Admitted, type Arrival, Connections } from './connections.ts'
import { Connects } from './connects.ts'
import type { Grants } from './grants.ts'
import type { ConnectionObserver } from './observer.ts'
import type { OverLimit } from './over-limit.ts'
import { refusalForm } from './refusal-form.ts'
import { RepeatedRefusals } from './repeated-refusals.ts'
import { Sessions, type SessionsOptions } from './sessions.ts'
import type { Visit } from './start-conversation.ts'
import { checkVisitor, everybody, type Visitor } from './visitor.ts'
import { WaitingRoom } from './waiting-room.ts'

export interface UpgradesOptions {
  readonly admit: Admit
  readonly clientAddress: (request: IncomingMessage) => ClientAddress
  /** Null where nobody has to say who they are. */
  readonly authentication: { readonly authenticator: Authenticator; readonly grants: Grants } | null
  readonly authRefusal: Settings['authRefusal']
  /** Whether a token that comes in the framing counts. */
  readonly authInBand: boolean
  /** What comes before the name of a document in a path. */
  readonly basePath: string
  readonly openRoom: SessionsOptions['openRoom']
  readonly clock: Clock
  readonly limits: AllConnectionLimits
  readonly observer: ConnectionObserver
}

/** About two milliseconds of handshakes: after a restart everybody comes at once, and those who type must not wait for all. */
const upgradesPerTurn = 16

export class Upgrades {
  readonly #options: UpgradesOptions
  readonly #connections: Connections
  readonly #counts: ConnectionCounts
  readonly #connects: Connects
  readonly #waitingRoom: WaitingRoom
  readonly #refusals: RepeatedRefusals
  readonly #budget = new TurnBudget(upgradesPerTurn)
  /** Those who have asked, and are neither connected nor refused. */
  #arriving = 0
  #closing = false

  constructor(options: UpgradesOptions) {
    const { authentication, openRoom, clock, limits, observer } = options
    this.#options = options
    this.#counts = new ConnectionCounts(limits.counts, clock)
    this.#connects = new Connects(limits.connects, clock)
    this.#waitingRoom = new WaitingRoom(limits.waitingRoom)
    this.#refusals = new RepeatedRefusals(clock)
    const { openingMsMax } = limits
    const grants = authentication?.grants ?? null
    const counts = this.#counts
    const sessions = new Sessions({
      openRoom,
      grants,
      counts,
      clock,
      limits: limits.inbound,
      openingMsMax,
      observer,
    })
    const refusals = this.#refusals
    this.#connections = new Connections({
      sessions,
      counts,
      refusals,
      clock,
      limits: limits.connection,
      hocuspocus: limits.hocuspocus,
      observer,
    })
  }

  get connections(): ReadonlySet<Connection> {
    return this.#connections.all
  }

  /** For an HTTP server's `upgrade` event. */
  readonly handle = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on('error', () => socket.destroy())
    const arrival = { request, socket: socket as Socket, head }
    const refusal = this.#options.admit(request.headers) ?? this.#refusalOf(request)
    if (refusal !== null) return this.#refuse(arrival, refusal)
    this.#arriving++
    const later = this.#budget.spend(1)
    const arrived = later === undefined ? this.#receive(arrival) : later.then(() => this.#receive(arrival))
    if (arrived === undefined) this.#arriving--
    else
      arrived.catch(() => this.#refuse(arrival, new AppError('INTERNAL', {}))).finally(() => this.#arriving--)
  }

  /** No more are let in; the connections themselves are closed by their rooms. */
  close(): void {
    this.#closing = true
    this.#connections.closeAll(closeCodes.restart)
  }

  #refusalOf({ headers }: IncomingMessage): AppError | null {
    const protocol = headers.upgrade ?? ''
    if (protocol.toLowerCase() !== 'websocket') return new AppError('UPGRADE_REQUIRED', { protocol })
    if (this.#closing) return this.#tooMany()
    if (this.connections.size + this.#arriving < this.#options.limits.connectionsMax) return null
    this.#options.observer.limitReached('limitConnections')
    return this.#tooMany()
  }

  #tooMany(): AppError {
    return new AppError('TOO_MANY_CONNECTIONS', { connectionsMax: this.#options.limits.connectionsMax })
  }

  /** A promise where it is not decided at once. */
  #receive(arrival: Arrival): Promise<void> | undefined {
    if (this.#closing) return void this.#refuse(arrival, this.#tooMany())
    // Who has gone while waiting would be counted for ever: nothing tells again that the socket is closed.
    if (arrival.socket.destroyed) return
    const address = this.#options.clientAddress(arrival.request)
    const counted = this.#counts.fromAddress(address)
    if (!counted.ok) return void this.#refuseOver(arrival, counted)
    arrival.socket.once('close', counted.release)
    // Programs of this machine are not counted.
    if (address.isLocal) return this.#identify(arrival, address)
    return this.#connects.note(address).then(over => {
      if (over === null) return this.#identify(arrival, address)
      this.#refuseOver(arrival, over)
    })
  }

  #identify(arrival: Arrival, address: ClientAddress): Promise<void> | undefined {
    const { request, socket } = arrival
    if (socket.destroyed) return
    const { authentication, authInBand } = this.#options
    const document = this.#documentOf(request)
    const { url, headers } = request
    const found = findToken({ url, headers })
    const token = found.ok ? found.token : ''
    const visitor: Visitor = { address, origin: headers.origin ?? null, headers, token }
    if (authentication === null) {
      return void this.#connections.open(arrival, {
        document,
        allowed: everybody,
        check: async () => everybody,
        visitor,
        leaveWaitingRoom: null,
      })
    }
    const waiting = this.#waitingRoom.enter(address)
    if (!waiting.ok) return void this.#refuseOver(arrival, waiting)
    socket.once('close', waiting.release)
    const check: Visit['check'] = (name, ofFraming) =>
      checkVisitor(authentication.authenticator, visitor, {
        document: name,
        token: authInBand ? ofFraming : null,
      })
    const asked = found.ok ? check(document.ok ? document.name : null, null) : Promise.resolve(found)
    return asked.then(allowed =>
      this.#judge(arrival, { document, allowed, check, visitor, leaveWaitingRoom: waiting.release }),
    )
  }

  /** Before the handshake, and before anything is opened [AUTH-1]. */
  #judge(arrival: Arrival, admitted: Admitted): void {
    const { allowed, visitor } = admitted
    if (this.#closing) return this.#refuse(arrival, this.#tooMany())
    if (!allowed.ok && refusalForm(this.#options.authRefusal, allowed.refusal, visitor) === 'http') {
      return this.#refuseToken(arrival, allowed.refusal, visitor)
    }
    this.#connections.open(arrival, admitted)
  }

  #documentOf({ url = '' }: IncomingMessage): DocumentName {
    const { basePath, limits } = this.#options
    const target = belowBasePath(url, basePath)
    return target === null
      ? { ok: false, reason: `it does not begin with ${basePath}/` }
      : documentNameFromPath(target, limits.documentNameBytesMax)
  }

  #refuseOver(arrival: Arrival, { limit, refusal }: OverLimit): void {
    this.#options.observer.limitReached(limit)
    this.#refuse(arrival, refusal)
  }

  /** Whoever comes again and again waits for the answer, since some clients come back the moment they have it. */
  #refuseToken(arrival: Arrival, refusal: AppError, { token, address }: Visitor): void {
    const telling = this.#refusals.note(token, address)
    const { socket } = arrival
    switch (telling.how) {
      case 'at-once':
        return this.#refuse(arrival, refusal)
      case 'never':
        return void socket.destroy()
      case 'later': {
        const cancel = this.#options.clock.after(telling.delayMs, () => this.#refuse(arrival, refusal))
        // Only a socket that is read tells that whoever waits has gone.
        socket.resume().once('end', () => socket.destroy())
        socket.once('close', () => {
          cancel()
          telling.release()
        })
      }
    }
  }

  #refuse({ socket }: Arrival, error: AppError): void {
    this.#options.observer.refused({ code: error.code, reason: error.message })
    // No timeout of the HTTP server holds for it any more, and a client need not close its side.
    socket.end(problemText(error), () => socket.destroy())
  }
}
