/**
 * Somebody who wants in, at a real server, and what they are told: in the form of HTTP, in the form of a close, or not refused.
 */
import { type ClientOptions, WebSocket } from 'ws'
import { frame } from './raw-client.ts'
import { within } from './wait-until.ts'

export type Arrival =
  | { readonly told: 'welcome' }
  | { readonly told: 'http'; readonly status: number; readonly code: string; readonly detail: string }
  | {
      readonly told: 'close'
      readonly code: number
      readonly reason: string
      /** Frames that came before it: nobody who is refused should be sent any. */
      readonly frames: number
    }

/** A page, as a server sees it: a stock socket of a browser sends where the page is from. */
export const somePage = 'https://app.example'

/** As stock clients begin: a SyncStep1, and then they wait. Whoever is let in leaves at once. */
export function arrive(wsUrl: string, path: string, options: ClientOptions = {}): Promise<Arrival> {
  const socket = new WebSocket(`${wsUrl}/${path}`, { perMessageDeflate: false, ...options })
  let frames = 0
  const told = new Promise<Arrival>((resolve, reject) => {
    socket.on('open', () => socket.send(frame.syncStep1()))
    socket.on('message', () => {
      frames++
      resolve({ told: 'welcome' })
    })
    socket.on('close', (code, reason) => resolve({ told: 'close', code, reason: reason.toString(), frames }))
    socket.on('unexpected-response', (request, response) => {
      let body = ''
      response.setEncoding('utf8').on('data', text => {
        body += text
      })
      response.on('end', () => {
        request.destroy()
        const { code, detail } = JSON.parse(body) as { code: string; detail: string }
        resolve({ told: 'http', status: response.statusCode ?? 0, code, detail })
      })
    })
    socket.on('error', reject)
  })
  return within(`somebody at ${path.split('?')[0]} to be told something`, told).finally(() =>
    socket.terminate(),
  )
}

/** The socket of a page, for stock clients: in Node they would come as programs do. */
export function socketOfPage(origin = somePage, onAttempt: () => void = () => {}): typeof WebSocket {
  return class extends WebSocket {
    constructor(address: string | URL, protocols?: string | string[]) {
      super(address, protocols, { origin, perMessageDeflate: false })
      onAttempt()
    }
  } as typeof WebSocket
}
