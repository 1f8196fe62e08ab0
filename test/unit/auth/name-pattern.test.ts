import { matchesPattern } from '@syncline/server/internal/auth/name-pattern'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

/** What the words say, without a thought about time: a star is nothing, or one character and a star. */
function matchesNaively(pattern: string, name: string): boolean {
  if (pattern === '') return name === ''
  if (pattern[0] !== '*') return pattern[0] === name[0] && matchesNaively(pattern.slice(1), name.slice(1))
  return matchesNaively(pattern.slice(1), name) || (name !== '' && matchesNaively(pattern, name.slice(1)))
}

describe('a pattern', () => {
  test.each([
    ['*', ''],
    ['*', 'any/thing at all'],
    ['team/*', 'team/a/b'],
    ['team/*', 'team/'],
    ['*/notes', 'a/b/notes'],
    ['a*b*c', 'abc'],
    ['a*b*c', 'a-b-b-c'],
    ['a**c', 'ac'],
    ['*aab*', 'aaab'],
    ['.+?[a-z](x)|^$\\', '.+?[a-z](x)|^$\\'],
    ['*', '*'],
  ])('%s matches %j', (pattern, name) => {
    expect(matchesPattern(pattern, name)).toBe(true)
  })

  test.each([
    ['', 'a'],
    ['a', 'A'],
    ['a', 'ab'],
    ['team/*', 'team'],
    ['a*a', 'a'],
    ['ab*ba', 'aba'],
    ['a*b*c', 'acb'],
    ['.*x', 'ax'],
    ['?', 'a'],
    ['*b*', 'aaa'],
  ])('%s does not match %j', (pattern, name) => {
    expect(matchesPattern(pattern, name)).toBe(false)
  })

  test('matches what a naive reading of it matches', () => {
    const few = (characters: string, maxLength: number) =>
      fc.array(fc.constantFrom(...characters), { maxLength }).map(all => all.join(''))
    const cases = fc.property(few('ab/*', 9), few('ab/', 10), (pattern, name) => {
      expect(matchesPattern(pattern, name)).toBe(matchesNaively(pattern, name))
    })
    fc.assert(cases, { numRuns: 20_000 })
  })

  test('made to be slow is answered like any other', () => {
    const name = 'a'.repeat(100_000)
    expect(matchesPattern(`*${'a'.repeat(20_000)}b*`, name)).toBe(false)
    expect(matchesPattern('*a'.repeat(5_000), name)).toBe(true)
    expect(matchesPattern(`${'*a'.repeat(5_000)}b`, name)).toBe(false)
  })
})
