/**
 * Hostile requests from a seed, as bytes: half of them are requests that the server answers, with one part of the line, the headers or the
 * body changed, the others are noise.
 */
import { bytes, changeOne, text, uint, writeFields } from './fields.ts'
import type { Dice } from './mutate.ts'
import { bodies, headerNames, headerValues, methods, targets, values, versions } from './odd-requests.ts'

export interface RequestCase {
  readonly number: number
  readonly bytes: Uint8Array
  readonly kind: 'one part changed' | 'noise'
}

interface Request {
  readonly method: string
  readonly target: string
  readonly version: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

export interface RequestTokens {
  readonly writer: string
  readonly admin: string
}

export function* requestCases(
  dice: Dice,
  count: number,
  tokens: RequestTokens,
  document: string,
): Generator<RequestCase> {
  const requests = honestRequests(tokens, document)
  for (let number = 0; number < count; number++) {
    const request = dice.pick(requests)
    const isChanged = number % 2 === 0
    const said = isChanged ? written(onePartChanged(request, dice)) : noise(request, requests, dice)
    yield { number, bytes: said, kind: isChanged ? 'one part changed' : 'noise' }
  }
}

const host = ['Host', '127.0.0.1'] as const
const close = ['Connection', 'close'] as const

function honestRequests({ writer, admin }: RequestTokens, document: string): readonly Request[] {
  const get = (target: string, ...headers: Request['headers']): Request => ({
    method: 'GET',
    target,
    version: 'HTTP/1.1',
    headers: [host, close, ...headers],
    body: '',
  })
  const upgrade = (target: string, ...headers: Request['headers']): Request => ({
    ...get(target),
    headers: [
      host,
      ['Connection', 'Upgrade'],
      ['Upgrade', 'websocket'],
      ['Sec-WebSocket-Version', '13'],
      ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
      ...headers,
    ],
  })
  const order = JSON.stringify({ user: 'nobody', token: 'none', document: 'nowhere', access: 'read' })
  const bearer = (token: string) => ['Authorization', `Bearer ${token}`] as const
  return [
    get('/healthz'),
    get('/readyz'),
    get('/metrics'),
    get('/'),
    get('/assets/index.js'),
    get('/api/openapi.json'),
    get(`/api/whoami?document=${document}`, bearer(writer)),
    get(`/api/whoami?document=${document}&token=${writer}`),
    get('/api/revocations', bearer(admin)),
    {
      ...get(
        '/api/revocations',
        bearer(admin),
        ['Content-Type', 'application/json'],
        ['Content-Length', `${order.length}`],
      ),
      method: 'POST',
      body: order,
    },
    {
      ...get('/api/whoami', ['Origin', 'https://app.example'], ['Access-Control-Request-Method', 'GET']),
      method: 'OPTIONS',
    },
    upgrade(`/${document}?token=${writer}`),
    upgrade('/a%20document/%F0%9F%98%80', bearer(writer)),
    upgrade(
      `/${document}`,
      ['Sec-WebSocket-Protocol', `syncline-token.${writer}`],
      ['Origin', 'http://127.0.0.1'],
    ),
    upgrade(
      `/${document}`,
      ['X-Forwarded-For', '203.0.113.7, 10.0.0.1'],
      ['Forwarded', 'for="[2001:db8::1]"'],
    ),
    upgrade(`/${document}`, ['Sec-WebSocket-Extensions', 'permessage-deflate; client_max_window_bits']),
  ]
}

function onePartChanged(request: Request, dice: Dice): Request {
  const { headers, body } = request
  const at = dice.roll(headers.length)
  switch (dice.roll(body === '' ? 7 : 9)) {
    case 0:
      return { ...request, method: dice.pick(methods) }
    case 1:
      return { ...request, target: dice.pick(targets) }
    case 2:
      return { ...request, target: otherText(request.target, dice) }
    case 3:
      return { ...request, version: dice.pick(versions) }
    case 4:
      return { ...request, headers: headers.toSpliced(at, 1) }
    case 5:
      return { ...request, headers: [...headers, [dice.pick(headerNames), dice.pick(headerValues)]] }
    case 6:
      return { ...request, headers: headers.with(at, [headers[at]![0], dice.pick(headerValues)]) }
    case 7:
      return withBody(request, dice.pick(bodies))
    default: {
      const fields = Object.entries(JSON.parse(body) as object)
      const name = dice.pick(fields.map(([given]) => given))
      const value = dice.pick(values)
      return withBody(
        request,
        JSON.stringify(
          Object.fromEntries(fields.map(([given, old]) => [given, given === name ? value : old])),
        ),
      )
    }
  }
}

function withBody(request: Request, body: string): Request {
  const length = ['Content-Length', `${Buffer.byteLength(body)}`] as const
  return {
    ...request,
    body,
    headers: request.headers.map(header => (header[0] === length[0] ? length : header)),
  }
}

function otherText(given: string, dice: Dice): string {
  const at = dice.roll(given.length + 1)
  return (
    given.slice(0, at) +
    dice.pick(['%', '%00', '%2F', '/', '?', '#', '\u00e9', '\t', '&', '😀']) +
    given.slice(at + dice.roll(3))
  )
}

function written({ method, target, version, headers, body }: Request): Uint8Array {
  const lines = [
    `${method} ${target} ${version}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    '',
    body,
  ]
  return Buffer.from(lines.join('\r\n'))
}

function noise(request: Request, requests: readonly Request[], dice: Dice): Uint8Array {
  const said = written(request)
  switch (dice.roll(6)) {
    case 0:
      return Uint8Array.from({ length: dice.roll(500) }, () => dice.roll(256))
    case 1:
      return said.subarray(0, dice.roll(said.length))
    case 2:
      return Buffer.concat([said, written(dice.pick(requests)), said])
    case 3:
      // The beginning of TLS, and of HTTP/2.
      return dice.roll(2) === 0
        ? Uint8Array.of(22, 3, 1, 2, 0, 1)
        : Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    case 4:
      // What is behind the handshake belongs to a WebSocket, and this is no frame of one.
      return Buffer.concat([
        said,
        writeFields(changeOne([uint(dice.roll(256)), text('frame'), bytes(said.subarray(0, 20))], dice)),
      ])
    default: {
      const copy = Uint8Array.from(said)
      for (let i = 1 + dice.roll(6); i > 0; i--) copy[dice.roll(copy.length)] = dice.roll(256)
      return copy
    }
  }
}
