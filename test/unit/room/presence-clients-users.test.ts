/** What people with tokens see of each other, with clients that do what `y-websocket` does, around one room. */
import type { Identity } from '@syncline/server/internal/room/member'
import { afterEach, expect, test } from 'vitest'
import { forgetClients, gatherWith, PresenceClient, share } from '../../support/presence-client.ts'

afterEach(forgetClients)

const named = (id: string): Identity => ({ user: { id, name: `Name of ${id}`, color: null } })
const guest: Identity = { user: null }

/** Whom a client is shown, by their states' users. */
function users(client: PresenceClient): Record<number, unknown> {
  const others = [...client.awareness.getStates()].filter(([id]) => id !== client.id)
  return Object.fromEntries(others.map(([id, { user }]) => [id, user]))
}

const ada = { id: 'ada', name: 'Name of ada' }
const bob = { id: 'bob', name: 'Name of bob' }

test('[AUTH-3] everybody sees who everybody is, and what stock clients say of each other is no forgery', async () => {
  const { clients, settle, eventsNamed } = await gatherWith([
    { state: { user: { name: 'Bob' } }, identity: named('ada') },
    { state: {}, identity: named('bob') },
    { state: { user: { name: 'Ada', color: 'teal' } }, identity: guest },
    { state: {}, identity: guest },
  ])
  const everybody: Record<number, unknown> = { 1: ada, 2: bob, 3: { color: 'teal' }, 4: undefined }
  for (let round = 0; round < 3; round++) {
    for (const client of clients) {
      const { [client.id]: _, ...others } = everybody
      expect(users(client)).toEqual(others)
    }
    for (const client of clients) client.renew()
    await settle()
  }
  expect(eventsNamed('presenceForged')).toEqual([])
})

test('[AUTH-3] people with several accounts in one browser are each shown as themselves, whoever relays them first', async () => {
  for (const identity of [named('bob'), guest]) {
    const { clients, room, settle } = await gatherWith([
      { state: { user: { name: 'Ada' } }, identity: named('ada') },
      { state: {}, identity: named('cleo') },
    ])
    const [adas, cleos] = clients as [PresenceClient, PresenceClient]
    const second = new PresenceClient(9, room, identity)
    share(adas, second)
    clients.push(second)
    // Told in the browser, and to the room by Ada's tab, before it is connected itself.
    second.awareness.setLocalState({ user: { name: 'Me', color: 'red' } })
    await settle()
    expect(users(cleos)).toEqual({ 1: ada })
    await second.connect()
    await settle()
    const shown = identity === guest ? { color: 'red' } : { ...bob, color: 'red' }
    expect(users(cleos)).toEqual({ 1: ada, 9: shown })
    second.renew()
    adas.renew()
    await settle()
    expect(users(cleos)).toEqual({ 1: ada, 9: shown })
  }
})

test('[SYNC-3] who comes back within the grace was never gone, and who has no user is shown again after it', async () => {
  for (const identity of [named('ada'), guest]) {
    const { clients, settle, clock } = await gatherWith([
      { state: { cursor: 1 }, identity },
      { state: {}, identity: named('bob') },
    ])
    const [one, watcher] = clients as [PresenceClient, PresenceClient]
    one.lose()
    clock.advance(500)
    await one.connect()
    await settle()
    expect(Object.keys(users(watcher))).toEqual(['1'])
    clock.advance(1_500)
    await settle()
    expect(Object.keys(users(watcher))).toEqual(['1'])
    clock.advance(60_000)
    expect(Object.keys(users(watcher))).toEqual(['1'])
  }
})
