import { Known } from '@syncline/server/internal/room/known'
import type { ClientRanges } from '@syncline/shared/update/ranges'
import { decodeVector } from '@syncline/shared/update/vector'
import { beforeEach, describe, expect, test } from 'vitest'

const nothing: ClientRanges = new Map()
const of = (client: number, ...ranges: number[]): ClientRanges => new Map([[client, ranges]])

let known: Known
beforeEach(() => {
  known = new Known()
})

const vector = () => {
  const decoded = decodeVector(known.encodedVector())
  if (!decoded.ok) throw new Error(decoded.reason)
  return Object.fromEntries(decoded.vector)
}

describe('Known', () => {
  test('the vector goes to the end of what is held from 0 on', () => {
    known.take(of(7, 0, 5), nothing)
    known.take(of(7, 5, 9), nothing)
    expect(vector()).toEqual({ 7: 9 })
  })

  test('the vector never counts over a gap, and what lies behind it is held', () => {
    expect(known.take(of(7, 0, 5, 8, 9), nothing)).toEqual([{ client: 7, clock: 5 }])
    expect(vector()).toEqual({ 7: 5 })
    expect(known.heldCount).toBe(1)
    expect(known.reachOf(7)).toBe(9)
    expect(known.newStructs(of(7, 0, 12))).toEqual(of(7, 5, 8, 9, 12))
  })

  test('a client of whom nothing is held from 0 on is not in the vector', () => {
    expect(known.take(of(7, 3, 5), nothing)).toEqual([{ client: 7, clock: 0 }])
    expect(vector()).toEqual({})
  })

  test('a gap that is filled takes the vector over all that was held behind it', () => {
    known.take(of(7, 2, 4, 6, 8), nothing)
    expect(known.take(of(7, 0, 2), nothing)).toEqual([{ client: 7, clock: 4 }])
    expect(vector()).toEqual({ 7: 4 })
    expect(known.take(of(7, 3, 7), nothing)).toEqual([])
    expect(vector()).toEqual({ 7: 8 })
    expect(known.heldCount).toBe(0)
  })

  test('ranges behind gaps that touch or overlap are one', () => {
    known.take(of(7, 10, 12), nothing)
    known.take(of(7, 20, 22), nothing)
    expect(known.heldCount).toBe(2)
    known.take(of(7, 11, 20), nothing)
    expect(known.heldCount).toBe(1)
    expect(known.newStructs(of(7, 0, 30))).toEqual(of(7, 0, 10, 22, 30))
  })

  test('what is taken twice changes nothing', () => {
    known.take(of(7, 0, 3, 5, 9), of(9, 2, 4))
    expect(known.take(of(7, 0, 3, 5, 9), of(9, 2, 4))).toEqual([{ client: 7, clock: 3 }])
    expect(known.heldCount).toBe(1)
    expect(known.newStructs(of(7, 0, 3, 5, 9))).toEqual(nothing)
    expect(known.newDeletes(of(9, 2, 4))).toEqual(nothing)
  })

  test('deletes are compared range by range, whoever and whatever is deleted', () => {
    known.take(nothing, of(9, 2, 4))
    known.takeDeletes(of(9, 6, 8))
    expect(known.newDeletes(of(9, 0, 10))).toEqual(of(9, 0, 2, 4, 6, 8, 10))
    expect(known.newDeletes(of(7, 0, 1))).toEqual(of(7, 0, 1))
  })

  test('deleted ranges are counted as they lie, however they came', () => {
    known.take(nothing, of(9, 2, 4, 6, 8))
    known.take(nothing, of(7, 0, 1))
    expect(known.deleteRangeCount).toBe(3)
    known.take(nothing, of(9, 2, 4))
    known.takeDeletes(of(9, 4, 6))
    expect(known.deleteRangeCount).toBe(2)
    const again = new Known()
    again.become(known)
    expect(again.deleteRangeCount).toBe(2)
  })

  test('what was handed in may be changed afterwards', () => {
    const structs = of(7, 2, 4)
    const deletes = of(9, 2, 4)
    known.take(structs, deletes)
    structs.get(7)!.push(5, 6)
    deletes.get(9)!.push(5, 6)
    expect(known.newStructs(of(7, 5, 6))).toEqual(of(7, 5, 6))
    expect(known.newDeletes(of(9, 5, 6))).toEqual(of(9, 5, 6))
  })
})
