import { progressLine } from '@syncline/server/internal/cli/progress-line'
import { expect, test } from 'vitest'

function onTerminal() {
  const written: string[] = []
  let nowMs = 0
  const line = progressLine('verifying', { write: text => written.push(text), nowMs: () => nowMs })
  return { written, line, pass: (ms: number) => (nowMs += ms) }
}

test('progress is one line that is written over, ten times a second at most, and gone at the end', () => {
  const { written, line, pass } = onTerminal()
  line.show({ done: 0, total: 4 })
  pass(99)
  line.show({ done: 1, total: 4 })
  pass(1)
  line.show({ done: 2, total: 4 })
  line.clear()
  expect(written).toEqual([
    '\r\x1b[Kverifying [........................] 0 %',
    '\r\x1b[Kverifying [############............] 50 %',
    '\r\x1b[K',
  ])
})

test('work without a total, or beyond it, is done', () => {
  const { written, line, pass } = onTerminal()
  line.show({ done: 0, total: 0 })
  pass(100)
  line.show({ done: 9, total: 4 })
  for (const text of written) expect(text).toContain('100 %')
})

test('nothing is written where nobody looks, and nothing is cleared that was never written', () => {
  const { written, line } = onTerminal()
  line.clear()
  expect(written).toEqual([])
  const silent = progressLine('verifying', { write: null, nowMs: () => 0 })
  silent.show({ done: 1, total: 2 })
  silent.clear()
})
