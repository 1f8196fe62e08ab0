/**
 * Networks as operators write them: `10.0.0.0/8`, `2001:db8::/32`, or one address.
 */
import { BlockList, isIPv4, isIPv6 } from 'node:net'

export interface Subnet {
  readonly address: string
  readonly prefixBits: number
  readonly family: 'ipv4' | 'ipv6'
}

/** Null for what is no network. */
export function parseSubnet(text: string): Subnet | null {
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const family = isIPv4(address) ? 'ipv4' : isIPv6(address) && !address.includes('%') ? 'ipv6' : null
  if (family === null) return null
  const bitsMax = family === 'ipv4' ? 32 : 128
  const prefixBits = bits === undefined ? bitsMax : Number(bits)
  return prefixBits <= bitsMax ? { address, prefixBits, family } : null
}

/** Whether an address is in one of the networks. IPv4 inside IPv6 (`::ffff:10.0.0.1`) counts as the IPv4 that it is. */
export function inSubnets(subnets: readonly Subnet[]): (address: string) => boolean {
  const list = new BlockList()
  for (const { address, prefixBits, family } of subnets) list.addSubnet(address, prefixBits, family)
  return address => list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
}
