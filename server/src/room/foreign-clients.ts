/**
 * New content under a client id that belongs to another user who is connected [AUTH-3]: everybody would take it for theirs.
 *
 * In a live edit nobody honest sends it. In a SyncStep2 they may: a client holds what another has shown it and not delivered
 * here yet. It is left out all the same, since it cannot be told from a forgery, and its owner is connected and delivers it.
 */
import type { ClientRanges } from '@syncline/shared/update/ranges'

export interface Source {
  /** Whether a client id belongs to another user than the one behind the connection, who is connected too. */
  readonly isOfAnother: (client: number) => boolean
  /** It answers a SyncStep1 with all that its client has, whoever wrote it. */
  readonly tellsOthers: boolean
}

/** Those of the clients that belong to others; null in nearly every update. */
export function foreignAmong(structs: ClientRanges, { isOfAnother }: Source): number[] | null {
  let foreign: number[] | null = null
  for (const client of structs.keys()) {
    if (!isOfAnother(client)) continue
    foreign ??= []
    foreign.push(client)
  }
  return foreign
}

export const foreignReason = (clients: readonly number[]) =>
  `client ${clients[0]} belongs to another user, who is connected`
