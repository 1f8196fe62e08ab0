/**
 * Who is here, over real sockets: what the others are told when somebody comes, changes, goes, breaks off and comes back.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { applyUpdate, Doc, encodeStateAsUpdate } from 'yjs'
import { closedConnection } from '../support/closed-connection.ts'
import { type AwarenessEntry, awarenessUpdate, frame, readAwareness } from '../support/raw-client.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { connectStock } from '../support/stock-client.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { joinToWatch, told, waitToBeTold } from '../support/told-presence.ts'
import { waitUntil } from '../support/wait-until.ts'

const ada = { client: 11, state: { user: { name: 'Ada' } } }
const bob = { client: 22, state: { user: { name: 'Bob' } } }
let documents = 0
const nextDocument = () => `presence-${++documents}`

const entry = (client: number, clock: number, state: unknown): AwarenessEntry => ({
  client,
  clock,
  json: JSON.stringify(state),
})
const adaAt = (clock: number) => `${clock}:${JSON.stringify(ada.state)}`
const goneAt = (clock: number) => `${clock}:null`

/** What a newcomer is told about somebody. */
async function newcomerIsTold(server: ServerProcess, document: string, about: number): Promise<string[]> {
  using newcomer = await joinToWatch(server, document)
  // Presence is told behind the document, and before the answer to what is said next.
  newcomer.send(frame.syncStep1())
  await waitUntil(
    'the second answer',
    () => newcomer.frames.filter(({ kind }) => kind === 'sync-step-2').length === 2,
  )
  return told(newcomer, about)
}

describe('with a grace that nobody lives to see', () => {
  let server: ServerProcess
  beforeAll(async () => {
    server = await startServer({
      env: { SYNCLINE_PRESENCE_GRACE_MS: '60000', SYNCLINE_ROOM_IDLE_MS: '70000' },
    })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  test('presence that is set, changed, renewed and taken back is told to the others, to newcomers, and to its sender', async () => {
    const document = nextDocument()
    using sender = await joinToWatch(server, document)
    using other = await joinToWatch(server, document)
    sender.send(frame.presence(ada.client, 1, ada.state))
    await waitToBeTold(other, ada.client, adaAt(1))
    expect(await newcomerIsTold(server, document, ada.client)).toEqual([adaAt(1)])
    sender.send(frame.presence(ada.client, 2, { typing: true }))
    await waitToBeTold(other, ada.client, '2:{"typing":true}')
    // A renewal changes nothing but the clock; receivers forget whoever is not renewed.
    sender.send(frame.presence(ada.client, 3, { typing: true }))
    await waitToBeTold(other, ada.client, '3:{"typing":true}')
    // As stock clients leave: null at the clock they had.
    sender.send(frame.presence(ada.client, 3, null))
    await waitToBeTold(other, ada.client, goneAt(3))
    await waitToBeTold(sender, ada.client, goneAt(3))
    expect(told(sender, ada.client)).toEqual(told(other, ada.client))
    expect(await newcomerIsTold(server, document, ada.client)).toEqual([])
  })

  test('who closes cleanly without a goodbye is gone at once, at the clock that is known', async () => {
    const document = nextDocument()
    using leaver = await joinToWatch(server, document)
    using other = await joinToWatch(server, document)
    leaver.send(frame.presence(ada.client, 7, ada.state))
    await waitToBeTold(other, ada.client, adaAt(7))
    leaver.close()
    await waitToBeTold(other, ada.client, goneAt(7))
  })

  test('somebody whose line breaks is still here during the grace', async () => {
    const document = nextDocument()
    using lost = await joinToWatch(server, document)
    using other = await joinToWatch(server, document)
    lost.send(frame.presence(ada.client, 7, ada.state))
    await waitToBeTold(other, ada.client, adaAt(7))
    lost.terminate()
    await closedConnection(server, document, line => line.by === 'lost')
    expect(await newcomerIsTold(server, document, ada.client)).toEqual([adaAt(7)])
    expect(told(other, ada.client)).toEqual([adaAt(7)])
  })

  test('a tab that relays or removes its neighbour takes nobody with it', async () => {
    const document = nextDocument()
    using tab = await joinToWatch(server, document)
    using other = await joinToWatch(server, document)
    const neighbour = await joinToWatch(server, document)
    tab.send(frame.presence(ada.client, 5, ada.state))
    await waitToBeTold(neighbour, ada.client, adaAt(5))
    neighbour.send(frame.presence(bob.client, 1, bob.state))
    neighbour.send(frame.awareness(awarenessUpdate([entry(ada.client, 5, ada.state)])))
    neighbour.send(frame.awareness(awarenessUpdate([entry(ada.client, 5, null)])))
    neighbour.close()
    await waitToBeTold(other, bob.client, goneAt(1))
    expect(told(other, ada.client)).toEqual([adaAt(5)])
    expect(await newcomerIsTold(server, document, ada.client)).toEqual([adaAt(5)])
  })

  test('presence never overtakes the edits that were sent before it', async () => {
    const document = nextDocument()
    using author = await joinToWatch(server, document)
    using other = await joinToWatch(server, document)
    const doc = new Doc()
    const carets = 50
    for (let caret = 1; caret <= carets; caret++) {
      doc.getText('text').insert(0, 'word ')
      author.send(frame.update(encodeStateAsUpdate(doc)))
      author.send(frame.presence(ada.client, caret, { caret }))
    }
    await waitToBeTold(other, ada.client, `${carets}:{"caret":${carets}}`)
    const arrived = new Doc()
    for (const { kind, body } of other.frames) {
      if (kind === 'update') applyUpdate(arrived, body)
      if (kind !== 'awareness') continue
      for (const { clock } of readAwareness(body)) {
        expect(arrived.getText('text').length).toBeGreaterThanOrEqual(clock * 'word '.length)
      }
    }
  })
})

describe('with a short grace', () => {
  let server: ServerProcess
  beforeAll(async () => {
    server = await startServer({ env: { SYNCLINE_PRESENCE_GRACE_MS: '500' } })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  test('somebody whose line breaks for good is gone after the grace, at the clock that is known', async () => {
    const document = nextDocument()
    using lost = await joinToWatch(server, document)
    using other = await joinToWatch(server, document)
    lost.send(frame.presence(ada.client, 7, ada.state))
    await waitToBeTold(other, ada.client, adaAt(7))
    lost.terminate()
    await waitToBeTold(other, ada.client, goneAt(7))
  })

  test('who returns within the grace, with the clock that they had, was never gone', async () => {
    const document = nextDocument()
    const before = await joinToWatch(server, document)
    const gone = await joinToWatch(server, document)
    using other = await joinToWatch(server, document)
    before.send(frame.presence(ada.client, 7, ada.state))
    gone.send(frame.presence(bob.client, 1, bob.state))
    await waitToBeTold(other, ada.client, adaAt(7))
    await waitToBeTold(other, bob.client, `1:${JSON.stringify(bob.state)}`)
    before.terminate()
    using returned = await joinToWatch(server, document)
    returned.send(frame.presence(ada.client, 7, ada.state))
    // Somebody who is lost later: when their grace is over, Ada's would be too.
    gone.terminate()
    await waitToBeTold(other, bob.client, goneAt(1))
    expect(told(other, ada.client)).toEqual([adaAt(7)])
    expect(await newcomerIsTold(server, document, ada.client)).toEqual([adaAt(7)])
    returned.send(frame.presence(ada.client, 8, ada.state))
    await waitToBeTold(other, ada.client, adaAt(8))
  })

  test('who returns after the grace is told that they are gone, and is back with the next clock', async () => {
    const document = nextDocument()
    const before = await joinToWatch(server, document)
    using other = await joinToWatch(server, document)
    before.send(frame.presence(ada.client, 7, ada.state))
    await waitToBeTold(other, ada.client, adaAt(7))
    before.terminate()
    await waitToBeTold(other, ada.client, goneAt(7))
    using returned = await joinToWatch(server, document)
    returned.send(frame.presence(ada.client, 7, ada.state))
    await waitToBeTold(returned, ada.client, goneAt(7))
    returned.send(frame.presence(ada.client, 8, ada.state))
    await waitToBeTold(other, ada.client, adaAt(8))
    expect(told(other, ada.client)).toEqual([adaAt(7), goneAt(7), adaAt(8)])
  })

  test('[SYNC-3] a stock client that returns after the grace is shown again without waiting for its next renewal', async () => {
    const document = nextDocument()
    await using proxy = await startTcpProxy({ targetPort: server.port })
    using other = await joinToWatch(server, document)
    using stock = connectStock(proxy.wsUrl, document)
    stock.awareness.setLocalState(ada.state)
    await stock.synced()
    const id = stock.doc.clientID
    await waitUntil('to be told of it', () => told(other, id).length > 0)
    const clock = stock.awareness.meta.get(id)!.clock
    proxy.refusing = true
    proxy.cut()
    await waitToBeTold(other, id, goneAt(clock))
    const toldSoFar = told(other, id).length
    proxy.refusing = false
    await waitUntil('to be told that it is back', () => told(other, id).length > toldSoFar)
    expect(told(other, id).at(-1)).toBe(adaAt(clock + 1))
  })
})

describe('with entries that are outdated soon', () => {
  let server: ServerProcess
  beforeAll(async () => {
    server = await startServer({ env: { SYNCLINE_PRESENCE_OUTDATED_MS: '1000' } })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  test('a hidden tab that does not renew is not told to newcomers, and is not announced as gone', async () => {
    const document = nextDocument()
    using hidden = await joinToWatch(server, document)
    using other = await joinToWatch(server, document)
    hidden.send(frame.presence(ada.client, 7, ada.state))
    await waitToBeTold(other, ada.client, adaAt(7))
    await waitUntil(
      'newcomers not to be told any more',
      async () => (await newcomerIsTold(server, document, ada.client)).length === 0,
    )
    hidden.send(frame.presence(ada.client, 8, ada.state))
    await waitToBeTold(other, ada.client, adaAt(8))
    expect(told(other, ada.client)).toEqual([adaAt(7), adaAt(8)])
    expect(await newcomerIsTold(server, document, ada.client)).toEqual([adaAt(8)])
  })
})
