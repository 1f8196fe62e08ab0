/**
 * Clients that have gone before it is their turn: they are counted nowhere.
 */
import { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { connectionLimits } from '@syncline/server/internal/connection/connection-limits'
import type { ConnectionObserver } from '@syncline/server/internal/connection/observer'
import { Upgrades } from '@syncline/server/internal/connection/upgrade'
import { settingsWith } from '@syncline/server/internal/foundation/settings'
import { clientAddressReader } from '@syncline/server/internal/http/client-address'
import { expect, test } from 'vitest'
import { TestClock, turn } from '../../support/room-clock.ts'

const many = 40

/** A socket of somebody from elsewhere, as far as it is looked at before the handshake. */
class ArrivingSocket extends EventEmitter {
  readonly remoteAddress = '192.0.2.1'
  destroyed = false
  answer = ''

  end(text: string, done: () => void): void {
    this.answer = text
    done()
  }

  destroy(): void {
    if (this.destroyed) return
    this.destroyed = true
    this.emit('close')
  }
}

test('[LIM-1 connections-per-address] who has gone before it is their turn does not count, then or ever', async () => {
  const reached: string[] = []
  const upgrades = new Upgrades({
    admit: () => null,
    clientAddress: clientAddressReader(''),
    authentication: null,
    authRefusal: 'auto',
    authInBand: true,
    basePath: '',
    openRoom: () => 'full',
    clock: new TestClock(),
    limits: connectionLimits(settingsWith({ limitConnectionsPerAddress: 20 })),
    observer: new Proxy({} as ConnectionObserver, {
      get: (_, name) => (event: string) => name === 'limitReached' && reached.push(event),
    }),
  })
  const arrive = () => {
    const socket = new ArrivingSocket()
    const request = { headers: { upgrade: 'websocket' }, url: '/doc', socket }
    upgrades.handle(request as unknown as IncomingMessage, socket as unknown as Duplex, Buffer.alloc(0))
    return socket
  }
  const crowd = Array.from({ length: many }, arrive)
  for (const socket of crowd) socket.destroy()
  for (let turns = 0; turns < 5; turns++) await turn()
  // As many as may be from one address: none of those who have gone takes a place.
  for (let one = 0; one < 20; one++) arrive()
  for (let turns = 0; turns < 5; turns++) await turn()
  expect(reached).toEqual([])
})
