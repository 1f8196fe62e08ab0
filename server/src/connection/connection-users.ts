/**
 * Whose a connection is: counted once for each user, from when that is known until the connection ends.
 */
import type { ConnectionCounts } from './connection-counts.ts'
import type { Holder } from './giving-way.ts'
import type { OverLimit } from './over-limit.ts'

export class ConnectionUsers {
  readonly #counts: ConnectionCounts
  /** Of each user: what gives the place back, or null while it is being asked for. */
  readonly #releases = new Map<string, (() => void) | null>()
  #isOver = false

  constructor(counts: ConnectionCounts) {
    this.#counts = counts
  }

  /** Null where the user may have this connection. */
  async add(user: string, connection: Holder): Promise<OverLimit | null> {
    // On one connection there are few users, and most often one: whoever asks while it is being asked is let through with it.
    if (this.#releases.has(user)) return null
    this.#releases.set(user, null)
    const taken = await this.#counts.ofUser(user, connection)
    if (!taken.ok) {
      this.#releases.delete(user)
      return taken
    }
    if (this.#isOver) taken.release()
    else this.#releases.set(user, taken.release)
    return null
  }

  /** The connection has ended. */
  release(): void {
    this.#isOver = true
    for (const release of this.#releases.values()) release?.()
    this.#releases.clear()
  }
}
