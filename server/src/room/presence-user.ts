/**
 * Whose a client id is. Users are told apart by the ids of their tokens, and those whose tokens name nobody by their
 * connections: two of them may be two people.
 */
import type { Identity } from './member.ts'

/** A user's id; a symbol of its own for everybody without one, which equals nobody else. */
export type PresenceUser = string | symbol

/** Null where nobody has to say who they are: then everybody counts as one. */
export function userBehind(identity: Identity | null): PresenceUser | null {
  if (identity === null) return null
  return identity.user?.id ?? Symbol('a connection whose token names nobody')
}

const nobodyElsewhere = Symbol('somebody on another instance whose token names nobody')

/** Whom a vouched state names (`vouched-presence.ts`); other instances have seen the token behind it. */
export function userVouchedFor(json: string): PresenceUser {
  return userIdIn(json) ?? nobodyElsewhere
}

/** `user.id` of a state, whoever wrote it. */
export function userIdIn(json: string): string | null {
  const state: unknown = JSON.parse(json)
  const user = isObject(state) ? state.user : null
  const id = isObject(user) ? user.id : null
  return typeof id === 'string' ? id : null
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
