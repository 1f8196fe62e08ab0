/**
 * @hocuspocus/server as one of several instances that share a Redis, whose port is its first argument; set up as its
 * documentation does it. It keeps documents nowhere: a database would cost it more.
 */
import { Redis } from '@hocuspocus/extension-redis'
import { Server } from '@hocuspocus/server'
import { sayPort } from './say-port.ts'

const server = new Server({
  port: 0,
  address: '127.0.0.1',
  quiet: true,
  extensions: [new Redis({ host: '127.0.0.1', port: Number(process.argv[2]) })],
})
await server.listen()
sayPort(server.httpServer)
