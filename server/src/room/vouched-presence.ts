/**
 * Makes true what a state of presence says about its user: `user.id`, `user.name` and `user.color` are those of the token, whatever
 * the client says [AUTH-3]. Everything else in a state is the client's own, and nobody vouches for it.
 *
 * - A token without a name: the user's id stands for it, since a name that the client chose could be another's.
 * - A token without a colour: the client's own stays if it is one. A colour identifies nobody, but pages put it into styles.
 * - A token that names nobody: the state has no id and no name.
 * - A state that is no object, which clients do not know how to read, says who it is and nothing else.
 * - A `__proto__` beside these fields is left out: pages that copy a state with `Object.assign` would inherit what it says.
 */
import { isCssColor } from '../foundation/css-color.ts'
import type { Identity } from './member.ts'
import { isObject } from './presence-user.ts'

/** Null where it would be larger than `bytesMax`: written again, some numbers are four times as long. */
export function vouchedState(json: string, { user }: Identity, bytesMax: number): string | null {
  const parsed: unknown = JSON.parse(json)
  const state = isObject(parsed) ? withoutPrototype(parsed) : {}
  // Assigned in place, so that every key stays where it was.
  if (user !== null) state.user = vouchedUser(isObject(state.user) ? withoutPrototype(state.user) : {}, user)
  else if (isObject(state.user)) state.user = withoutIdentity(withoutPrototype(state.user))
  else delete state.user
  const vouched = JSON.stringify(state)
  return Buffer.byteLength(vouched) > bytesMax ? null : vouched
}

function vouchedUser(
  stated: Record<string, unknown>,
  { id, name, color }: NonNullable<Identity['user']>,
): Record<string, unknown> {
  stated.id = id
  stated.name = name ?? id
  if (color !== null) stated.color = color
  return withoutOtherColor(stated)
}

function withoutIdentity(stated: Record<string, unknown>): Record<string, unknown> {
  delete stated.id
  delete stated.name
  return withoutOtherColor(stated)
}

function withoutOtherColor(stated: Record<string, unknown>): Record<string, unknown> {
  const color = stated.color
  if (typeof color !== 'string' || !isCssColor(color)) delete stated.color
  return stated
}

function withoutPrototype(stated: Record<string, unknown>): Record<string, unknown> {
  Reflect.deleteProperty(stated, '__proto__')
  return stated
}
