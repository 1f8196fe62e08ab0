/**
 * Who is let in by what the request says of itself. For HTTP requests and WebSocket upgrades alike.
 *
 * While nobody has to prove who they are, a server on a developer's machine must not be reachable by every web page that
 * its browser shows. Two ways lead there, and each is stopped by one header:
 * - DNS rebinding: a name of the attacker's that resolves to 127.0.0.1. The browser then sends that name as `Host`.
 * - Cross-site WebSocket hijacking: browsers ask no permission before they open a WebSocket to another origin. They do
 *   send the page's `Origin`, which a page cannot change.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { AppError } from '../foundation/errors.ts'
import { isLoopback } from '../foundation/loopback.ts'

/** Shown to whoever was refused, no longer than it helps. */
const shownCharactersMax = 200

const hostAndPort = /^(\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/i

/**
 * Null lets the request in. Without `open`, its `Host` has to be loopback (any port), and its `Origin`, if there is one,
 * too: programs outside browsers send none. An origin that equals such a host is loopback as well.
 */
export function admit(
  headers: Pick<IncomingHttpHeaders, 'host' | 'origin'>,
  { open }: { readonly open: boolean },
): AppError<'HOST_NOT_ALLOWED' | 'ORIGIN_NOT_ALLOWED'> | null {
  if (open) return null
  const { host = '', origin } = headers
  const hostName = hostAndPort.exec(host)?.[1]
  if (hostName === undefined || !isLoopback(hostName)) {
    return new AppError('HOST_NOT_ALLOWED', { host: host.slice(0, shownCharactersMax) })
  }
  if (origin !== undefined && !isLoopbackOrigin(origin)) {
    return new AppError('ORIGIN_NOT_ALLOWED', { origin: origin.slice(0, shownCharactersMax) })
  }
  return null
}

/** `null`, which browsers send for files and sandboxed frames, is nobody's origin: anyone can bring it about. */
function isLoopbackOrigin(origin: string): boolean {
  if (!/^https?:\/\/[^/]+$/i.test(origin)) return false
  const { hostname } = URL.parse(origin) ?? {}
  return hostname !== undefined && isLoopback(hostname)
}
