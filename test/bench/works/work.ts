/** What a work is: what it measures of one target, which columns that fills, and what Syncline should reach in it. */
import type { Target, TargetName } from '../servers/targets.ts'

/** A row's name: a target, or the process that only pushes bytes. */
export type Measured = TargetName | 'pusher'

export type Values = Readonly<Record<string, number | null>>

export interface Column {
  readonly key: string
  readonly title: string
  readonly digits: number
  /** The ratio to this target of the same round is shown beside it. */
  readonly ratioTo?: Measured
}

export interface Row {
  readonly variant: string
  readonly round: number
  readonly target: Measured
  readonly values: Values
  /** The share of a core that the load generator needed: from 0.9 on it was the limit, not the server. */
  readonly loadCores: number
}

/** By target, the values of one variant in one round. */
export type Round = ReadonlyMap<Measured, Values>

export interface Goal {
  readonly text: string
  readonly variant: string
  /** What is compared, from one round; null where a row is missing. */
  value(round: Round): number | null
  readonly bound: { readonly atMost: number } | { readonly atLeast: number }
}

export interface WorkContext {
  readonly quick: boolean
  /** For files that the load processes and the servers are given. */
  readonly folder: string
  /** For Syncline, when it is profiled. */
  readonly nodeFlags: readonly string[]
  /** The time that one fdatasync takes on this disk, in ms. */
  readonly flushMs: number
}

export interface Work {
  readonly letter: string
  readonly title: string
  readonly what: string
  readonly columns: readonly Column[]
  variants(context: WorkContext): readonly string[]
  takes(target: Target, variant: string): boolean
  measure(
    variant: string,
    target: Target,
    context: WorkContext,
  ): Promise<{ values: Values; loadCores: number; also?: { measured: Measured; values: Values }[] }>
  goals(context: WorkContext): readonly Goal[]
}

/** `key` of Syncline (in another framing: `ofOurs`) as a multiple of the least (or, for `most`, greatest) of `others`. */
export function against(
  round: Round,
  key: string,
  others: readonly Measured[],
  best: 'least' | 'most' = 'least',
  ofOurs: Measured = 'syncline',
): number | null {
  const ours = round.get(ofOurs)?.[key]
  const theirs = others.map(name => round.get(name)?.[key]).filter(value => typeof value === 'number')
  if (typeof ours !== 'number' || theirs.length === 0) return null
  return ours / (best === 'least' ? Math.min(...theirs) : Math.max(...theirs))
}

export function own(round: Round, key: string): number | null {
  return round.get('syncline')?.[key] ?? null
}
