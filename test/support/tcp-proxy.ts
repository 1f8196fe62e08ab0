/**
 * A loopback TCP proxy between a client and the server, so that tests can treat the line badly: cut it at an exact byte,
 * reset it, pause it, make it slow, refuse it. It knows bytes and no frames.
 *
 * `up` is from the client to the server, `down` from the server to the client.
 */
import net from 'node:net'

export type Direction = 'up' | 'down'

export interface Cut {
  readonly direction: Direction
  /** So many bytes of the connection in that direction arrive, the next one does not. The upgrade counts. */
  readonly afterBytes: number
}

export interface TcpProxy extends AsyncDisposable {
  readonly port: number
  readonly wsUrl: string
  /** How many connections came so far, refused ones included. */
  readonly accepted: number
  /** How many connections are open. */
  readonly open: number
  /** Bytes passed on in all connections together. */
  readonly passedBytes: Readonly<Record<Direction, number>>
  /** The next connection that comes is cut there; later ones are whole. */
  cutNext(cut: Cut): void
  /** Ends every open connection at once with a FIN, as when a process dies. */
  cut(): void
  /** Ends every open connection at once with a RST, as when a machine forgets. */
  reset(): void
  /** Passes on nothing until `resume`, in both directions or one: a line that is dead and does not say so. */
  pause(direction?: Direction): void
  resume(): void
  /** While true, new connections are ended at once. */
  refusing: boolean
  /** Where new connections go; open ones stay where they are. */
  targetPort: number
}

export interface TcpProxyOptions {
  readonly targetPort: number
  /** Limits each direction of each connection. */
  readonly bytesPerSecond?: number
}

interface Line {
  readonly client: net.Socket
  readonly server: net.Socket
  readonly wake: Set<() => void>
}

const throttleTickMs = 20

export async function startTcpProxy(options: TcpProxyOptions): Promise<TcpProxy> {
  const { bytesPerSecond } = options
  const lines = new Set<Line>()
  const passedBytes = { up: 0, down: 0 }
  let accepted = 0
  const paused = new Set<Direction>()
  let refusing = false
  let { targetPort } = options
  let nextCut: Cut | undefined

  const server = net.createServer({ noDelay: true }, client => {
    accepted++
    client.on('error', () => {})
    if (refusing) return void client.resetAndDestroy()
    const line: Line = {
      client,
      server: net.connect({ port: targetPort, host: '127.0.0.1', noDelay: true }),
      wake: new Set(),
    }
    line.server.on('error', () => {})
    const cut = nextCut
    nextCut = undefined
    lines.add(line)
    const end = () => {
      lines.delete(line)
      client.destroy()
      line.server.destroy()
      for (const wake of line.wake) wake()
    }
    client.on('close', end)
    line.server.on('close', end)
    const pass = (direction: Direction) =>
      void passOn(line, direction, {
        endsAfter: cut?.direction === direction ? cut.afterBytes : Number.POSITIVE_INFINITY,
        bytesPerSecond,
        isPaused: () => paused.has(direction),
        onPassed: bytes => {
          passedBytes[direction] += bytes
        },
      }).then(end, end)
    pass('up')
    pass('down')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as net.AddressInfo

  const cut = () => {
    for (const { client, server: target } of lines) {
      client.destroy()
      target.destroy()
    }
  }

  return {
    port,
    wsUrl: `ws://127.0.0.1:${port}`,
    get accepted() {
      return accepted
    },
    get open() {
      return lines.size
    },
    passedBytes,
    cutNext(cut) {
      nextCut = cut
    },
    cut,
    reset() {
      for (const { client, server: target } of lines) {
        client.resetAndDestroy()
        target.resetAndDestroy()
      }
    },
    pause(direction) {
      for (const one of direction === undefined ? (['up', 'down'] as const) : [direction]) paused.add(one)
    },
    resume() {
      paused.clear()
      for (const { wake } of lines) for (const call of wake) call()
    },
    get refusing() {
      return refusing
    },
    set refusing(value) {
      refusing = value
    },
    get targetPort() {
      return targetPort
    },
    set targetPort(value) {
      targetPort = value
    },
    async [Symbol.asyncDispose]() {
      refusing = true
      cut()
      await new Promise<void>(resolve => server.close(() => resolve()))
    },
  }
}

interface Passing {
  readonly endsAfter: number
  readonly bytesPerSecond: number | undefined
  readonly isPaused: () => boolean
  readonly onPassed: (bytes: number) => void
}

/** Copies one direction until either side ends or the cut is reached. Reading waits for writing: nothing piles up here. */
async function passOn(line: Line, direction: Direction, passing: Passing): Promise<void> {
  const [from, to] = direction === 'up' ? [line.client, line.server] : [line.server, line.client]
  let left = passing.endsAfter
  for await (const chunk of from as AsyncIterable<Buffer>) {
    let bytes = chunk.length > left ? chunk.subarray(0, left) : chunk
    while (bytes.length > 0) {
      while (passing.isPaused()) {
        await woken(line)
        if (line.client.destroyed || line.server.destroyed) return
      }
      const portion = bytes.subarray(0, portionBytes(passing.bytesPerSecond))
      bytes = bytes.subarray(portion.length)
      left -= portion.length
      await written(to, portion)
      passing.onPassed(portion.length)
      if (passing.bytesPerSecond !== undefined) {
        // Paid for after it was sent, by its exact size, so that small frames are not slower than their bytes.
        await elapsed((portion.length / passing.bytesPerSecond) * 1000)
      }
    }
    // The bytes before the cut have been handed to the operating system, so the other side does see half a frame.
    if (left <= 0) return
  }
}

function portionBytes(bytesPerSecond: number | undefined): number {
  if (bytesPerSecond === undefined) return Number.MAX_SAFE_INTEGER
  return Math.max(1, Math.floor((bytesPerSecond * throttleTickMs) / 1000))
}

function written(to: net.Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    to.write(bytes, error => (error ? reject(error) : resolve()))
  })
}

function woken(line: Line): Promise<void> {
  return new Promise(resolve => {
    if (line.client.destroyed || line.server.destroyed) return resolve()
    const wake = () => {
      line.wake.delete(wake)
      resolve()
    }
    line.wake.add(wake)
  })
}

function elapsed(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
