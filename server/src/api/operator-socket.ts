/**
 * The Unix socket in the data folder over which commands reach the server that holds the folder. Its mode, 0600, is the whole
 * of its protection: nobody but the folder's owner (and root) can open it, no web page can reach it.
 *
 * A killed server leaves its socket behind as a file. It is removed by the next one: that has the folder's lock, so nobody
 * listens on it.
 *
 * The system takes about 100 bytes as the path of a socket. Where the folder's path is longer, the socket is named
 * through an open descriptor of the folder (`/proc/self/fd/N/operator.sock`), which Linux alone has.
 */
import { chmodSync, closeSync, constants, lstatSync, openSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join, resolve } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import type { Hono } from 'hono'
import { AppError } from '../foundation/errors.ts'

export const operatorSocketName = 'operator.sock'

/** `sun_path` without its last NUL, on Linux; macOS has 104. */
const pathBytesMax = process.platform === 'linux' ? 107 : 103
/** Commands are short-lived, and two of them at the same time are many. */
const connectionsMax = 16

export interface SocketPath {
  /** What the system takes as the path, until `release`. */
  readonly path: string
  release(): void
}

/** The path of the socket in a folder. Throws `OPERATOR_SOCKET_UNUSABLE` where it is too long and there is no way around. */
export function socketPathIn(folder: string): SocketPath {
  const path = join(resolve(folder), operatorSocketName)
  if (Buffer.byteLength(path) <= pathBytesMax) return { path, release() {} }
  if (process.platform !== 'linux') {
    const reason = `the path of its socket, ${path}, is longer than ${pathBytesMax} bytes`
    throw new AppError('OPERATOR_SOCKET_UNUSABLE', { folder, reason })
  }
  const descriptor = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  return {
    path: `/proc/self/fd/${descriptor}/${operatorSocketName}`,
    release: () => closeSync(descriptor),
  }
}

/** Listens until `close`. To be called by who holds the folder's lock. Rejects with `OPERATOR_SOCKET_UNUSABLE`. */
export async function openOperatorSocket(folder: string, app: Hono): Promise<{ close(): Promise<void> }> {
  const socket = socketPathIn(folder)
  const server = createServer(getRequestListener(app.fetch, { overrideGlobalObjects: false }))
  server.maxConnections = connectionsMax
  // A verification may say nothing for as long as one document takes.
  server.requestTimeout = 0
  try {
    removeStale(socket.path)
    await listenPrivately(server, socket.path)
  } catch (error) {
    socket.release()
    if (error instanceof AppError) throw error
    throw new AppError(
      'OPERATOR_SOCKET_UNUSABLE',
      { folder, reason: (error as Error).message },
      { cause: error },
    )
  }
  return {
    close: () =>
      new Promise(closed => {
        // Removes the file as well.
        server.close(() => {
          socket.release()
          closed()
        })
        server.closeAllConnections()
      }),
  }
}

function removeStale(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket()) throw new Error(`${operatorSocketName} is in the folder and is no socket`)
  rmSync(path)
}

/** The socket is made with its mode, not given it afterwards: in between, somebody could have opened it. */
function listenPrivately(server: Server, path: string): Promise<void> {
  return new Promise((listening, failed) => {
    server.once('error', failed)
    const mask = process.umask(0o177)
    try {
      server.listen({ path }, () => {
        server.off('error', failed)
        chmodSync(path, 0o600)
        listening()
      })
    } finally {
      process.umask(mask)
    }
  })
}
