/**
 * What a server says on the operators' socket while it works on something that takes long: one JSON object a line
 * (application/x-ndjson). The last line is a result or an error; without one the server died on the way.
 */
import { z } from 'zod'
import { toldError } from './told-error.ts'

export const linesContentType = 'application/x-ndjson'

const progress = z.object({ done: z.number(), total: z.number() })
const finding = z.object({ document: z.string(), place: z.string(), problem: z.string() })
const listed = z.object({
  document: z.string(),
  epoch: z.string(),
  end: z.object({ seq: z.number(), link: z.string() }),
  baseBytes: z.number(),
  tailEntries: z.number(),
})

export const operatorLine = z.union([
  z.object({ progress }),
  z.object({ finding }),
  z.object({ listed }),
  z.object({ result: z.unknown() }),
  z.object({ error: toldError }),
])
export type OperatorLine = z.output<typeof operatorLine>

export const encodeLine = (line: OperatorLine): string => `${JSON.stringify(line)}\n`

/** Lines out of text that comes in chunks. A line longer than the limit is no line of ours. */
export async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<OperatorLine> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > lineCharactersMax)
      throw new Error(`a line of more than ${lineCharactersMax} characters`)
    for (const line of lines) yield operatorLine.parse(JSON.parse(line))
  }
}

/** A name takes at most 1,024 bytes and each of them six characters of JSON; a problem is a sentence. */
const lineCharactersMax = 1024 * 1024
