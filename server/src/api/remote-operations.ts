/**
 * Operators' work asked of a running server, over the socket in its data folder.
 */
import { type IncomingMessage, request } from 'node:http'
import { z } from 'zod'
import type { ListedDocument } from '../store/update-log.ts'
import type { Operations, VerifyListener } from './operations.ts'
import { type OperatorLine, readLines } from './operator-lines.ts'
import { RemoteError, toldError } from './told-error.ts'

const imported = z.object({ seq: z.number() })
const replacement = z.object({ epoch: z.string(), renamed: z.boolean(), unreadable: z.array(z.string()) })
const backup = z.object({ bytes: z.number() })
const verified = z.object({
  documents: z.number(),
  entries: z.number(),
  pieces: z.number(),
  findings: z.number(),
})
const problem = toldError.pick({ code: true }).extend({ detail: z.string(), act: z.string() })
/** A problem is some sentences. */
const problemBytesMax = 64 * 1024

type Listener = Partial<VerifyListener> & { readonly onListed?: (listed: ListedDocument) => void }

/** `socketPath` is to be usable for as long as this is. */
export function createRemoteOperations(socketPath: string): Operations {
  async function ask(
    method: 'GET' | 'POST',
    path: string,
    body?: Uint8Array | object,
  ): Promise<IncomingMessage> {
    const bytes = body === undefined || body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body))
    const type = body instanceof Uint8Array ? 'application/octet-stream' : 'application/json'
    const headers = bytes === undefined ? {} : { 'Content-Type': type, 'Content-Length': bytes.byteLength }
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      request({ socketPath, method, path, headers, agent: false }, resolve).on('error', reject).end(bytes)
    })
    if (answer.statusCode === 200) return answer
    const { code, detail, act } = problem.parse(
      JSON.parse((await readAll(answer, problemBytesMax)).toString()),
    )
    throw new RemoteError({ code, message: `${detail} ${act}` })
  }

  /** Reads lines to their end; the result that the last one has. */
  async function work<Schema extends z.ZodType>(
    asked: Promise<IncomingMessage>,
    result: Schema,
    listener: Listener = {},
  ): Promise<z.output<Schema>> {
    for await (const line of readLines(await asked)) {
      if ('result' in line) return result.parse(line.result)
      hear(line, listener)
    }
    throw new RemoteError({ code: 'INTERNAL', message: 'The server ended before it was done.' })
  }

  const named = (path: string, document: string) => `${path}?document=${encodeURIComponent(document)}`

  return {
    async *list() {
      for await (const line of readLines(await ask('GET', '/documents'))) {
        if ('listed' in line) yield line.listed
        else if ('result' in line) return
        else hear(line, {})
      }
      throw new RemoteError({ code: 'INTERNAL', message: 'The server ended before it was done.' })
    },
    async export(document, format) {
      return readAll(
        await ask('GET', `${named('/export', document)}&format=${format}`),
        Number.POSITIVE_INFINITY,
      )
    },
    import: (document, update, onProgress) =>
      work(ask('POST', named('/import', document), update), imported, { ...(onProgress && { onProgress }) }),
    replace: (document, update, onProgress) =>
      work(ask('POST', named('/replace', document), update), replacement, {
        ...(onProgress && { onProgress }),
      }),
    backup: (file, onProgress) =>
      work(ask('POST', '/backup', { file }), backup, { ...(onProgress && { onProgress }) }),
    verify: (document, listener) => work(ask('POST', '/verify', { document }), verified, listener),
  }
}

function hear(line: OperatorLine, { onProgress, onFinding }: Listener): void {
  if ('error' in line) throw new RemoteError(line.error)
  if ('progress' in line) onProgress?.(line.progress)
  else if ('finding' in line) onFinding?.(line.finding)
}

async function readAll(answer: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength
    if (bytes > bytesMax) throw new Error(`expected an answer of at most ${bytesMax} bytes`)
    chunks.push(chunk)
  }
  // A server that died in the middle has not sent what it announced: Node rejects above ("aborted").
  return Buffer.concat(chunks)
}
