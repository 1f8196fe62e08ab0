/**
 * Tells what belongs to a former epoch of a document that was replaced [LOG-3].
 *
 * By client ids alone: the content of the new epoch shares none with any former one (`content/prepare-replacement.ts`), so
 * whoever names one holds, or leans on, what is no more. Clocks do not matter: a client that went on writing after the
 * replacement, unseen by us, went on in the former epoch.
 */
import type { FormerEpoch } from '../store/former-epoch.ts'

/** Every client that a former epoch knows. */
export function clientsOf(formerEpochs: readonly FormerEpoch[]): Set<number> {
  const clients = new Set<number>()
  for (const { structs, deletes } of formerEpochs)
    for (const ranges of [structs, deletes]) for (const client of ranges.keys()) clients.add(client)
  return clients
}

/** Why something that names these clients is refused, or null if none of them is of a former epoch. */
export function otherEpochReason(
  clients: Iterable<number>,
  formerClients: ReadonlySet<number>,
): string | null {
  if (formerClients.size === 0) return null
  for (const client of clients)
    if (formerClients.has(client))
      return `the document was replaced since, reload it (client ${client} belongs to what it was)`
  return null
}
