/**
 * How many connections one user and one address may have, and how many one user may have to one document. Where nobody has to say
 * who they are there are no users, and only addresses are counted.
 */
import type { Clock } from '../foundation/clock.ts'
import { AppError } from '../foundation/errors.ts'
import { Tally } from '../foundation/tally.ts'
import type { ClientAddress } from '../http/client-address.ts'
import { GivingWay, type Holder } from './giving-way.ts'
import { type OverLimit, overLimit, type Taken } from './over-limit.ts'

export interface ConnectionCountLimits {
  readonly perAddressMax: number
  readonly perUserMax: number
  readonly perUserAndDocumentMax: number
}

export class ConnectionCounts {
  readonly #ofAddresses: Tally
  readonly #ofUsers: GivingWay
  readonly #toDocuments: GivingWay
  readonly #limits: ConnectionCountLimits

  constructor(limits: ConnectionCountLimits, clock: Clock) {
    this.#limits = limits
    this.#ofAddresses = new Tally({
      max: Number.POSITIVE_INFINITY,
      perAddressMax: limits.perAddressMax,
    })
    this.#ofUsers = new GivingWay(limits.perUserMax, clock)
    this.#toDocuments = new GivingWay(limits.perUserAndDocumentMax, clock)
  }

  /** Addresses, users, and users with documents that are remembered. */
  get keys(): number {
    return this.#ofAddresses.addresses + this.#ofUsers.keys + this.#toDocuments.keys
  }

  /** For a connection, before its handshake. */
  fromAddress(address: ClientAddress): Taken {
    const counted = this.#ofAddresses.take(address)
    if (counted.ok) return counted
    const { perAddressMax: connectionsMax } = this.#limits
    return overLimit(
      'limitConnectionsPerAddress',
      new AppError('TOO_MANY_CONNECTIONS_FROM_ADDRESS', { connectionsMax }),
    )
  }

  /** For a connection, once it is known whose it is. */
  ofUser(user: string, connection: Holder): Taken | Promise<Taken> {
    const { perUserMax: connectionsMax } = this.#limits
    return takenOr(this.#ofUsers.take(user, connection), () =>
      overLimit('limitConnectionsPerUser', new AppError('TOO_MANY_CONNECTIONS_OF_USER', { connectionsMax })),
    )
  }

  /** For a session: there may be many on one connection. */
  toDocument(user: string, document: string, session: Holder): Taken | Promise<Taken> {
    const { perUserAndDocumentMax: connectionsMax } = this.#limits
    return takenOr(this.#toDocuments.take(JSON.stringify([user, document]), session), () =>
      overLimit(
        'limitConnectionsPerUserAndDocument',
        new AppError('TOO_MANY_CONNECTIONS_TO_DOCUMENT', { connectionsMax }),
      ),
    )
  }
}

function takenOr(place: ReturnType<GivingWay['take']>, otherwise: () => OverLimit): Taken | Promise<Taken> {
  if (typeof place === 'function') return { ok: true, release: place }
  return place.then(release => (release === null ? otherwise() : { ok: true, release }))
}
