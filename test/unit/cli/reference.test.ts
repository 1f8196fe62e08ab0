import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { referencePages } from '@syncline/server/internal/cli/reference'
import { errors } from '@syncline/server/internal/foundation/errors'
import { describe, expect, test } from 'vitest'

const repository = path.resolve(import.meta.dirname, '../../..')
const print = 'print it anew: node --conditions=syncline-source server/src/cli/print-reference.ts'

describe('the printed pages', () => {
  test.each(referencePages())('$file says what the tables say', async ({ file, text }) => {
    expect(await readFile(path.join(repository, file), 'utf8'), print).toBe(text)
  })

  test.each(referencePages())('$file has no cell that breaks its table', ({ text }) => {
    const [head = '', ...rows] = text.split('\n').filter(line => line.startsWith('|'))
    const cells = (row: string) => row.split('|').length
    expect(rows.length).toBeGreaterThan(10)
    for (const row of rows) expect(cells(row), row).toBe(cells(head))
  })
})

test('every error that the start script tells is in the table', async () => {
  const script = await readFile(path.join(repository, 'server/bin/syncline'), 'utf8')
  const codes = [...script.matchAll(/fail "([A-Z_]+):/g)].map(([, code]) => code ?? '')
  expect(codes).toHaveLength(2)
  for (const code of codes) expect(errors).toHaveProperty(code)
})
