/**
 * Asks the application who somebody is and what they may open: what goes to it, and how its answer is understood. How often
 * it is asked is decided in `answers.ts`.
 *
 * The question is `POST` with `{"document", "token", "origin", "address"}` as JSON (null where there is none), and the chosen
 * headers of the client as headers. The answer is 200 with claims as they would stand in a token; 401, 403, 404 or the
 * JSON `null` for nobody. Everything else is a failure.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { ClaimsGiven } from './claims.ts'
import { type Fetch, FetchFailure, fetchJson } from './fetch-json.ts'

/** What the application is told of somebody who wants in. */
export interface Question {
  /** Null: the server as a whole, as for its list of documents. */
  readonly document: string | null
  readonly token: string | null
  readonly origin: string | null
  readonly address: string
  /** Those that are passed on, by their names in small letters. */
  readonly headers: Readonly<Record<string, string>>
}

/** Null: nobody. A rejection is a failure; the client may come back. The signal says that nobody waits any longer. */
export type Authenticate = (
  question: Question,
  options: { readonly signal: AbortSignal },
) => Promise<ClaimsGiven | null>

export interface PassedOn {
  /** In small letters. */
  readonly names: readonly string[]
  /** The pages whose cookies are passed on. */
  readonly cookieOrigins: readonly string[]
}

const answerBytesMax = 16 * 1024
const refusalStatuses: readonly number[] = [401, 403, 404]

/** An application that is asked over HTTP. */
export function createCallback(url: string, fetch: Fetch): Authenticate {
  return async ({ headers, ...question }, { signal }) => {
    const { status, body } = await fetchJson(fetch, url, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'application/json', Accept: 'application/json' },
      body: JSON.stringify(question),
      bytesMax: answerBytesMax,
      signal,
    })
    if (refusalStatuses.includes(status)) return null
    if (status !== 200) throw new FetchFailure(`it answered ${status}`)
    // Parsed by whoever asked, like the answer of a function.
    return body as ClaimsGiven | null
  }
}

/**
 * Browsers send cookies to whatever a page connects to. Only with those of known pages is it the user who wants in, and not
 * a website that the user happens to look at.
 */
export function passOn(
  headers: IncomingHttpHeaders,
  origin: string | null,
  { names, cookieOrigins }: PassedOn,
): Record<string, string> {
  const isKnownPage = origin !== null && cookieOrigins.includes(origin)
  const passed: Record<string, string> = {}
  for (const name of names) {
    const value = headers[name]
    if (value === undefined || (name === 'cookie' && !isKnownPage)) continue
    passed[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return passed
}
