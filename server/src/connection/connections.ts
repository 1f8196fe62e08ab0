/**
 * The connections of this server: the handshake, and what becomes of a socket after it.
 */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { type CloseCode, closeCodes } from '@syncline/shared/wire/close-codes'
import type { Clock } from '../foundation/clock.ts'
import { draw8Bytes } from '../store/random-bytes.ts'
import { Connection, type ConnectionLimits } from './connection.ts'
import type { ConnectionCounts } from './connection-counts.ts'
import { ConnectionUsers } from './connection-users.ts'
import type { Conversation } from './conversation.ts'
import type { HocuspocusLimits } from './hocuspocus-conversation.ts'
import type { Line } from './line.ts'
import type { ConnectionObserver } from './observer.ts'
import { onProbation } from './probation.ts'
import { RefusedConversation } from './refused-conversation.ts'
import type { RepeatedRefusals } from './repeated-refusals.ts'
import type { Sessions } from './sessions.ts'
import { startConversation, type Turned, type Visit } from './start-conversation.ts'
import type { Visitor } from './visitor.ts'
import { createWebSocketServer } from './web-socket-server.ts'

/** A request to be connected, with the socket that it came on. */
export interface Arrival {
  readonly request: IncomingMessage
  readonly socket: Socket
  readonly head: Buffer
}

export interface ConnectionsOptions {
  readonly sessions: Sessions
  readonly counts: ConnectionCounts
  readonly refusals: RepeatedRefusals
  readonly clock: Clock
  readonly limits: ConnectionLimits
  readonly hocuspocus: HocuspocusLimits
  readonly observer: ConnectionObserver
}

/** How somebody comes through the door. */
export interface Admitted extends Pick<Visit, 'document' | 'allowed' | 'check'> {
  readonly visitor: Visitor
  /** Of the waiting room; null where nobody has to say who they are. */
  readonly leaveWaitingRoom: (() => void) | null
}

/** How long somebody may take to show who they are: a provider may have to fetch its token first. */
const strangersMsMax = 60_000
const atOnce = { how: 'at-once' } as const

export class Connections {
  readonly #options: ConnectionsOptions
  readonly #webSocketServer: ReturnType<typeof createWebSocketServer>
  readonly #all = new Set<Connection>()

  constructor(options: ConnectionsOptions) {
    this.#options = options
    this.#webSocketServer = createWebSocketServer(options.limits.messageBytesMax)
  }

  get all(): ReadonlySet<Connection> {
    return this.#all
  }

  closeAll(code: CloseCode): void {
    for (const connection of this.#all) connection.close(code)
  }

  open({ request, socket, head }: Arrival, admitted: Admitted): void {
    const { clock, limits, hocuspocus, observer, counts, sessions } = this.#options
    this.#webSocketServer.handleUpgrade(request, socket, head, webSocket => {
      const id = draw8Bytes().toString('hex')
      const users = new ConnectionUsers(counts)
      const onAdmitted = this.#onProbation(socket, admitted, () => connection)
      const connection: Connection = new Connection({
        id,
        webSocket,
        socket,
        clock,
        limits,
        observer,
        converse: (line, firstFrame) =>
          startConversation(
            line,
            firstFrame,
            { ...admitted, users, onAdmitted },
            {
              sessions,
              limits: hocuspocus,
              clock,
              refuse: turned => this.#refuse(line, turned, admitted.visitor),
              onRefused: ({ code, message }) => observer.refused({ code, reason: message }),
              onLimit: limit => observer.limitReached(limit),
            },
          ),
        onClosed: () => {
          users.release()
          this.#all.delete(connection)
        },
      })
      this.#all.add(connection)
      observer.connected({ connection: id, address: admitted.visitor.address.address })
    })
  }

  /** Ends when it is known who somebody on the connection is. */
  #onProbation(socket: Socket, { leaveWaitingRoom }: Admitted, connection: () => Connection): () => void {
    if (leaveWaitingRoom === null) return () => {}
    const { clock, observer } = this.#options
    const endBytes = onProbation(socket, () => {
      observer.refused({ code: 'STRANGER_TOO_LARGE', reason: 'too much was sent without a valid token' })
      connection().cut()
    })
    const endTime = clock.after(strangersMsMax, () =>
      connection().close(closeCodes.notAuthenticated, `no valid token came in ${strangersMsMax} ms`),
    )
    socket.once('close', endTime)
    return () => {
      leaveWaitingRoom()
      endBytes()
      endTime()
    }
  }

  #refuse(line: Line, { code, why, isForToken }: Turned, { token, address }: Visitor): Conversation {
    const { observer, refusals, clock } = this.#options
    observer.refused({ code: why.code, reason: why.message })
    const telling = isForToken ? refusals.note(token, address) : atOnce
    return new RefusedConversation(line, { code, detail: why.message, telling }, clock)
  }
}
