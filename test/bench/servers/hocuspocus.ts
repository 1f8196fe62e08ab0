/**
 * @hocuspocus/server with its SQLite extension, set up as its documentation does it; its first argument is the data folder.
 * It stores what is open when it is told to stop.
 */
import path from 'node:path'
import { SQLite } from '@hocuspocus/extension-sqlite'
import { Server } from '@hocuspocus/server'
import { sayPort } from './say-port.ts'

const server = new Server({
  port: 0,
  address: '127.0.0.1',
  quiet: true,
  extensions: [new SQLite({ database: path.join(process.argv[2]!, 'documents.sqlite') })],
})
await server.listen()
sayPort(server.httpServer)
