/**
 * Presence in which somebody says to be one of the honest people, and is none of them.
 */
import type { Awareness } from 'y-protocols/awareness'
import { honestNames } from './honest-messages.ts'

/** `honestIds` are the client ids of those who may. */
export function impostorsIn(awareness: Pick<Awareness, 'getStates'>, honestIds: readonly number[]): string[] {
  const names: readonly unknown[] = honestNames
  return [...awareness.getStates()].flatMap(([client, state]) => {
    if (honestIds.includes(client)) return []
    const { id, name } = (state.user ?? {}) as { readonly id?: unknown; readonly name?: unknown }
    return names.includes(id) || names.includes(name) ? [`${client}: ${JSON.stringify(state.user)}`] : []
  })
}
