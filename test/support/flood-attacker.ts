/**
 * The process of the attackers: apart from the honest people, whose time is measured, and with the lowest claim to the processors, since
 * real attackers bring their own.
 */
import { setPriority } from 'node:os'
import { type AttackName, attacks } from './flood-attacks.ts'
import type { Target } from './flood-attempt.ts'

export interface Order {
  readonly attack: AttackName
  readonly target: Target
}

setPriority(19)
process.on('message', ({ attack, target }: Order) => {
  void attacks[attack](target).then(outcomes => process.send?.(outcomes))
})
