/** Tables as rows of text: medians over rounds, and ratios as medians of what they were within each round. */
import { median, roundsOf, type WorkResults } from '../results.ts'
import { targets } from '../servers/targets.ts'
import type { Goal, Measured, Round, Work } from '../works/work.ts'

export type Table = readonly (readonly string[])[]

/** From this share of a core on, the load generator was the limit and not the server. */
const loadLimitCores = 0.9

const order: readonly Measured[] = [
  'syncline',
  'syncline-hocuspocus',
  'syncline-mixed',
  'pusher',
  'ws-relay',
  'hocuspocus',
  'y-websocket',
]

export function valuesTable(work: Work, results: WorkResults, variant: string): Table {
  const rounds = roundsOf(results, variant)
  const present = order.filter(name => rounds.some(round => round.has(name)))
  const head = ['', ...work.columns.map(column => column.title)]
  return [
    head,
    ...present.map(name => [
      titleOf(name) + (isLoadLimited(results, variant, name) ? ' *' : ''),
      ...work.columns.map(({ key, digits, ratioTo }) => {
        const value = median(rounds.map(round => round.get(name)?.[key]))
        if (value === null) return '–'
        const ratio = ratioTo === undefined || ratioTo === name ? null : ratioOf(rounds, key, name, ratioTo)
        return grouped(value, digits) + (ratio === null ? '' : ` (×${short(ratio)})`)
      }),
    ]),
  ]
}

export interface Judged {
  readonly goal: Goal
  readonly value: number | null
  readonly met: boolean | null
}

export function judged(work: Work, results: WorkResults, flushMs: number): Judged[] {
  const goals = work.goals({ quick: false, folder: '', nodeFlags: [], flushMs })
  return goals
    .filter(goal => results.rows.some(row => row.variant === goal.variant))
    .map(goal => {
      const value = median(roundsOf(results, goal.variant).map(round => goal.value(round)))
      return { goal, value, met: value === null ? null : holds(goal, value) }
    })
}

export function goalsTable(work: Work, results: WorkResults, flushMs: number): Table {
  return [
    ['goal', 'bound', 'measured', ''],
    ...judged(work, results, flushMs).map(({ goal, value, met }) => [
      goal.text,
      'atMost' in goal.bound ? `≤ ${short(goal.bound.atMost)}` : `≥ ${short(goal.bound.atLeast)}`,
      value === null ? '–' : short(value),
      met === null ? 'not measured' : met ? 'met' : '**missed**',
    ]),
  ]
}

export function titleOf(name: Measured): string {
  if (name === 'pusher') return 'pusher of the same bytes'
  return targets.find(target => target.name === name)!.title
}

export function short(value: number): string {
  const size = Math.abs(value)
  return size >= 100 ? grouped(value, 0) : size >= 10 ? value.toFixed(1) : value.toFixed(2)
}

function holds({ bound }: Goal, value: number): boolean {
  return 'atMost' in bound ? value <= bound.atMost : value >= bound.atLeast
}

function ratioOf(rounds: readonly Round[], key: string, name: Measured, to: Measured): number | null {
  return median(
    rounds.map(round => {
      const value = round.get(name)?.[key]
      const base = round.get(to)?.[key]
      return typeof value === 'number' && typeof base === 'number' && base > 0 ? value / base : null
    }),
  )
}

function isLoadLimited({ rows }: WorkResults, variant: string, name: Measured): boolean {
  return rows.some(row => row.variant === variant && row.target === name && row.loadCores >= loadLimitCores)
}

/** 1234567.8 as 1 234 568. */
function grouped(value: number, digits: number): string {
  const [whole, fraction] = value.toFixed(digits).split('.')
  const spaced = whole!.replace(/\B(?=(\d{3})+$)/g, ' ')
  return fraction === undefined ? spaced : `${spaced}.${fraction}`
}
