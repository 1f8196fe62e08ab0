/**
 * Reads the URL of a Redis: one server, one that Sentinels know, or a Cluster.
 *
 * What is wrong with one is said without repeating it, since it may hold a password.
 */

export interface RedisAddress {
  readonly host: string
  readonly port: number
}

/** Whom to connect to. Of a Cluster and of Sentinels any that is there tells the others. */
export interface RedisTarget {
  readonly kind: 'single' | 'sentinel' | 'cluster'
  /** At least one; exactly one where `kind` is `single`. */
  readonly addresses: readonly RedisAddress[]
  /** Of the master, as its Sentinels call it; empty elsewhere. */
  readonly masterName: string
  /** The credentials of Redis itself; Sentinels are asked without any. */
  readonly username: string | null
  readonly password: string | null
  readonly database: number
  readonly tls: boolean
}

/** For errors and `--help`. */
export const redisUrlForms =
  'redis://[user:password@]host[:port][/database], rediss:// for TLS, ' +
  'redis+sentinel://[user:password@]host[:port],host[:port]/master-name, or ' +
  'redis+cluster://[user:password@]host[:port],host[:port]'

const addressesMax = 100
const databaseMax = 1_000_000
const urlPattern = /^redis(s?)(?:\+(sentinel|cluster))?:\/\/(?:([^/]*)@)?([^/@?#]+)(?:\/([^/?#]*))?$/
const addressPattern = /^(\[[0-9a-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?$/i

/** Whom a URL means, or null for what is not of one of `redisUrlForms`. */
export function parseRedisUrl(url: string): RedisTarget | null {
  const match = urlPattern.exec(url)
  if (match === null) return null
  const [, s, form = 'single', credentials, hosts = '', path = ''] = match
  const kind = form as RedisTarget['kind']
  const addresses = hosts.split(',').map(host => parseAddress(host, kind === 'sentinel' ? 26_379 : 6_379))
  const login = parseCredentials(credentials)
  if (login === null || addresses.length > addressesMax || !addresses.every(address => address !== null))
    return null
  const target = { kind, addresses, ...login, masterName: '', database: 0, tls: s === 's' }
  if (kind === 'sentinel') {
    const masterName = decode(path)
    return masterName ? { ...target, masterName } : null
  }
  if (kind === 'cluster') return path === '' ? target : null
  const database = Number(path)
  const isDatabase = /^\d{0,7}$/.test(path) && database <= databaseMax
  return addresses.length === 1 && isDatabase ? { ...target, database } : null
}

function parseAddress(text: string, portDefault: number): RedisAddress | null {
  const match = addressPattern.exec(text)
  if (match === null) return null
  const port = match[2] === undefined ? portDefault : Number(match[2])
  return port >= 1 && port <= 65_535 ? { host: match[1]!.replace(/^\[|\]$/g, ''), port } : null
}

/** `password`, `:password` and `user:password` in front of the `@`; null for what cannot be decoded. */
function parseCredentials(text: string | undefined): Pick<RedisTarget, 'username' | 'password'> | null {
  if (text === undefined || text === '') return { username: null, password: null }
  const colon = text.indexOf(':')
  const username = decode(text.slice(0, Math.max(colon, 0)))
  const password = decode(text.slice(colon + 1))
  if (username === null || password === null) return null
  return { username: username || null, password }
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
