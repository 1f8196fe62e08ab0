/**
 * An error as an HTTP answer: `application/problem+json` (RFC 9457) with the code of our table.
 */
import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { AppError } from '../foundation/errors.ts'

export interface Problem {
  readonly code: string
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** How long clients are asked to stay away where a later attempt may succeed. */
const retryAfterSeconds = '5'

/** What a status needs beside its body (RFC 9110, 15.5.2, 15.5.6 and 15.5.22). */
const neededHeaders: Readonly<Record<number, Record<string, string>>> = {
  401: { 'WWW-Authenticate': 'Bearer' },
  405: { Allow: 'GET, HEAD' },
  426: { Upgrade: 'websocket', Connection: 'Upgrade' },
}

export function problemOf(error: AppError): Problem {
  const { title, act, status, retry } = error.entry
  const code = status ?? 500
  const type = `urn:syncline:error:${error.code}`
  return {
    code: error.code,
    status: code,
    headers: {
      'Content-Type': 'application/problem+json',
      'Cache-Control': 'no-store',
      ...(retry ? { 'Retry-After': retryAfterSeconds } : {}),
      ...neededHeaders[code],
    },
    body: `${JSON.stringify({ type, title, status: code, detail: error.message, code: error.code, act })}\n`,
  }
}

/** The same as a `Response`. */
export function problemResponse(error: AppError): Response {
  const { status, headers, body } = problemOf(error)
  return new Response(body, { status, headers })
}

/** The same on Node's own response, for what is refused before anything else looks at the request. */
export function writeProblem(
  outgoing: ServerResponse,
  error: AppError,
  { withBody }: { withBody: boolean },
): void {
  const { status, headers, body } = problemOf(error)
  outgoing.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) })
  outgoing.end(withBody ? body : undefined)
}

/** The same as text for a socket that has no response of Node's, and is closed after it. */
export function problemText(error: AppError): string {
  const { status, headers, body } = problemOf(error)
  const all = {
    ...headers,
    Connection: headers.Upgrade === undefined ? 'close' : 'Upgrade, close',
    'Content-Length': String(Buffer.byteLength(body)),
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`
}
