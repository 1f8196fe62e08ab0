import { parseColor, readableColor } from '@syncline/client/demo/color'
import { initialsOf, nameCharactersMax, palette, parseName } from '@syncline/client/demo/identity'
import fc from 'fast-check'
import { expect, test } from 'vitest'

const numRuns = 500

test('a name keeps the letters of every script, emoji with their joiners, and accents', () => {
  const names = [
    'Ada Marlow',
    '陈小明',
    'محمد علي',
    'नमिता',
    'می‌خواهم',
    '👩‍👩‍👧‍👦 Zoë',
    "O'Neill-Ñandú",
    '<b>bold</b>',
  ]
  for (const name of names) expect(parseName(name)).toBe(name)
})

test('a name loses what controls, hides or turns text, and is nobody if nothing is left', () => {
  expect(parseName('\u202eAda\u2066 \u0000 \n M.\u200b\ufeff ')).toBe('Ada M.')
  expect(parseName(`A${'\u0301'.repeat(500)}`)).toBe(`A${'\u0301'.repeat(4)}`)
  for (const nobody of ['', '  ', '\u200b\u202e', '\u200d', '\ud800', undefined, null, 5, {}, []]) {
    expect(parseName(nobody)).toBeUndefined()
  }
})

test('whatever comes, a name is short, clean and stays what it is when it is parsed again', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), value => {
      const name = parseName(value)
      if (name === undefined) return
      expect(Array.from(name).length).toBeLessThanOrEqual(nameCharactersMax)
      expect(name).not.toMatch(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u)
      expect(name).toBe(name.trim())
      expect(parseName(name)).toBe(name)
    }),
    { numRuns },
  )
})

test('initials are the first whole characters of the first and the last word', () => {
  expect(initialsOf('Ada')).toBe('A')
  expect(initialsOf('ada maria von marlow')).toBe('AM')
  expect(initialsOf('👩‍🚀 Zoë')).toBe('👩‍🚀Z')
})

test('a colour is six hexadecimal digits or none', () => {
  expect(parseColor('#A1429F')).toBe('#a1429f')
  for (const none of ['red', '#fff', '#a1429f;', '#a1429f ', 'url(x)', '', undefined, 5, ['#a1429f']]) {
    expect(parseColor(none)).toBeUndefined()
  }
})

test('every colour is made readable on both pages, and text upon it too', () => {
  const pages = ['#faf8f4', '#17191d']
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffffff }), number => {
      const { background, text } = readableColor(`#${number.toString(16).padStart(6, '0')}`)
      for (const page of pages) expect(contrast(background, page)).toBeGreaterThanOrEqual(3)
      expect(contrast(background, text)).toBeGreaterThanOrEqual(4.5)
    }),
    { numRuns, examples: [[0], [0xffffff], [0xffff00], [0x0000ff], [0x00ff00]] },
  )
})

test('the colours that one can choose are shown as they are', () => {
  for (const { color } of palette) expect(readableColor(color).background).toBe(color)
})

/** WCAG 2's contrast, worked out here once more so that one mistake cannot hide in both places. */
function contrast(one: string, other: string): number {
  const [darker, lighter] = [one, other].map(relativeLuminance).sort((a, b) => a - b)
  return (lighter! + 0.05) / (darker! + 0.05)
}

function relativeLuminance(color: string): number {
  const weights = [0.2126, 0.7152, 0.0722]
  return weights.reduce((sum, weight, at) => {
    const channel = Number(`0x${color.slice(1 + 2 * at, 3 + 2 * at)}`) / 255
    return sum + weight * (channel <= 0.03928 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4)
  }, 0)
}
