/**
 * Whose address counts for a request: the socket's, or behind trusted proxies the one that they saw.
 *
 * Anybody can send `X-Forwarded-For`. Each proxy adds at the right whom it was asked by, so from the right on, addresses are to be
 * believed as long as it was a trusted proxy that wrote them: the first that is not one of ours is the client. Which limits count by
 * address is left to others.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { isIP, isIPv4, isIPv6 } from 'node:net'
import { isLoopback } from '../foundation/loopback.ts'
import { splitList } from '../foundation/setting-type.ts'
import { inSubnets, parseSubnet } from '../foundation/subnet.ts'

export interface ClientAddress {
  /** For people to read: an IPv4 or IPv6 address, or `unknown`. */
  readonly address: string
  /** What is counted: the address, or for IPv6 its network of 64 bits, since each customer has at least one of these for himself. */
  readonly counted: string
  /** A program of this machine, with nobody in between: exempt from limits per address. */
  readonly isLocal: boolean
}

export interface AddressedRequest {
  readonly headers: IncomingHttpHeaders
  readonly socket: { readonly remoteAddress?: string | undefined }
}

/** Proxies in a row that are looked through. More are a loop, or somebody who plays. */
const hopsMax = 20

/** A request that has one of these has come through somebody, and is not from this machine whatever its socket says. */
const forwardingHeaders = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'x-forwarded-host', 'via']

/** `trustedProxies` is the setting: addresses and networks, separated by commas. */
export function clientAddressReader(trustedProxies: string): (request: AddressedRequest) => ClientAddress {
  const subnets = splitList(trustedProxies).map(word => parseSubnet(word))
  const isTrusted = inSubnets(subnets.filter(subnet => subnet !== null))
  return ({ headers, socket }) => {
    const peer = parseAddress(socket.remoteAddress ?? '')
    // The socket is gone already, or is none of the network's.
    if (peer === null) return { address: 'unknown', counted: 'unknown', isLocal: false }
    const address = rightmostUntrusted(peer, forwardedFor(headers), isTrusted)
    const isForwarded = forwardingHeaders.some(name => headers[name] !== undefined)
    return { address, counted: counted(address), isLocal: !isForwarded && isLoopback(peer) }
  }
}

function rightmostUntrusted(
  peer: string,
  chain: readonly (string | null)[],
  isTrusted: (address: string) => boolean,
): string {
  let address = peer
  for (const next of chain.slice(-hopsMax).reverse()) {
    // What cannot be read (`unknown`, `_hidden`) hides who was before; the proxy that wrote it stands for them.
    if (next === null || !isTrusted(address)) break
    address = next
  }
  return address
}

/**
 * The addresses of the chain, the client's first. A proxy writes one of the two headers and passes the other on as it came from the
 * client: where they differ, nobody can say which, and none is believed.
 */
function forwardedFor(headers: IncomingHttpHeaders): (string | null)[] {
  const [old, standard] = [headers['x-forwarded-for'], headers.forwarded]
  const fromOld = old === undefined ? null : [old].flat().join(',').split(',').map(parseNode)
  const fromStandard = standard === undefined ? null : parseForwarded(standard)
  if (fromOld !== null && fromStandard !== null) return fromOld.join() === fromStandard.join() ? fromOld : []
  return fromOld ?? fromStandard ?? []
}

/** The `for` of each element of `Forwarded` (RFC 7239): `for=192.0.2.1;proto=https, for="[2001:db8::1]:4711"`. */
function parseForwarded(header: string): (string | null)[] {
  return header.split(',').map(element => {
    const [, node = ''] = /(?:^|;)\s*for\s*=\s*("[^"]*"|[^;]*)/i.exec(element) ?? []
    return parseNode(node.trim().replace(/^"(.*)"$/, '$1'))
  })
}

/** An address with or without a port, IPv6 with or without brackets; null for anything else. */
function parseNode(text: string): string | null {
  const node = text.trim()
  const [, inBrackets, beforePort] = /^(?:\[([^\]]+)\]|([^:]+))(?::\d{1,5})?$/.exec(node) ?? []
  return parseAddress(inBrackets ?? beforePort ?? node)
}

/** One spelling for each address: IPv4 inside IPv6 is the IPv4 that it is, and a zone says nothing here. */
function parseAddress(text: string): string | null {
  const address = text.replace(/%.*$/, '').toLowerCase()
  if (!isIPv6(address)) return isIPv4(address) ? address : null
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [, high, low] = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/.exec(canonical) ?? []
  if (high === undefined || low === undefined) return canonical
  return [high, low].flatMap(hex => [Number.parseInt(hex, 16) >> 8, Number.parseInt(hex, 16) & 255]).join('.')
}

function counted(address: string): string {
  if (isIP(address) !== 6) return address
  const [before = '', after] = address.split('::')
  const [left, right] = [before, after ?? ''].map(part => part.split(':').filter(group => group !== ''))
  const zeros = Array.from({ length: 8 - left!.length - right!.length }, () => '0')
  return `${[...left!, ...zeros, ...right!].slice(0, 4).join(':')}::/64`
}
