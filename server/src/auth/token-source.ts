/**
 * Where in an upgrade or HTTP request a token may stand. What is in it is `token-verifier.ts`'s.
 *
 * How much there is to look through is bounded by Node, which refuses a request whose head is larger than 16 KiB.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { AppError } from '../foundation/errors.ts'

/** What a client puts before its token to carry it in `Sec-WebSocket-Protocol`, the one header that a browser lets a page choose. */
export const tokenProtocolPrefix = 'syncline-token.'

export type FoundToken =
  /** Null: there is none. */
  | { readonly ok: true; readonly token: string | null }
  | { readonly ok: false; readonly refusal: AppError<'TOKEN_AMBIGUOUS'> }

/** Where several say the same, that is one token. Where they differ, nobody guesses which one was meant. */
export function findToken({
  url = '',
  headers,
}: {
  /** The request target: `/path?query`. */
  readonly url?: string | undefined
  readonly headers: Pick<IncomingHttpHeaders, 'authorization' | 'sec-websocket-protocol'>
}): FoundToken {
  const found = [
    ...inQuery(url).map(token => ({ token, place: '?token=' })),
    ...inAuthorization(headers.authorization).map(token => ({ token, place: 'Authorization' })),
    ...inProtocols(headers['sec-websocket-protocol']).map(token => ({ token, place: 'a subprotocol' })),
  ].filter(({ token }) => token !== '')
  if (new Set(found.map(({ token }) => token)).size <= 1) return { ok: true, token: found[0]?.token ?? null }
  const places = [...new Set(found.map(({ place }) => place))].join(' and ')
  return { ok: false, refusal: new AppError('TOKEN_AMBIGUOUS', { places }) }
}

function inQuery(url: string): string[] {
  const query = url.indexOf('?')
  return query === -1 ? [] : new URLSearchParams(url.slice(query + 1)).getAll('token')
}

/** Other schemes than `Bearer` are none of ours: a proxy in front may have asked for them. */
function inAuthorization(header: string | undefined): string[] {
  const bearer = /^bearer +(\S+) *$/i.exec(header ?? '')
  return bearer === null ? [] : [bearer[1]!]
}

function inProtocols(header: string | undefined): string[] {
  const protocols = (header ?? '').split(',').map(protocol => protocol.trim())
  return protocols
    .filter(protocol => protocol.startsWith(tokenProtocolPrefix))
    .map(protocol => protocol.slice(tokenProtocolPrefix.length))
}
