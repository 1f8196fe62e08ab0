import { TurnBudget } from '@syncline/server/internal/foundation/turn-budget'
import { expect, test } from 'vitest'

const turn = () => new Promise(resolve => setImmediate(resolve))

test('what fits into one turn waits for nothing', () => {
  const budget = new TurnBudget(100)
  expect(budget.spend(60)).toBeUndefined()
  expect(budget.spend(60)).toBeUndefined()
})

test('what does not fit goes on in later turns, in order, each with its own budget', async () => {
  const budget = new TurnBudget(100)
  const done: string[] = []
  budget.spend(100)
  for (const name of ['a', 'b', 'c', 'd']) void budget.spend(60)?.then(() => done.push(name))
  expect(done).toEqual([])
  await turn()
  expect(done).toEqual(['a', 'b'])
  await turn()
  expect(done).toEqual(['a', 'b', 'c', 'd'])
})

test('nobody overtakes those who wait, however little it wants', async () => {
  const budget = new TurnBudget(10)
  budget.spend(10)
  const waiting = budget.spend(10)
  expect(budget.spend(1)).toBeInstanceOf(Promise)
  expect(budget.waiting).toBe(2)
  await waiting
  expect(budget.waiting).toBe(1)
})

test('a turn in which nobody asks leaves a whole budget', async () => {
  const budget = new TurnBudget(10)
  budget.spend(25)
  await turn()
  await turn()
  expect(budget.spend(10)).toBeUndefined()
})
