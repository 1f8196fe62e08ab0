/**
 * Presence in which somebody says to be one of the honest people, and is none of them.
 */
import type { Awareness } from 'y-protocols/awareness'
import { honestNames } from './honest-messages.ts'

/** `honestIds` are the client ids of those who may. */
export function impostorsIn(awareness: Pick<Awareness, 'getStates'>, honestIds: readonly number[]): string[] {
  const names: readonly unknown[] = honestNames
  return [...awareness.getStates()].flatMap(([client, state]) => {
    const user: unknown = state.user
    if (honestIds.includes(client) || typeof user !== 'object' || user === null) return []
    return Object.values(user).some(said => names.includes(said))
      ? [`${client}: ${JSON.stringify(user)}`]
      : []
  })
}
