/**
 * The floor of a join: a process that has the frames of one join in memory, and pushes them to every socket that says
 * anything. No document, no store, no order to keep. The file of its first argument has the frames, each after its length
 * (32 bits, little endian). Sockets of any path but `/big` hear each other, so that a probe can type here too.
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type WebSocket, WebSocketServer } from 'ws'
import { sayPort } from './say-port.ts'

const bytes = readFileSync(process.argv[2]!)
const frames: Buffer[] = []
for (let at = 0; at < bytes.length; ) {
  const length = bytes.readUInt32LE(at)
  frames.push(bytes.subarray(at + 4, at + 4 + length))
  at += 4 + length
}

const relayed = new Set<WebSocket>()
const http = createServer()
const webSockets = new WebSocketServer({ server: http, perMessageDeflate: false, clientTracking: false })

webSockets.on('connection', (socket, request) => {
  socket.on('error', () => socket.terminate())
  if (request.url !== '/big') {
    relayed.add(socket)
    socket.on('close', () => relayed.delete(socket))
    socket.on('message', data => {
      for (const other of relayed) if (other !== socket) other.send(data, { binary: true })
    })
  } else {
    socket.once('message', () => {
      for (const frame of frames) socket.send(frame)
    })
  }
})
http.listen(0, '127.0.0.1', () => sayPort(http))
process.on('SIGTERM', () => process.exit(0))
