import { encodeLine, type OperatorLine, readLines } from '@syncline/server/internal/api/operator-lines'
import { expect, test } from 'vitest'

const lines: OperatorLine[] = [
  { progress: { done: 1, total: 2 } },
  { finding: { document: 'ü\n', place: 'entry 3', problem: 'missing: entry 4 comes next' } },
  { listed: { document: '', epoch: 'e', end: { seq: 1, link: 'l' }, baseBytes: 0, tailEntries: 1 } },
  { error: { code: 'DOCUMENT_BUSY', message: 'Nothing was changed.' } },
  { result: null },
]

async function* inChunks(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function readAll(chunks: AsyncIterable<Uint8Array>): Promise<OperatorLine[]> {
  const read: OperatorLine[] = []
  for await (const line of readLines(chunks)) read.push(line)
  return read
}

test('lines are read as they were said, however they arrive', async () => {
  const bytes = Buffer.from(lines.map(encodeLine).join(''))
  for (const size of [1, 2, 7, bytes.length]) expect(await readAll(inChunks(bytes, size))).toEqual(lines)
})

test('half a line, which a server that died has left, is none', async () => {
  const bytes = Buffer.from(lines.map(encodeLine).join('')).subarray(0, -1)
  expect(await readAll(inChunks(bytes, 5))).toEqual(lines.slice(0, -1))
})

test('what is no line of ours is an error, and so is one without an end', async () => {
  await expect(readAll(inChunks(Buffer.from('{"other": 1}\n'), 100))).rejects.toThrow()
  await expect(readAll(inChunks(Buffer.from('nonsense\n'), 100))).rejects.toThrow()
  const endless = Buffer.alloc(3 * 1024 * 1024, 'x')
  await expect(readAll(inChunks(endless, 64 * 1024))).rejects.toThrow('a line of more than')
})
