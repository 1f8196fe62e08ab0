/**
 * What a connection may do with one document, and until when. It follows from claims (`claims.ts`) and from what has been
 * revoked since (`revocations.ts`).
 */
import { type Access, allows } from '@syncline/shared/api/access'
import type { Claims } from './claims.ts'
import { matchesPattern } from './name-pattern.ts'

export interface Grant {
  /** What may be done now. */
  readonly access: Access
  /** What the token says: less than that is left while some of it is revoked. */
  readonly granted: Access
  /** Who it is, as presence shows it; null where the token does not say. */
  readonly user: Claims['user']
  /** `jti`, by which one token can be revoked. */
  readonly tokenId: string | null
  /** Milliseconds since 1970, or null where the token does not say. */
  readonly issuedMs: number | null
  /** The connection ends then. */
  readonly endsMs: number
}

/** Matches every document; the only pattern that also stands for the server as a whole. */
const everyDocument = '*'

/** What `claims` allow with a document; null for none. `null` as a document is the whole server, as for its list of documents. */
export function grantFrom(
  { user, tokenId, issuedMs, docs }: Claims,
  { document, endsMs }: { readonly document: string | null; readonly endsMs: number },
): Grant | null {
  const access = accessTo(document, docs)
  return access === null ? null : { access, granted: access, user, tokenId, issuedMs, endsMs }
}

/** Of the longest pattern that matches; of several that are equally long the one that allows most, since grants add up. */
function accessTo(document: string | null, docs: Claims['docs']): Access | null {
  let best: Claims['docs'][number] | null = null
  for (const one of docs) {
    const isLonger = best === null || one.name.length > best.name.length
    const allowsMore = best?.name.length === one.name.length && allows(one.access, best.access)
    if (!isLonger && !allowsMore) continue
    if (document === null ? one.name === everyDocument : matchesPattern(one.name, document)) best = one
  }
  return best?.access ?? null
}
