/**
 * @y/websocket-server with LevelDB, bound by the lines that y-websocket shipped until version 2; its first argument is the
 * data folder.
 */
import { createServer } from 'node:http'
import path from 'node:path'
import { setPersistence, setupWSConnection } from '@y/websocket-server/utils'
import { WebSocketServer } from 'ws'
// @ts-expect-error The package's own types do not resolve under nodenext.
import { LeveldbPersistence } from 'y-leveldb'
import * as Y from 'yjs'
import { sayPort } from './say-port.ts'

const leveldb = new LeveldbPersistence(path.join(process.argv[2]!, 'level'))
setPersistence({
  provider: leveldb,
  bindState: async (name: string, doc: Y.Doc) => {
    const stored: Y.Doc = await leveldb.getYDoc(name)
    leveldb.storeUpdate(name, Y.encodeStateAsUpdate(doc))
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(stored))
    doc.on('update', update => leveldb.storeUpdate(name, update))
  },
  writeState: async () => {},
})

const http = createServer()
const webSockets = new WebSocketServer({ server: http, perMessageDeflate: false, clientTracking: false })
webSockets.on('connection', setupWSConnection)
http.listen(0, '127.0.0.1', () => sayPort(http))
process.on('SIGTERM', async () => {
  await leveldb.destroy()
  process.exit(0)
})
