/**
 * New content under a client id that belongs to another user who is connected [AUTH-3]: everybody would take it for theirs.
 *
 * In a live edit nobody honest sends it. In a SyncStep2 they may: a client holds what another has shown it and not delivered
 * here yet. It is left out all the same, since it cannot be told from a forgery, and its owner is connected and delivers it.
 */
import type { ClientRanges } from '@syncline/shared/update/ranges'

export interface Source {
  /** The user behind the connection; null where its token names nobody. */
  readonly user: string | null
  /** The user whose client id it is, if one who is connected is. */
  readonly ownerOf: (client: number) => string | null
  /** It answers a SyncStep1 with all that its client has, whoever wrote it. */
  readonly tellsOthers: boolean
}

/** Those of the clients that belong to others; null in nearly every update. */
export function foreignAmong(structs: ClientRanges, { user, ownerOf }: Source): number[] | null {
  let foreign: number[] | null = null
  for (const client of structs.keys()) {
    const owner = ownerOf(client)
    if (owner === null || owner === user) continue
    foreign ??= []
    foreign.push(client)
  }
  return foreign
}

export const foreignReason = (clients: readonly number[]) =>
  `client ${clients[0]} belongs to another user, who is connected`
