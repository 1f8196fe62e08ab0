/**
 * A WebSocket client on a bare TCP socket, as cheap as one can be, so that the load generator is not what is measured: no
 * events, one read buffer for all sockets, frames written as they were built. Not a client to use elsewhere: it knows
 * unfragmented binary messages, pings and closes, and throws at anything else.
 */
import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'

const opcode = { continuation: 0, binary: 2, close: 8, ping: 9, pong: 10 } as const
const upgradeMsMax = 30_000
const headBytesMax = 16 * 1024
/** Every connection reads into it: what a handler is given is only there until it returns. */
const readBuffer = Buffer.allocUnsafeSlow(256 * 1024)
const mask = Buffer.from([0x5a, 0xc3, 0x17, 0x96])

export interface SocketHandlers {
  /** `bytes` from `start` to `end` is the message, and only until this returns. A server may speak before `open` resolves. */
  onMessage(socket: RawSocket, bytes: Buffer, start: number, end: number): void
  /** The server's close code, or null where it broke off without one. */
  onClose?(code: number | null): void
}

/** A message as a client sends it: one masked frame. */
export function maskedFrame(payload: Uint8Array, kind: number = opcode.binary): Buffer {
  const length = payload.byteLength
  const headBytes = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const frame = Buffer.allocUnsafe(headBytes + 4 + length)
  frame[0] = 0x80 | kind
  if (headBytes === 2) frame[1] = 0x80 | length
  else if (headBytes === 4) {
    frame[1] = 0x80 | 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 0x80 | 127
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  frame.set(mask, headBytes)
  for (let i = 0, at = headBytes + 4; i < length; i++, at++) frame[at] = payload[i]! ^ mask[i & 3]!
  return frame
}

export class RawSocket {
  readonly #socket: Socket
  readonly #handlers: SocketHandlers
  /** What has come of a frame that is not yet whole. */
  #pending: Buffer | null = null
  #pendingLength = 0
  #opened: ((error: Error | null) => void) | null = null
  #closeCode: number | null = null
  frames = 0
  bytes = 0
  closed = false

  private constructor(port: number, path: string, handlers: SocketHandlers) {
    this.#handlers = handlers
    this.#socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: length => {
          this.#read(length)
          return true
        },
      },
    })
    this.#socket.on('error', error => this.#end(error))
    this.#socket.on('close', () => this.#end(new Error('closed before the upgrade')))
    this.#socket.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
    )
  }

  /** Resolves when the server has upgraded. */
  static open(port: number, path: string, handlers: SocketHandlers): Promise<RawSocket> {
    return new Promise((resolve, reject) => {
      const socket = new RawSocket(port, path, handlers)
      const timer = setTimeout(() => {
        socket.destroy()
        reject(new Error(`no upgrade within ${upgradeMsMax} ms`))
      }, upgradeMsMax)
      socket.#opened = error => {
        clearTimeout(timer)
        if (error === null) resolve(socket)
        else reject(error)
      }
    })
  }

  /** A frame made by `maskedFrame`. */
  write(frame: Buffer): void {
    this.#socket.write(frame)
  }

  /** What the generator has written and the server has not taken. */
  get waitingBytes(): number {
    return this.#socket.writableLength
  }

  get localPort(): number {
    return this.#socket.localPort!
  }

  pause(): void {
    this.#socket.pause()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #end(error: Error): void {
    if (this.closed) return
    this.closed = true
    this.#opened?.(error)
    this.#opened = null
    this.#handlers.onClose?.(this.#closeCode)
  }

  #read(length: number): void {
    let bytes: Buffer = readBuffer
    let end = length
    if (this.#pending !== null) {
      const pending = this.#grown(this.#pendingLength + length)
      readBuffer.copy(pending, this.#pendingLength, 0, length)
      end = this.#pendingLength + length
      bytes = pending
    }
    const taken = this.#opened === null ? this.#takeFrames(bytes, 0, end) : this.#takeHead(bytes, end)
    this.#keep(bytes, taken, end)
  }

  #grown(length: number): Buffer {
    const pending = this.#pending!
    if (pending.byteLength >= length) return pending
    const grown = Buffer.allocUnsafe(Math.max(length, pending.byteLength * 2))
    pending.copy(grown, 0, 0, this.#pendingLength)
    this.#pending = grown
    return grown
  }

  /** The rest of a frame waits for its end, in a buffer as long as that frame. */
  #keep(bytes: Buffer, taken: number, end: number): void {
    if (taken === end) {
      this.#pending = null
      this.#pendingLength = 0
      return
    }
    this.#pendingLength = end - taken
    if (bytes === this.#pending && taken === 0) return
    const whole = this.#opened === null ? frameLength(bytes, taken, end) : headBytesMax
    const rest = Buffer.allocUnsafe(Math.max(whole, end - taken))
    bytes.copy(rest, 0, taken, end)
    this.#pending = rest
  }

  #takeHead(bytes: Buffer, end: number): number {
    const headEnd = bytes.subarray(0, end).indexOf('\r\n\r\n')
    if (headEnd < 0) {
      if (end > headBytesMax) this.#socket.destroy()
      return 0
    }
    const head = bytes.toString('latin1', 0, headEnd)
    const opened = this.#opened
    if (!head.startsWith('HTTP/1.1 101')) {
      this.#end(new Error(`refused: ${head.split('\r\n')[0]}`))
      this.#socket.destroy()
      return end
    }
    this.#opened = null
    opened!(null)
    return this.#takeFrames(bytes, headEnd + 4, end)
  }

  /** Where the first frame begins that is not whole. */
  #takeFrames(bytes: Buffer, start: number, end: number): number {
    let at = start
    while (end - at >= 2) {
      const length = frameLength(bytes, at, end)
      if (end - at < length) break
      const code = bytes[at + 1]! & 0x7f
      const payload = at + (code < 126 ? 2 : code === 126 ? 4 : 10)
      this.#take(bytes, bytes[at]!, payload, at + length)
      at += length
    }
    return at
  }

  #take(bytes: Buffer, head: number, start: number, end: number): void {
    if (head === (0x80 | opcode.binary)) {
      this.frames++
      this.bytes += end - start
      this.#handlers.onMessage(this, bytes, start, end)
    } else if (head === (0x80 | opcode.ping)) {
      this.write(maskedFrame(bytes.subarray(start, end), opcode.pong))
    } else if (head === (0x80 | opcode.close)) {
      this.#closeCode = end - start >= 2 ? bytes.readUInt16BE(start) : 1005
      this.#socket.end(maskedFrame(bytes.subarray(start, Math.min(end, start + 2)), opcode.close))
    } else if (head !== (0x80 | opcode.pong)) {
      throw new Error(`a frame that this client does not know begins with ${head}`)
    }
  }
}

/** Of the frame that begins at `at`, header included; at least one byte more than there is, if the header is not whole. */
function frameLength(bytes: Buffer, at: number, end: number): number {
  if (end - at < 2) return 2
  const code = bytes[at + 1]! & 0x7f
  if (code < 126) return 2 + code
  if (code === 126) return end - at < 4 ? 4 : 4 + bytes.readUInt16BE(at + 2)
  return end - at < 10 ? 10 : 10 + Number(bytes.readBigUInt64BE(at + 2))
}
