/**
 * The floor that everybody is compared with: bare `ws`, which forwards each binary message to the room's other sockets and
 * knows no CRDT, keeps nothing and answers nothing. A process of its own; says its port on stdout.
 */
import { createServer } from 'node:http'
import { type WebSocket, WebSocketServer } from 'ws'
import { sayPort } from './say-port.ts'

const rooms = new Map<string, Set<WebSocket>>()
const http = createServer()
const webSockets = new WebSocketServer({ server: http, perMessageDeflate: false, clientTracking: false })

webSockets.on('connection', (socket, request) => {
  const name = request.url ?? '/'
  const room = rooms.get(name) ?? new Set()
  rooms.set(name, room.add(socket))
  socket.on('message', (data, isBinary) => {
    if (!isBinary) return
    for (const other of room) if (other !== socket) other.send(data, { binary: true })
  })
  socket.on('error', () => socket.terminate())
  socket.on('close', () => {
    room.delete(socket)
    if (room.size === 0) rooms.delete(name)
  })
})
http.listen(0, '127.0.0.1', () => sayPort(http))
process.on('SIGTERM', () => process.exit(0))
