import { shownName } from '@syncline/server/internal/cli/shown-name'
import { expect, test } from 'vitest'

test.each(['notes', 'a/b c', 'Ünïcödé', '100%', '__proto__', '中文', '👍'])('%s is shown as it is', name => {
  expect(shownName(name)).toBe(name)
})

test.each([
  ['', '""'],
  [' notes', '" notes"'],
  ['a  b', '"a  b"'],
  ['"quoted"', '"\\"quoted\\""'],
  ['line\nbreak', '"line\\nbreak"'],
  ['\x1b[2Jgone', '"\\u001b[2Jgone"'],
  ['\u202egnp.exe', '"\\u202egnp.exe"'],
  ['a\u200bb', '"a\\u200bb"'],
  ['\u{e0041}', '"\\udb40\\udc41"'],
  ['nul\0', '"nul\\u0000"'],
])('%j is shown as %s', (name, shown) => {
  expect(shownName(name)).toBe(shown)
  // What is shown tells exactly which name it is.
  expect(JSON.parse(shown)).toBe(name)
})
