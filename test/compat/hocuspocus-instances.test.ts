/**
 * Hocuspocus providers at two instances of the server on one Redis: what is written, shown and said at one is there at the other, and
 * who goes at one is gone at the other at once, not when its presence has become old.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { joinFresh } from '../support/fresh-client.ts'
import { connectHocuspocus, type HocuspocusClient, hocuspocusVersions } from '../support/hocuspocus-client.ts'
import { type Instances, startInstances } from '../support/instances.ts'
import { type RedisServer, startRedisServer } from '../support/redis-server.ts'
import { connectStock, type StockClient } from '../support/stock-client.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { waitUntil } from '../support/wait-until.ts'

/** The grace is 2 s; a stock client alone would notice after 30 s. Between them lies "the server said so". */
const goneMsMax = 10_000

let redis: RedisServer
let instances: Instances
let left: string
let right: string

beforeAll(async () => {
  redis = await startRedisServer()
  instances = await startInstances([redis.url, redis.url], { env: { SYNCLINE_STATELESS_FOR_ALL: 'true' } })
  ;[left, right] = instances.wsUrls as [string, string]
})
afterAll(async () => {
  await instances?.[Symbol.asyncDispose]()
  await redis?.remove()
})

type Client = HocuspocusClient | StockClient

const textOf = ({ doc }: Client) => doc.getText('text').toString()
const append = ({ doc }: Client, text: string) => doc.getText('text').insert(doc.getText('text').length, text)
const nameSeen = (seenBy: Client, { doc }: Client): unknown =>
  seenBy.awareness.getStates().get(doc.clientID)?.name

async function allSee(others: readonly Client[], who: Client, name: string | undefined): Promise<void> {
  await waitUntil(
    `all others to see ${name ?? 'nobody'}`,
    () => others.every(other => nameSeen(other, who) === name),
    { timeoutMs: goneMsMax, found: () => others.map(other => nameSeen(other, who)) },
  )
}

/** One of each version and `y-websocket`, all at the right instance. */
function othersAtTheRight(document: string) {
  const providers = hocuspocusVersions.map(version => connectHocuspocus(version, right, document))
  const all: readonly Client[] = [...providers, connectStock(right, document)]
  return { all, providers, [Symbol.dispose]: () => all.forEach(client => void client.destroy()) }
}

test.each(hocuspocusVersions)(
  '[REL-1] [LOG-1] what version %i writes at one instance is at the other, and told saved once a newcomer there has it',
  async version => {
    const document = `edits ${version}`
    using others = othersAtTheRight(document)
    using client = connectHocuspocus(version, left, document)
    await Promise.all([client, ...others.all].map(one => one.synced()))
    for (let round = 0; round < 5; round++) {
      append(client, `<${round}>`)
      await client.saved()
      const { doc } = await joinFresh(right, document)
      expect(doc.getText('text').toString()).toContain(`<${round}>`)
      append(others.providers[round % 3]!, `<back ${round}>`)
    }
    await Promise.all([client, ...others.providers].map(one => one.saved()))
    const same = () => others.all.every(other => textOf(other) === textOf(client))
    await waitUntil('all to have the same', () => textOf(client).includes('<back 4>') && same(), {
      found: () => [client, ...others.all].map(textOf),
    })
    for (const { told, socket } of [client, ...others.providers]) {
      expect(told.filter(one => one.startsWith('unsynced -'))).toEqual([])
      expect(socket.ends).toEqual([])
    }
  },
)

test.each(hocuspocusVersions)(
  '[REL-1] presence of version %i at one instance is seen at the other: set, taken back, set again, and gone with a goodbye',
  async version => {
    const document = `presence ${version}`
    using others = othersAtTheRight(document)
    const client = connectHocuspocus(version, left, document)
    await Promise.all([client, ...others.all].map(one => one.synced()))
    client.awareness.setLocalState({ name: 'Ada' })
    await allSee(others.all, client, 'Ada')
    client.awareness.setLocalState(null)
    await allSee(others.all, client, undefined)
    client.awareness.setLocalState({ name: 'Ada again' })
    await allSee(others.all, client, 'Ada again')
    client.destroy()
    await allSee(others.all, client, undefined)
  },
)

test.each(hocuspocusVersions)(
  '[REL-1] version %i that breaks off at one instance is gone at the other long before its presence is old',
  async version => {
    const document = `lost ${version}`
    await using line = await startTcpProxy({ targetPort: instances.servers[0]!.port })
    using others = othersAtTheRight(document)
    using client = connectHocuspocus(version, line.wsUrl, document)
    await Promise.all([client, ...others.all].map(one => one.synced()))
    client.awareness.setLocalState({ name: 'Ada' })
    await allSee(others.all, client, 'Ada')
    line.refusing = true
    line.reset()
    await allSee(others.all, client, undefined)
  },
)

test('a stateless message is told once to every provider in the document, at both instances, and to no other document', async () => {
  const document = 'stateless'
  using others = othersAtTheRight(document)
  const here = hocuspocusVersions.map(version => connectHocuspocus(version, left, document))
  const elsewhere = connectHocuspocus(4, right, 'another document')
  using _all = { [Symbol.dispose]: () => [...here, elsewhere].forEach(client => void client.destroy()) }
  const providers = [...here, ...others.providers]
  await Promise.all([...providers, ...others.all, elsewhere].map(client => client.synced()))
  const said = providers.map((_, at) => `stateless: from ${at} ü🧵`)
  for (const [at, { provider }] of providers.entries()) provider.sendStateless(`from ${at} ü🧵`)
  const heard = ({ told }: HocuspocusClient) => told.filter(one => one.startsWith('stateless: ')).sort()
  await waitUntil('all to be told', () => providers.every(one => heard(one).length >= said.length), {
    found: () => providers.map(heard),
  })
  // What is said behind it has come by the time that a second one would have.
  append(providers[0]!, 'behind')
  await waitUntil('an edit behind it', () => others.all.every(other => textOf(other) === 'behind'))
  for (const provider of providers) expect(heard(provider)).toEqual(said)
  expect(heard(elsewhere)).toEqual([])
  expect(others.all.flatMap(client => ('ends' in client ? client.ends : client.socket.ends))).toEqual([])
})
