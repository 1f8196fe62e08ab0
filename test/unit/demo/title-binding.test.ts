import { moveIndex, spliceBetween } from '@syncline/client/demo/title-binding'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Y from 'yjs'

const numRuns = 500
/** Few letters, so that equal neighbours and emoji with a common half are frequent. */
const title = fc.string({ unit: fc.constantFrom('a', 'b', ' ', 'é', '👍', '👎', '村'), maxLength: 12 })

test('the splice between two titles makes the one into the other and leaves whole characters', () => {
  fc.assert(
    fc.property(title, title, fc.nat(24), (before, after, caret) => {
      const splice = spliceBetween(before, after, Math.min(caret, after.length))
      if (splice === undefined) {
        expect(before).toBe(after)
        return
      }
      const { at, removed, inserted } = splice
      expect(before.slice(0, at) + inserted + before.slice(at + removed)).toBe(after)
      for (const part of [before.slice(0, at), before.slice(at, at + removed), inserted]) {
        expect(part.isWellFormed()).toBe(true)
      }
    }),
    { numRuns },
  )
})

test('a letter typed beside its like is taken for the one at the caret', () => {
  expect(spliceBetween('aaa', 'aaaa', 1)).toEqual({ at: 0, removed: 0, inserted: 'a' })
  expect(spliceBetween('aaa', 'aaaa', 4)).toEqual({ at: 3, removed: 0, inserted: 'a' })
  expect(spliceBetween('👍👍', '👍👍👍', 4)).toEqual({ at: 2, removed: 0, inserted: '👍' })
})

test("a place in the title moves with others' changes as Yjs moves it", () => {
  const edit = fc.record({ at: fc.nat(20), removed: fc.nat(4), inserted: fc.string({ maxLength: 4 }) })
  fc.assert(
    fc.property(
      fc.string({ maxLength: 16 }),
      fc.nat(16),
      fc.array(edit, { maxLength: 5 }),
      (start, place, edits) => {
        const text = new Y.Doc().getText('title')
        text.insert(0, start)
        const index = Math.min(place, start.length)
        const relative = Y.createRelativePositionFromTypeIndex(text, index)
        let moved = index
        text.observe(({ delta }) => {
          moved = moveIndex(moved, delta)
        })
        text.doc!.transact(() => {
          for (const { at, removed, inserted } of edits) {
            const from = Math.min(at, text.length)
            text.delete(from, Math.min(removed, text.length - from))
            text.insert(from, inserted)
          }
        })
        const yjs = Y.createAbsolutePositionFromRelativePosition(relative, text.doc!)!.index
        // Where the character at the place was deleted, both sides of what came in its stead are right.
        const stays = edits.length === 0 || edits.every(({ removed }) => removed === 0)
        if (stays) expect(moved).toBe(yjs)
        expect(moved).toBeGreaterThanOrEqual(0)
        expect(moved).toBeLessThanOrEqual(text.length)
      },
    ),
    { numRuns },
  )
})
