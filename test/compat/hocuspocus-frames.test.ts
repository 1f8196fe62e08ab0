/**
 * Exact frames of the Hocuspocus framing against a real server: what is answered, in which order, how often, and under which key.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { docs, liveToken, secretEnv } from '../support/live-tokens.ts'
import { awarenessUpdate, readAwareness } from '../support/raw-client.ts'
import { connectRawHocuspocus, keyed, ping, pong, type RawHocuspocus } from '../support/raw-hocuspocus.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { waitUntil } from '../support/wait-until.ts'

let server: ServerProcess
let guarded: ServerProcess

beforeAll(async () => {
  ;[server, guarded] = await Promise.all([startServer(), startServer({ env: secretEnv })])
})
afterAll(() => Promise.all([server?.[Symbol.asyncDispose](), guarded?.[Symbol.asyncDispose]()]))

const emptyUpdate = Uint8Array.of(0, 0)

/** Somebody who writes: each edit as the update that a provider would send. */
class Writer {
  readonly doc = new Y.Doc()

  edit(change: (text: Y.Text) => void): Uint8Array {
    const updates: Uint8Array[] = []
    const note = (update: Uint8Array) => updates.push(update)
    this.doc.on('update', note)
    change(this.doc.getText('text'))
    this.doc.off('update', note)
    return Y.mergeUpdates(updates)
  }

  insert(text: string): Uint8Array {
    return this.edit(one => one.insert(one.length, text))
  }

  get state(): Uint8Array {
    return Y.encodeStateAsUpdate(this.doc)
  }

  get vector(): Uint8Array {
    return Y.encodeStateVector(this.doc)
  }
}

const statusesOf = (client: RawHocuspocus, key: string) =>
  client
    .of(key)
    .filter(({ kind }) => kind === 'status')
    .map(({ text }) => text)

/** What a newcomer is shown. */
function textIn(client: RawHocuspocus, key: string): string {
  const doc = new Y.Doc()
  for (const { kind, body } of client.of(key))
    if (kind === 'update' || kind === 'sync-step-2') Y.applyUpdate(doc, body)
  return doc.getText('text').toString()
}

async function whenStatuses(client: RawHocuspocus, key: string, count: number): Promise<string[]> {
  await waitUntil(`${count} statuses`, () => statusesOf(client, key).length >= count, {
    found: () => [client.kindsOf(key), client.closed],
  })
  return statusesOf(client, key)
}

async function joined(key: string, { wsUrl } = server, token = ''): Promise<RawHocuspocus> {
  const client = await connectRawHocuspocus(wsUrl)
  client.begin(key, token)
  await client.waitForFrame(
    'SyncStep1 of the server',
    frame => frame.key === key && frame.kind === 'sync-step-1',
  )
  return client
}

describe('a document that begins', () => {
  test('[SYNC-3] is answered Authenticated before everything else, then SyncStep2, then SyncStep1', async () => {
    const here = await joined('order')
    here.send(keyed('order').awareness(awarenessUpdate([{ client: 5, clock: 1, json: '{"name":"Ada"}' }])))
    here.send(keyed('order').update(new Writer().insert('hello')))
    await whenStatuses(here, 'order', 1)
    for (let round = 0; round < 20; round++) {
      using client = await connectRawHocuspocus(server.wsUrl)
      client.begin('order')
      client.send(keyed('order').awareness(awarenessUpdate([{ client: 100 + round, clock: 1, json: '{}' }])))
      client.send(keyed('order').update(emptyUpdate))
      await client.waitForFrame('SyncStep1', ({ kind }) => kind === 'sync-step-1')
      const kinds = client.kindsOf('order')
      expect(kinds[0]).toBe('authenticated')
      expect(client.of('order')[0]!.text).toBe('read-write')
      expect(kinds.filter(kind => kind === 'authenticated')).toHaveLength(1)
      expect(kinds.filter(kind => kind.startsWith('sync'))).toEqual(['sync-step-2', 'sync-step-1'])
      expect(kinds).not.toContain('unknown')
    }
    here[Symbol.dispose]()
  })

  test('[SYNC-3] each SyncStep1 is answered by a SyncStep2 and a SyncStep1, of many at once the newest', async () => {
    const key = 'again'
    using client = await joined(key)
    const steps = () => client.kindsOf(key).filter(kind => kind.startsWith('sync'))
    for (let answers = 2; answers <= 6; answers++) {
      client.send(keyed(key).syncStep1())
      await waitUntil(`answer ${answers}`, () => steps().length === 2 * answers, { found: steps })
    }
    // In each says a client all that it has. `forceSync` sets a provider's counter to 1, however often.
    for (let i = 0; i < 10; i++) client.send(keyed(key).syncStep1())
    const writer = new Writer()
    client.send(keyed(key).update(writer.insert('behind them')))
    await whenStatuses(client, key, 1)
    await waitUntil('another answer', () => steps().length >= 14, { found: steps })
    expect(steps()).toEqual(
      Array.from({ length: steps().length }, (_, i) => {
        return i % 2 === 0 ? 'sync-step-2' : 'sync-step-1'
      }),
    )
    expect(statusesOf(client, key)).toEqual(['1'])
  })

  test('without a token, as before 4.0, is let in where nobody has to say who they are', async () => {
    using client = await connectRawHocuspocus(server.wsUrl)
    client.send(keyed('no token').syncStep1())
    await client.waitForFrame('SyncStep1', ({ kind }) => kind === 'sync-step-1')
    expect(client.kindsOf('no token')).toEqual(['authenticated', 'sync-step-2', 'sync-step-1'])
  })

  test('on every path, also where that is no name of a document', async () => {
    for (const path of ['', '/', '/collaboration', '/a/b?x=1', '/%ff']) {
      using client = await connectRawHocuspocus(server.wsUrl + path)
      client.begin('any path')
      await client.waitForFrame('SyncStep1', ({ kind }) => kind === 'sync-step-1')
    }
  })

  test.each(['a', 'ab', 'abc', 'nine byte'])(
    '%j as the first bytes of a socket is this framing',
    async key => {
      using client = await joined(key)
      expect(client.kindsOf(key)[0]).toBe('authenticated')
    },
  )
})

describe('SyncStatus', () => {
  test('[LOG-1] comes exactly once for each update and SyncStep2, for duplicates and empty ones too, and for nothing else', async () => {
    const key = 'statuses'
    using client = await joined(key)
    const writer = new Writer()
    const [first, second] = [writer.insert('one '), writer.insert('two')]
    const { update, syncStep2, syncStep1, awareness, queryAwareness } = keyed(key)
    const sent = [
      update(first),
      update(first),
      update(emptyUpdate),
      update(second),
      syncStep2(writer.state),
      syncStep2(emptyUpdate),
      update(writer.edit(text => text.delete(0, 3))),
      update(writer.edit(text => text.delete(0, 1))),
    ]
    for (const frame of sent) {
      client.send(frame)
      client.send(syncStep1())
      client.send(queryAwareness())
      client.send(awareness(Uint8Array.of(0)))
    }
    await whenStatuses(client, key, sent.length)
    client.send(update(writer.insert(' last')))
    expect(await whenStatuses(client, key, sent.length + 1)).toEqual(sent.map(() => '1').concat('1'))
    using fresh = await joined(key)
    expect(textIn(fresh, key)).toBe(writer.doc.getText('text').toString())
  })

  test('[LOG-1] comes for updates that lack something too, and not for what is answered where a provider has not asked', async () => {
    const key = 'gaps'
    using client = await joined(key)
    const writer = new Writer()
    const [first, second, third] = [writer.insert('one '), writer.insert('two '), writer.insert('three')]
    const { update, syncStep2 } = keyed(key)
    client.send(update(first))
    client.send(update(third))
    await whenStatuses(client, key, 2)
    const asked = () => client.kindsOf(key).filter(kind => kind === 'sync-step-1').length === 2
    await waitUntil('the server to ask for what lies between', asked)
    // As a provider answers: it has not counted this.
    client.send(syncStep2(writer.state))
    client.send(update(second))
    client.send(syncStep2(writer.state))
    client.send(update(writer.insert(' last')))
    expect(await whenStatuses(client, key, 5)).toEqual(['1', '1', '1', '1', '1'])
    using fresh = await joined(key)
    expect(textIn(fresh, key)).toBe('one two three last')
  })

  test('[LOG-1] of a thousand updates in one go comes a thousand times', async () => {
    using client = await joined('thousand')
    const writer = new Writer()
    for (let i = 0; i < 1_000; i++) client.send(keyed('thousand').update(writer.insert(String(i % 10))))
    await whenStatuses(client, 'thousand', 1_000)
    client.send(keyed('thousand').syncStep2(writer.state))
    expect(await whenStatuses(client, 'thousand', 1_001)).toHaveLength(1_001)
  })

  test('of another session on the socket, or of another socket, is not told', async () => {
    const keys = ['shared\0a', 'shared\0b'] as const
    using client = await connectRawHocuspocus(server.wsUrl)
    using other = await joined('shared')
    for (const key of keys) client.begin(key)
    await waitUntil('both to be open', () => keys.every(key => client.kindsOf(key).includes('sync-step-1')))
    client.send(keyed(keys[0]).update(new Writer().insert('mine')))
    await whenStatuses(client, keys[0], 1)
    const isUpdate = ({ kind }: { kind: string }) => kind === 'update'
    await waitUntil(
      'the others to have it',
      () => client.of(keys[1]).some(isUpdate) && other.frames.some(isUpdate),
    )
    expect([statusesOf(client, keys[1]), statusesOf(other, 'shared')]).toEqual([[], []])
  })

  test('[AUTH-2] of a reader is 0 for each update, and for a SyncStep2 1 where it holds nothing unknown', async () => {
    const key = 'reader'
    const writer = new Writer()
    const known = writer.insert('known')
    using writes = await joined(key, guarded, await liveToken({ docs: docs('write', key) }))
    writes.send(keyed(key).update(known))
    await whenStatuses(writes, key, 1)
    using reads = await joined(key, guarded, await liveToken({ docs: docs('read', key) }))
    expect(reads.of(key)[0]).toMatchObject({ kind: 'authenticated', text: 'readonly' })
    const unknown = new Writer().insert('unknown')
    const deletes = writer.edit(text => text.delete(0, 1))
    const { update, syncStep2 } = keyed(key)
    for (const frame of [
      update(unknown),
      syncStep2(known),
      syncStep2(emptyUpdate),
      syncStep2(unknown),
      syncStep2(Y.mergeUpdates([known, deletes])),
      update(deletes),
    ])
      reads.send(frame)
    expect(await whenStatuses(reads, key, 6)).toEqual(['0', '1', '1', '0', '0', '0'])
    await writes.heard()
    expect(writes.frames.filter(({ kind }) => kind === 'update').map(({ body }) => body)).toEqual([known])
    expect(reads.closed).toBe(undefined)
  })
})

describe('awareness', () => {
  const states = (client: RawHocuspocus, key: string) =>
    client
      .of(key)
      .filter(({ kind }) => kind === 'awareness')
      .flatMap(({ body }) => readAwareness(body))
      .map(({ client: id, json }) => `${id} ${json}`)

  test('that somebody is gone reaches the others, alone and in a frame with others', async () => {
    using sees = await joined('gone')
    using shows = await joined('gone')
    const { awareness } = keyed('gone')
    shows.send(awareness(awarenessUpdate([{ client: 1, clock: 1, json: '{"a":1}' }])))
    shows.send(awareness(awarenessUpdate([{ client: 2, clock: 1, json: '{"b":1}' }])))
    await waitUntil('both to be seen', () => states(sees, 'gone').length === 2)
    shows.send(
      awareness(
        awarenessUpdate([
          { client: 1, clock: 2, json: 'null' },
          { client: 2, clock: 2, json: '{"b":2}' },
        ]),
      ),
    )
    await waitUntil('the removal', () => states(sees, 'gone').includes('1 null'), {
      found: () => states(sees, 'gone'),
    })
    await waitUntil('what was beside it', () => states(sees, 'gone').includes('2 {"b":2}'))
  })

  test('is told on request, also to who has shown nothing', async () => {
    using shows = await joined('asked')
    shows.send(keyed('asked').awareness(awarenessUpdate([{ client: 7, clock: 1, json: '{"a":1}' }])))
    await waitUntil('the sender to have it back', () => states(shows, 'asked').length === 1)
    using asks = await joined('asked')
    await waitUntil('what is there at the beginning', () => states(asks, 'asked').length === 1)
    asks.send(keyed('asked').queryAwareness())
    await waitUntil('the answer', () => states(asks, 'asked').length === 2, {
      found: () => states(asks, 'asked'),
    })
    expect(states(asks, 'asked')).toEqual(['7 {"a":1}', '7 {"a":1}'])
  })
})

describe('a lone byte', () => {
  test('09 is answered 0a, and 0a is not, before a document is open and after', async () => {
    using client = await connectRawHocuspocus(server.wsUrl)
    for (const frame of [ping, pong, ping]) client.send(frame)
    client.begin('pings')
    await client.waitForFrame('SyncStep1', ({ kind }) => kind === 'sync-step-1')
    for (const frame of [pong, ping]) client.send(frame)
    const pongs = () => client.frames.filter(({ kind }) => kind === 'pong').map(({ bytes }) => [...bytes])
    await waitUntil('three answers', () => pongs().length === 3)
    await client.heard()
    expect(pongs()).toEqual([[10], [10], [10], [10]])
    expect(client.closed).toBe(undefined)
  })
})

describe('closing and beginning again', () => {
  test('a hundred times without waiting ends open, and CLOSE is never answered', async () => {
    const key = 'closing'
    using client = await connectRawHocuspocus(server.wsUrl)
    for (let round = 0; round < 100; round++) {
      client.begin(key)
      client.send(keyed(key).close())
    }
    client.begin(key)
    const writer = new Writer()
    client.send(keyed(key).update(writer.insert('here')))
    await client.waitForFrame('a status', ({ kind }) => kind === 'status')
    await client.waitForFrame('SyncStep1', ({ kind }) => kind === 'sync-step-1')
    expect(client.kindsOf(key)).not.toContain('close')
    expect(client.kindsOf(key).at(0)).toBe('authenticated')
    expect(statusesOf(client, key)).toEqual(['1'])
    using fresh = await joined(key)
    expect(fresh.closed).toBe(undefined)
  })

  test('sends nothing of the document that was closed', async () => {
    const key = 'closed'
    using other = await joined(key)
    using client = await joined(key)
    client.send(keyed(key).close())
    await client.heard()
    const before = client.of(key).length
    other.send(keyed(key).update(new Writer().insert('after')))
    await whenStatuses(other, key, 1)
    await client.heard()
    expect(client.of(key)).toHaveLength(before)
  })
})

describe('a refused document', () => {
  test('[AUTH-1] is told once why, is sent nothing else, and what it sends is dropped without a word', async () => {
    const key = 'refused'
    using client = await connectRawHocuspocus(guarded.wsUrl)
    client.begin(key, 'nonsense')
    const { kind } = await client.waitForFrame('an answer', frame => frame.key === key)
    expect(kind).toBe('permission-denied')
    const { update, awareness, queryAwareness, syncStep1, stateless } = keyed(key)
    for (const frame of [
      update(new Writer().insert('x')),
      awareness(awarenessUpdate([{ client: 1, clock: 1, json: '{}' }])),
      queryAwareness(),
      syncStep1(),
      stateless('hi'),
    ])
      client.send(frame)
    await client.heard()
    expect(client.kindsOf(key)).toEqual(['permission-denied'])
    client.begin(key, await liveToken({ docs: docs('write', key) }))
    await client.waitForFrame('SyncStep1', frame => frame.kind === 'sync-step-1')
    expect(client.kindsOf(key)).toEqual(['permission-denied', 'authenticated', 'sync-step-2', 'sync-step-1'])
    expect(client.closed).toBe(undefined)
  })

  test('[AUTH-2] a token of another user in an open session ends that document alone', async () => {
    const token = (sub: string) => liveToken({ sub, docs: docs('write') })
    using client = await connectRawHocuspocus(guarded.wsUrl)
    client.begin('one', await token('ada'))
    client.begin('two', await token('ada'))
    await waitUntil('both to be open', () =>
      ['one', 'two'].every(key => client.kindsOf(key).includes('sync-step-1')),
    )
    client.send(keyed('two').token(await token('ada')))
    client.send(keyed('one').token(await token('eve')))
    await client.waitForFrame('the refusal', ({ kind }) => kind === 'permission-denied')
    client.send(keyed('two').update(new Writer().insert('x')))
    await whenStatuses(client, 'two', 1)
    expect(client.kindsOf('two')).not.toContain('permission-denied')
    expect(client.kindsOf('two').filter(kind => kind === 'authenticated')).toHaveLength(1)
    expect(client.kindsOf('one').at(-1)).toBe('permission-denied')
  })
})
