/**
 * Who is let in by what the request says of itself. For HTTP requests and WebSocket upgrades alike.
 *
 * While nobody has to prove who they are, a server on a developer's machine must not be reachable by every web page that
 * its browser shows. Two ways lead there, and each is stopped by one header:
 * - DNS rebinding: a name of the attacker's that resolves to 127.0.0.1. The browser then sends that name as `Host`.
 * - Cross-site WebSocket hijacking: browsers ask no permission before they open a WebSocket to another origin. They do
 *   send the page's `Origin`, which a page cannot change.
 *
 * With authentication neither leads anywhere without a token, which a browser never adds by itself.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { AppError } from '../foundation/errors.ts'
import { isLoopback } from '../foundation/loopback.ts'
import { splitList } from '../foundation/setting-type.ts'
import { hasAuthentication } from '../foundation/settings.ts'
import type { Settings } from '../foundation/settings-table.ts'

export type AdmissionSettings = Pick<Settings, 'open' | 'allowedOrigins'> &
  Parameters<typeof hasAuthentication>[0]

/** Null lets the request in. */
export type Admit = (
  headers: Pick<IncomingHttpHeaders, 'host' | 'origin'>,
) => AppError<'HOST_NOT_ALLOWED' | 'ORIGIN_NOT_ALLOWED'> | null

/** Shown to whoever was refused, no longer than it helps. */
const shownCharactersMax = 200

const hostAndPort = /^(\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/i

/**
 * Without `open` and without authentication, `Host` has to be loopback (any port), and `Origin` too, if there is one and
 * it is not listed: programs outside browsers send none. Otherwise any host will do, and where origins are listed, only they.
 */
export function admission(settings: AdmissionSettings): Admit {
  const listed = new Set(splitList(settings.allowedOrigins))
  const isForThisMachine = !settings.open && !hasAuthentication(settings)
  const servesOrigin = (origin: string) =>
    listed.has(origin.toLowerCase()) || (isForThisMachine ? isLoopbackOrigin(origin) : listed.size === 0)
  return ({ host = '', origin }) => {
    if (isForThisMachine && !isLoopbackHost(host)) {
      return new AppError('HOST_NOT_ALLOWED', { host: host.slice(0, shownCharactersMax) })
    }
    if (origin !== undefined && !servesOrigin(origin)) {
      return new AppError('ORIGIN_NOT_ALLOWED', { origin: origin.slice(0, shownCharactersMax) })
    }
    return null
  }
}

function isLoopbackHost(host: string): boolean {
  const name = hostAndPort.exec(host)?.[1]
  return name !== undefined && isLoopback(name)
}

/** `null`, which browsers send for files and sandboxed frames, is nobody's origin: anyone can bring it about. */
function isLoopbackOrigin(origin: string): boolean {
  if (!/^https?:\/\/[^/]+$/i.test(origin)) return false
  const { hostname } = URL.parse(origin) ?? {}
  return hostname !== undefined && isLoopback(hostname)
}
