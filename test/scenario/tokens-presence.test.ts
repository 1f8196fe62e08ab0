/**
 * Somebody who says to be somebody else, at two real instances on one Redis: stock clients and plain sockets at both see who it
 * really is, and whose a client id is.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Instances, startInstances } from '../support/instances.ts'
import { liveToken, secretEnv, withToken } from '../support/live-tokens.ts'
import { awarenessUpdate, frame, type RawClient } from '../support/raw-client.ts'
import { type RedisServer, startRedisServer } from '../support/redis-server.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { connectStock, connectStock14 } from '../support/stock-client.ts'
import { joinToWatch, told } from '../support/told-presence.ts'
import { waitUntil } from '../support/wait-until.ts'

const people = {
  ada: { id: 'u1', name: 'Ada', color: 'teal' },
  ben: { id: 'u2', name: 'Ben', color: '#123456' },
  eve: { id: 'u3', name: 'Eve', color: 'crimson' },
} as const
type Person = keyof typeof people
const eveClient = 666

let redis: RedisServer
let instances: Instances
let left: ServerProcess
let right: ServerProcess
beforeAll(async () => {
  redis = await startRedisServer()
  instances = await startInstances([redis.url, redis.url], { env: secretEnv })
  ;[left, right] = instances.servers as [ServerProcess, ServerProcess]
})
afterAll(async () => {
  await instances?.[Symbol.asyncDispose]()
  await redis?.remove()
})

const tokenOf = (person: Person) => {
  const { id, name, color } = people[person]
  return liveToken({ sub: id, name, color })
}

async function watchAt(server: ServerProcess, document: string): Promise<RawClient> {
  return joinToWatch(server, withToken(document, await tokenOf('ben')))
}

const answersTo = (client: RawClient) => client.frames.filter(({ kind }) => kind === 'sync-step-2').length

async function sitDown(server: ServerProcess, document: string, person: Person) {
  const client = connectStock(server.wsUrl, document, {
    params: { token: await tokenOf(person) },
    awareness: { user: { name: people[person].name }, at: 0 },
  })
  await client.synced()
  return client
}

/** Eve is at one instance; whoever she would like to deceive is at both. */
async function stage(document: string) {
  const ada = await sitDown(left, document, 'ada')
  const ben = connectStock14(right.wsUrl, document, { params: { token: await tokenOf('ben') } })
  await ben.synced()
  const plain = [await watchAt(left, document), await watchAt(right, document)]
  const eve = await joinToWatch(right, withToken(document, await tokenOf('eve')))
  const isSeen = (watcher: RawClient) => told(watcher, ada.doc.clientID).length > 0
  await waitUntil('Ada to be seen by all', () => [...plain, eve].every(isSeen))
  return {
    ada,
    ben,
    plain,
    eve,
    /** Everything that was told about a client, to anybody but Eve. */
    toldAbout: (client: number) => plain.flatMap(watcher => told(watcher, client)).join('\n'),
    /** What Eve says next has arrived, and so has what she said before. */
    async whenHeard(clock: number, state: unknown): Promise<void> {
      eve.send(frame.presence(eveClient, clock, state))
      const has = (watcher: RawClient) => told(watcher, eveClient).some(said => said.startsWith(`${clock}:`))
      await waitUntil('what Eve says of herself', () => plain.every(has))
      for (const { awareness } of [ada, ben]) {
        await waitUntil('stock clients to be told', () => awareness.meta.get(eveClient)?.clock === clock)
      }
    },
    [Symbol.dispose]() {
      for (const client of [ada, ben]) client.destroy()
      for (const socket of [...plain, eve]) socket.terminate()
    },
  }
}

test("[AUTH-3] another's name, id and colour reach nobody: everybody sees those of the token, at both instances", async () => {
  using on = await stage('names')
  await on.whenHeard(1, { user: { ...people.ada, picture: 'own.png' }, caret: 7 })
  const shown = { user: { ...people.eve, picture: 'own.png' }, caret: 7 }
  for (const { awareness } of [on.ada, on.ben]) expect(awareness.getStates().get(eveClient)).toEqual(shown)
  expect(on.toldAbout(eveClient)).not.toContain('Ada')
  // Nor by a second try, after the first was corrected, nor by leaving out who it is.
  await on.whenHeard(2, { user: { id: 'u1', name: 'Ada' } })
  await on.whenHeard(3, { caret: 8 })
  expect(on.toldAbout(eveClient)).not.toMatch(/Ada|u1|teal/)
  expect(on.ben.awareness.getStates().get(eveClient)).toEqual({ user: people.eve, caret: 8 })
  // And who comes later is told the same.
  using late = await watchAt(left, 'names')
  await waitUntil('a newcomer to be told', () => told(late, eveClient).length > 0)
  expect(told(late, eveClient).join()).not.toContain('Ada')
})

test("[AUTH-3] another's client id reaches nobody: neither a state, nor a removal, nor hidden among others", async () => {
  using on = await stage('ids')
  const adaClient = on.ada.doc.clientID
  const state = JSON.stringify({ user: people.ada, at: 'forged' })
  const forged = (clock: number, json = state) => ({ client: adaClient, clock, json })
  // As a connection's own id, which is the one that it names first.
  using impostor = await joinToWatch(right, withToken('ids', await tokenOf('eve')))
  impostor.send(frame.awareness(awarenessUpdate([forged(1_000)])))
  impostor.send(frame.awareness(awarenessUpdate([forged(1_001, 'null')])))
  impostor.send(frame.syncStep1())
  await waitUntil('it to be dealt with', () => answersTo(impostor) === 2)
  // And beside an honest one.
  await on.whenHeard(1, { caret: 1 })
  on.eve.send(frame.awareness(awarenessUpdate([forged(1_002)])))
  const own = { client: eveClient, clock: 2, json: JSON.stringify({ caret: 2 }) }
  on.eve.send(frame.awareness(awarenessUpdate([own, forged(1_003)])))
  on.eve.send(frame.awareness(awarenessUpdate([forged(1_004, 'null')])))
  await on.whenHeard(3, { caret: 3 })
  expect(on.toldAbout(adaClient)).not.toMatch(/forged|:null/)
  expect(on.ben.awareness.getStates().get(adaClient)).toMatchObject({ user: people.ada, at: 0 })
  // Once for each of the two connections, however often they try.
  const lines = () => right.logs.filter(({ msg }) => msg === 'presence forged')
  await waitUntil('both to be named in the log', () => lines().length >= 2)
  expect(lines()).toHaveLength(2)
  // Ada goes on, at her own clock, and is seen.
  on.ada.awareness.setLocalStateField('at', 42)
  const seen = () => on.ben.awareness.getStates().get(adaClient)
  await waitUntil('Ada to go on', () => seen()?.at === 42, { found: seen })
  expect(seen()).toMatchObject({ user: people.ada })
})
