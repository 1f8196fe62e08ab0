/**
 * Who is at the other end of a socket, as the request for it tells, and what the documents that it asks for are checked with.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { Authenticator, RefusalCode } from '../auth/authenticator.ts'
import type { Grant } from '../auth/grant.ts'
import type { AppError } from '../foundation/errors.ts'
import type { ClientAddress } from '../http/client-address.ts'

export interface Visitor {
  readonly address: ClientAddress
  readonly origin: string | null
  readonly headers: IncomingHttpHeaders
  /** From the URL, a header or a subprotocol. */
  readonly token: string | null
}

export type Allowed =
  /** Null where nobody has to say who they are. */
  | { readonly ok: true; readonly grant: Grant | null }
  | { readonly ok: false; readonly refusal: AppError<RefusalCode> }

/** Where nobody has to say who they are. */
export const everybody: Allowed = { ok: true, grant: null }

/** Whether the visitor may open a document (null: what needs the whole server), with a token of its own if it has brought one for it. */
export async function checkVisitor(
  authenticator: Authenticator | null,
  { address, origin, headers, token: ofRequest }: Visitor,
  { document, token }: { readonly document: string | null; readonly token: string | null },
): Promise<Allowed> {
  if (authenticator === null) return everybody
  return authenticator.check({ token: token ?? ofRequest, origin, headers, address, document })
}
