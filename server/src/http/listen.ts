/**
 * Opens the port. Apart from everything else, since a program that embeds the server listens by itself.
 */
import type { Server } from 'node:http'
import { Server as HttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { AppError } from '../foundation/errors.ts'

export interface Listening {
  readonly host: string
  readonly port: number
  /** To click on: what listens everywhere is reached through this machine's own address. */
  readonly url: string
}

/** Resolves once connections are taken; rejects with `PORT_IN_USE` or `ADDRESS_UNUSABLE`. */
export function listen(
  server: Server | HttpsServer,
  { host, port }: { host: string; port: number },
): Promise<Listening> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => reject(startError(error, host, port))
    server.once('error', failed)
    server.listen({ host, port }, () => {
      server.off('error', failed)
      const { address, family, port: opened } = server.address() as AddressInfo
      const scheme = server instanceof HttpsServer ? 'https' : 'http'
      resolve({ host: address, port: opened, url: `${scheme}://${urlHost(address, family)}:${opened}` })
    })
  })
}

function startError(cause: NodeJS.ErrnoException, host: string, port: number): AppError {
  if (cause.code === 'EADDRINUSE') return new AppError('PORT_IN_USE', { host, port }, { cause })
  return new AppError('ADDRESS_UNUSABLE', { host, port, reason: reasonOf(cause) }, { cause })
}

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'EACCES') return 'this user may not open it'
  if (code === 'EADDRNOTAVAIL') return 'this machine does not have that address'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'no address is known for that name'
  return message
}

function urlHost(address: string, family: string): string {
  if (address === '0.0.0.0') return '127.0.0.1'
  if (address === '::') return '[::1]'
  return family === 'IPv6' ? `[${address}]` : address
}
