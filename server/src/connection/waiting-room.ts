/**
 * The connections that have not shown yet who they are. They cost nobody anything but a socket, so they are few and have little time:
 * strangers must not take the places of those who may be here.
 */
import { AppError } from '../foundation/errors.ts'
import { Tally } from '../foundation/tally.ts'
import type { ClientAddress } from '../http/client-address.ts'
import { overLimit, type Taken } from './over-limit.ts'

export interface WaitingRoomLimits {
  readonly connectionsMax: number
  readonly perAddressMax: number
}

/**
 * The largest first frame of somebody who has to say who he is and has not: it has room for any token. Where nobody is asked it does
 * not count, since the first frame of y-websocket names every client that ever wrote.
 */
export const strangersFrameBytesMax = 64 * 1024

export class WaitingRoom {
  readonly #limits: WaitingRoomLimits
  readonly #tally: Tally

  constructor(limits: WaitingRoomLimits) {
    this.#limits = limits
    this.#tally = new Tally({ max: limits.connectionsMax, perAddressMax: limits.perAddressMax })
  }

  get waiting(): number {
    return this.#tally.all
  }

  /** To be released when it is known who it is, or when it has gone. */
  enter(address: ClientAddress): Taken {
    const counted = this.#tally.take(address)
    if (counted.ok) return counted
    const { connectionsMax, perAddressMax } = this.#limits
    if (counted.full === 'all') {
      return overLimit('limitWaitingConnections', new AppError('TOO_MANY_WAITING', { connectionsMax }))
    }
    return overLimit(
      'limitWaitingConnectionsPerAddress',
      new AppError('TOO_MANY_WAITING_FROM_ADDRESS', { connectionsMax: perAddressMax }),
    )
  }
}
