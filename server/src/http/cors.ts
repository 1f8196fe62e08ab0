/**
 * Lets pages of other origins call `/api`: those that the operator listed. Browsers ask before (a preflight), and keep from a page
 * what it may not read; requests of origins that are not served are refused before this (`admission.ts`).
 */
import type { MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import { splitList } from '../foundation/setting-type.ts'
import type { Settings } from '../foundation/settings-table.ts'

/** How long a browser need not ask again. */
const preflightSecondsMax = 600

/** For `/api/*`. Cookies count only where `authCallbackCookieOrigins` has the origin as well: a token needs none. */
export function allowListedOrigins({
  allowedOrigins,
  authCallbackCookieOrigins,
}: Pick<Settings, 'allowedOrigins' | 'authCallbackCookieOrigins'>): MiddlewareHandler {
  const listed = splitList(allowedOrigins)
  const withCookies = new Set(splitList(authCallbackCookieOrigins))
  const common = {
    origin: listed,
    allowMethods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowHeaders: ['Authorization', 'Content-Type'],
    exposeHeaders: ['Retry-After'],
    maxAge: preflightSecondsMax,
  }
  const [plain, cookies] = [cors(common), cors({ ...common, credentials: true })]
  return (context, next) =>
    (withCookies.has(context.req.header('Origin') ?? '') ? cookies : plain)(context, next)
}
