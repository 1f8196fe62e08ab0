/**
 * Presence over real sockets, with tokens: two that are forged, another's name and another's client id, reach nobody.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { docs, liveToken, secretEnv, withToken } from '../support/live-tokens.ts'
import { frame, type RawClient } from '../support/raw-client.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { joinToWatch, told, waitToBeTold } from '../support/told-presence.ts'
import { waitUntil } from '../support/wait-until.ts'

let server: ServerProcess
beforeAll(async () => {
  server = await startServer({ env: { ...secretEnv, SYNCLINE_PRESENCE_OF_READERS: 'false' } })
})
afterAll(() => server?.[Symbol.asyncDispose]())

async function join(document: string, claims: Readonly<Record<string, unknown>>): Promise<RawClient> {
  return joinToWatch(server, withToken(document, await liveToken(claims)))
}

const ada = { sub: 'u1', name: 'Ada', color: 'teal' }
const adaShown = '{"user":{"id":"u1","name":"Ada","color":"teal"}}'
const mallory = { sub: 'u3', name: 'Mallory', color: 'red' }
const malloryShown = '{"user":{"id":"u3","name":"Mallory","color":"red"}}'

test("[AUTH-3] two forged presences, another's name and another's client id, reach nobody", async () => {
  using victim = await join('forged', ada)
  using forger = await join('forged', mallory)
  using other = await join('forged', { sub: 'u2' })
  victim.send(frame.presence(11, 1, {}))
  await waitToBeTold(other, 11, `1:${adaShown}`)
  forger.send(frame.presence(11, 2, { user: { id: 'u1', name: 'Ada' } }))
  forger.send(frame.presence(11, 3, null))
  forger.send(frame.presence(33, 1, JSON.parse(malloryShown)))
  await waitToBeTold(other, 33, `1:${malloryShown}`)
  forger.send(frame.presence(33, 2, { user: { id: 'u1', name: 'Ada' } }))
  await waitToBeTold(other, 33, `2:${malloryShown}`)
  victim.send(frame.presence(11, 4, {}))
  await waitToBeTold(other, 11, `4:${adaShown}`)
  for (const client of [victim, forger, other]) {
    await waitToBeTold(client, 11, `4:${adaShown}`)
    expect(told(client, 11)).toEqual([`1:${adaShown}`, `4:${adaShown}`])
    expect(told(client, 33)).toEqual([`1:${malloryShown}`, `2:${malloryShown}`])
  }
  expect(server.logs.filter(({ msg }) => msg === 'presence forged')).toHaveLength(1)
})

test('[AUTH-3] people who may only read are told of others and not shown, where that is set', async () => {
  using reader = await join('read', { ...mallory, docs: docs('read') })
  using writer = await join('read', ada)
  reader.send(frame.presence(33, 1, {}))
  // Answered after what was sent before it.
  reader.send(frame.syncStep1())
  await waitUntil(
    'the second answer',
    () => reader.frames.filter(({ kind }) => kind === 'sync-step-2').length === 2,
  )
  writer.send(frame.presence(11, 1, {}))
  await waitToBeTold(writer, 11, `1:${adaShown}`)
  await waitToBeTold(reader, 11, `1:${adaShown}`)
  expect([told(reader, 33), told(writer, 33)]).toEqual([[], []])
})
