import { isCssColor } from '@syncline/server/internal/foundation/css-color'
import { describe, expect, test } from 'vitest'

describe('a colour', () => {
  test.each([
    '#abc',
    '#ABCD',
    '#30bced',
    '#30bced80',
    'red',
    'RebeccaPurple',
    'transparent',
    'rgb(0, 128, 255)',
    'rgba(0,128,255,.5)',
    'rgb(0 128 255 / 50%)',
    'hsl(120deg 100% 25%)',
    'hsl(120, 100%, 25%)',
    'hsla(0.5turn, 100%, 25%, 0.3)',
  ])('%s is one', color => {
    expect(isCssColor(color)).toBe(true)
  })

  test.each([
    '',
    '#ab',
    '#abcde',
    '30bced',
    'reddish',
    'inherit',
    'toString',
    'red;color:blue',
    'red"',
    'red\n',
    '#abc}',
    'rgb(0,0,0);x:y',
    'rgb(0,0)',
    'rgb(var(--x))',
    'rgb(0 0 0 / 1) ',
    'url(//evil.example)',
    'rgb(0,0,0)rgb(0,0,0)',
    `rgb(0,0,${'0'.repeat(100)})`,
    'expression(alert(1))',
  ])('%j is none', color => {
    expect(isCssColor(color)).toBe(false)
  })
})
