import { documentNameFromPath } from '@syncline/shared/document-name'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const bytesMax = 1024
const nameOf = (target: string) => {
  const parsed = documentNameFromPath(target, bytesMax)
  if (!parsed.ok) throw new Error(parsed.reason)
  return parsed.name
}
const reasonOf = (target: string) => {
  const parsed = documentNameFromPath(target, bytesMax)
  return parsed.ok ? `taken as ${JSON.stringify(parsed.name)}` : parsed.reason
}

describe('the name of a document', () => {
  test.each([
    ['/notes', 'notes'],
    ['/a/b//c/', 'a/b//c/'],
    ['//', '/'],
    ['/team%2Fplan', 'team/plan'],
    ['/two%20words', 'two words'],
    ['/plus+stays', 'plus+stays'],
    ['/%C3%BC', 'ü'],
    ['/%F0%9F%98%80', '😀'],
    ['/__proto__', '__proto__'],
    ['/constructor', 'constructor'],
    ['/healthz', 'healthz'],
    ['/100%', '100%'],
    ['/100%25', '100%'],
    ['/50%zz', '50%zz'],
    ['/%4', '%4'],
    ['/%2541', '%41'],
    ['/%FF%FE', '%FF%FE'],
    ['/a%ffb%C3%BC', 'a%ffbü'],
    ['/%41%FF', '%41%FF'],
    ['/%ED%A0%80', '%ED%A0%80'],
    ['/%C0%AF', '%C0%AF'],
    ['/%EF%BB%BFmark', '\uFEFFmark'],
    ['/nul%00inside', 'nul\0inside'],
    ['/with%3Fquestion', 'with?question'],
    ['/hash#inside', 'hash#inside'],
    ['/..', '..'],
  ])('%s names %j', (target, name) => {
    expect(nameOf(target)).toBe(name)
  })

  test('the query is never part of it', () => {
    expect(nameOf('/notes?token=a/b&x=%C3')).toBe('notes')
    expect(nameOf('/notes?a?b')).toBe('notes')
  })

  test('composed and decomposed letters are two names', () => {
    expect(nameOf('/%C3%A9')).not.toBe(nameOf('/e%CC%81'))
  })

  test('an empty name is refused, with or without a query', () => {
    expect(reasonOf('/')).toMatch(/^it is empty/)
    expect(reasonOf('/?room=x')).toMatch(/^it is empty/)
  })

  test('a target that is no path is refused', () => {
    expect(reasonOf('')).toMatch(/begins with a slash/)
    expect(reasonOf('*')).toMatch(/begins with a slash/)
    expect(reasonOf('http://127.0.0.1/notes')).toMatch(/begins with a slash/)
  })

  test('[LIM-1 document-name-bytes] its limit counts bytes of UTF-8 after decoding', () => {
    expect(nameOf(`/${'a'.repeat(1024)}`)).toHaveLength(1024)
    expect(nameOf(`/${'%F0%9F%98%80'.repeat(256)}`)).toBe('😀'.repeat(256))
    expect(reasonOf(`/${'a'.repeat(1025)}`)).toBe('it has 1025 bytes of UTF-8, at most 1024 are allowed')
    expect(reasonOf(`/${'%C3%BC'.repeat(513)}`)).toBe('it has 1026 bytes of UTF-8, at most 1024 are allowed')
  })

  test('whatever text a careful client encodes is the name that arrives', () => {
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 200 })
    fc.assert(fc.property(text, name => nameOf(`/${encodeURIComponent(name)}`) === name))
  })

  test('whatever a stock client leaves to the URL parser arrives as one name and never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }), room => {
        const { pathname } = new URL(`ws://127.0.0.1/${room}`)
        expect(documentNameFromPath(pathname, 100_000).ok).toBe(pathname !== '/')
      }),
    )
  })
})
