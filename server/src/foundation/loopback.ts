/**
 * Which hosts are this machine only.
 */
import { isIPv4, isIPv6 } from 'node:net'

/** `localhost`, 127.0.0.0/8 and `::1` in any spelling, IPv6 with or without brackets. No name is looked up. */
export function isLoopback(host: string): boolean {
  const bare = withoutBrackets(host).toLowerCase()
  if (bare === 'localhost') return true
  if (isIPv4(bare)) return bare.startsWith('127.')
  return isIPv6(bare) && !bare.includes('%') && new URL(`http://[${bare}]`).hostname === '[::1]'
}

export function withoutBrackets(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
}
