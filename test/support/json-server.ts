/**
 * A real HTTP server of a test's own, on loopback, that answers as the test says and remembers what it was asked.
 */
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface JsonRequest {
  readonly method: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface JsonAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON, or as it is where it is text. */
  readonly body?: unknown
}

export interface JsonServer {
  readonly url: string
  readonly requests: readonly JsonRequest[]
  /** What comes next is answered so; null: not at all. */
  answer: JsonAnswer | null
  /** Nobody listens any more; what is open is cut. */
  close(): Promise<void>
}

export async function startJsonServer(answer: JsonAnswer | null): Promise<JsonServer> {
  const requests: JsonRequest[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { method = '', headers } = request
    requests.push({ method, headers, body: Buffer.concat(chunks).toString() })
    if (own.answer === null) return
    const { status = 200, headers: answered = {}, body = null } = own.answer
    response.writeHead(status, answered)
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const own: JsonServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    requests,
    answer,
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
  return own
}
