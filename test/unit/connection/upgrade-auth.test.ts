/**
 * Who is let in where tokens are asked for, over real sockets, with a real authenticator and a room that only notes who enters.
 */
import { createServer, type Server } from 'node:http'
import { type AddressInfo, createConnection } from 'node:net'
import { connectionLimits } from '@syncline/server/internal/connection/connection-limits'
import { Grants } from '@syncline/server/internal/connection/grants'
import type { ConnectionObserver } from '@syncline/server/internal/connection/observer'
import type { Place } from '@syncline/server/internal/connection/session'
import { Upgrades } from '@syncline/server/internal/connection/upgrade'
import { settingsWith } from '@syncline/server/internal/foundation/settings'
import type { Settings } from '@syncline/server/internal/foundation/settings-table'
import { clientAddressReader } from '@syncline/server/internal/http/client-address'
import type { Member } from '@syncline/server/internal/room/member'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { type Door, makeToken, openDoor, secret } from '../../support/auth-stage.ts'
import { connectRaw, frame, type RawClient } from '../../support/raw-client.ts'
import { keyed } from '../../support/raw-hocuspocus.ts'
import { waitUntil } from '../../support/wait-until.ts'

let door: Door
let http: Server
let upgrades: Upgrades
let url: string
let asked: string[]
let members: Member[]
let refused: string[]
const clients: RawClient[] = []

const place: Place = {
  enter: member => members.push(member),
  receive: () => {},
  accessChanged: () => {},
  leave: () => {},
}

async function start(authRefusal: Settings['authRefusal'] = 'auto'): Promise<void> {
  door = await openDoor({ authSecret: secret })
  asked = []
  members = []
  refused = []
  const observer = new Proxy({} as ConnectionObserver, {
    get: (_, name) => (event: { code: string }) => {
      if (name === 'refused') refused.push(event.code)
    },
  })
  upgrades = new Upgrades({
    admit: () => null,
    clientAddress: clientAddressReader(''),
    authentication: { authenticator: door.authenticator, grants: new Grants(door.revocations, door.clock) },
    authRefusal,
    authInBand: true,
    basePath: '',
    openRoom: document => {
      asked.push(document)
      return Promise.resolve(place)
    },
    clock: door.clock,
    limits: connectionLimits(settingsWith()),
    observer,
  })
  http = createServer().on('upgrade', upgrades.handle)
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
  url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}`
}

beforeEach(() => start())

afterEach(async () => {
  for (const client of clients.splice(0)) client.terminate()
  await waitUntil('all connections to end', () => upgrades.connections.size === 0)
  await new Promise(resolve => http.close(resolve))
})

async function connect(
  room: string,
  options: { origin?: string; headers?: Record<string, string>; protocols?: string[] } = {},
): Promise<RawClient> {
  const client = await connectRaw(url, room, options)
  clients.push(client)
  client.send(frame.syncStep1())
  return client
}

const byQuery = (token: string, document = 'doc') => `${document}?token=${token}`

describe('[AUTH-1] a token that is good', () => {
  const ways = {
    'in the query': (token: string) => connect(byQuery(token)),
    'in a header': (token: string) => connect('doc', { headers: { authorization: `Bearer ${token}` } }),
    'in a subprotocol': (token: string) => connect('doc', { protocols: [`syncline-token.${token}`] }),
  }
  for (const [where, come] of Object.entries(ways)) {
    test(`${where} lets somebody in, as whom it names and to do what it grants`, async () => {
      await come(await makeToken())
      const member = await waitUntil('the member', () => members[0])
      expect(member).toMatchObject({
        access: 'write',
        author: 'u1',
        identity: { user: { id: 'u1', name: 'Ada' } },
      })
      expect(asked).toEqual(['doc'])
    })
  }

  test('is not repeated in the handshake where the client offers another subprotocol', async () => {
    const token = await makeToken()
    const client = await connect('doc', { protocols: [`syncline-token.${token}`, 'y'] })
    expect(client.socket.protocol).toBe('y')
  })
})

describe('[AUTH-1] nothing is opened for', () => {
  test('a program with a token that is not good: HTTP 401 that names the check', async () => {
    await expect(connect(byQuery(await makeToken({ exp: 1 })))).rejects.toThrow('401')
    expect(refused).toEqual(['TOKEN_EXPIRED'])
    expect(asked).toEqual([])
  })

  test('a page with a token that is not good: 4401 after its first frame', async () => {
    const client = await connect(byQuery(await makeToken({ exp: 1 })), { origin: 'https://example.org' })
    const closed = await client.waitForClose()
    expect(closed.code).toBe(4401)
    expect(closed.reason).toContain('valid until')
    expect([asked, client.frames]).toEqual([[], []])
  })

  test('somebody without a token: 4401 after the first frame', async () => {
    const client = await connect('doc')
    expect((await client.waitForClose()).code).toBe(4401)
    expect(refused).toEqual(['TOKEN_MISSING'])
    expect(asked).toEqual([])
  })

  test('a token that does not cover the document: 4403', async () => {
    const client = await connect(byQuery(await makeToken(), 'other'))
    expect((await client.waitForClose()).code).toBe(4403)
    expect(asked).toEqual([])
  })

  test('different tokens in one request: 401', async () => {
    const [one, other] = await Promise.all([makeToken(), makeToken({ sub: 'u2' })])
    await expect(connect(byQuery(one), { headers: { authorization: `Bearer ${other}` } })).rejects.toThrow(
      '401',
    )
    expect(refused).toEqual(['TOKEN_AMBIGUOUS'])
  })

  test('a provider that shows nothing valid in a minute: 4401', async () => {
    const client = await connectRaw(url, '')
    clients.push(client)
    client.send(keyed('doc').token(await makeToken({ exp: 1 })))
    await waitUntil('the refusal', () => client.frames.length === 1)
    door.clock.advance(59_999)
    expect(client.closed).toBe(undefined)
    door.clock.advance(1)
    expect(await client.waitForClose()).toMatchObject({
      code: 4401,
      reason: expect.stringContaining('60000'),
    })
    expect(asked).toEqual([])
  })

  test('somebody who does not say anything: 4508 after the time to a first frame', async () => {
    const socket = new WebSocket(`${url}/doc`)
    const closed = new Promise<number>(resolve => socket.on('close', resolve))
    await waitUntil('the connection', () => upgrades.connections.size === 1)
    door.clock.advance(10_000)
    expect(await closed).toBe(4508)
    expect(asked).toEqual([])
  })
})

test('[AUTH-1] a setting gives every refusal the form of HTTP, or of a close', async () => {
  await new Promise(resolve => http.close(resolve))
  await start('http')
  await expect(connect('doc')).rejects.toThrow('401')
  await expect(connect(byQuery(await makeToken(), 'other'))).rejects.toThrow('403')
  await new Promise(resolve => http.close(resolve))
  await start('close')
  const client = await connect(byQuery(await makeToken({ exp: 1 })))
  expect((await client.waitForClose()).code).toBe(4401)
})

test('whoever is held for coming again and does not wait for the refusal costs no place, and is told nothing', async () => {
  const open = () => new Promise<number>(resolve => http.getConnections((_, sockets) => resolve(sockets)))
  const token = await makeToken({ exp: 1 })
  await expect(connect('doc', { headers: { Authorization: `Bearer ${token}` } })).rejects.toThrow('401')
  const { timers } = door.clock
  const again = createConnection({ port: (http.address() as AddressInfo).port, host: '127.0.0.1' })
  again.write(
    `GET /doc HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nAuthorization: Bearer ${token}\r\n\r\n`,
  )
  await waitUntil('it to be held', () => door.clock.timers > timers)
  again.destroy()
  await waitUntil('its socket to be gone', async () => (await open()) === 0)
  door.clock.advance(5_000)
  expect(refused).toEqual(['TOKEN_EXPIRED'])
})
