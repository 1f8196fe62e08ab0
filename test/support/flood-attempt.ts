/**
 * One attempt of an attacker at a server: a socket that comes with an address of its own choice, does harm, and is told something.
 */
import { connect, type Socket } from 'node:net'
import { WebSocket } from 'ws'

/** How attempts ended, and how many of them in each way: `http 429 TOO_MANY_CONNECTS`, `close 4413`, `cut`, `left`. */
export type Outcomes = Record<string, number>

export interface Target {
  readonly port: number
  /** From 0 on: each round comes from addresses of its own. */
  readonly round: number
  /** The document in which honest people are. */
  readonly room: string
  /** Of somebody who may write everything, and of nobody: signed with another key. */
  readonly tokens: { readonly good: string; readonly bad: readonly string[] }
  readonly attempts: number
}

export interface AttemptOptions {
  /** In the header of a proxy that the server trusts. */
  readonly address: string
  readonly path: string
  /** A page: it is refused by a close, and not over HTTP. */
  readonly isPage?: boolean
  readonly onOpen?: (socket: WebSocket) => void
  /** Leaves by itself after this, whatever it was told. */
  readonly patienceMs?: number
}

export const patienceMsDefault = 15_000

/** The address of the attacker of a round. */
export const attackerOf = ({ round }: Target): string => `203.0.113.${round + 1}`

export function attempt({ port }: Target, options: AttemptOptions): Promise<string> {
  const { address, path, isPage = false, onOpen, patienceMs = patienceMsDefault } = options
  const socket = new WebSocket(`ws://127.0.0.1:${port}/${path}`, {
    perMessageDeflate: false,
    headers: { 'X-Forwarded-For': address },
    ...(isPage ? { origin: 'https://app.example' } : {}),
  })
  return new Promise<string>(resolve => {
    const leave = setTimeout(() => resolve('left'), patienceMs)
    const end = (how: string) => {
      clearTimeout(leave)
      resolve(how)
    }
    socket.on('open', () => onOpen?.(socket))
    socket.on('close', code => end(code === 1006 ? 'cut' : `close ${code}`))
    socket.on('error', () => end('cut'))
    socket.on('unexpected-response', (_, response) => {
      let body = ''
      response.setEncoding('utf8').on('data', text => {
        body += text
      })
      response.on('end', () => end(`http ${response.statusCode} ${codeOf(body)}`))
      response.on('error', () => end('cut'))
    })
  }).finally(() => socket.terminate())
}

/** Says some bytes over TCP and no more, and waits until the server ends it. */
export function halfSaid({ port }: Target, bytes: string | Uint8Array): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' })
  let answer = ''
  if (bytes.length > 0) socket.write(bytes)
  return new Promise(resolve => {
    const leave = setTimeout(() => socket.destroy(), patienceMsDefault)
    socket
      .setEncoding('latin1')
      .on('data', text => {
        answer += text
      })
      .on('error', () => {})
      .on('close', () => {
        clearTimeout(leave)
        const [, status] = /^HTTP\/1\.1 (\d+) /.exec(answer) ?? []
        resolve(status === undefined ? 'cut' : `http ${status} ${codeOf(answer)}`)
      })
  })
}

/** Below the frames of `ws`, for those that it would not make. */
export const wireOf = (socket: WebSocket): Socket => (socket as unknown as { _socket: Socket })._socket

export async function tally(attempts: readonly Promise<string>[]): Promise<Outcomes> {
  const outcomes: Outcomes = {}
  for (const how of await Promise.all(attempts)) outcomes[how] = (outcomes[how] ?? 0) + 1
  return outcomes
}

const codeOf = (body: string): string => /"code":"(\w+)"/.exec(body)?.[1] ?? ''
