/**
 * Hocuspocus providers of three versions beside `y-websocket` in one document: what each writes the others have, what one shows of
 * itself the others see, and nobody is told that something is saved before it is, nor left without being told.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { joinFresh } from '../support/fresh-client.ts'
import {
  connectHocuspocus,
  type HocuspocusClient,
  hocuspocusVersionOf,
  hocuspocusVersions,
} from '../support/hocuspocus-client.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { connectStock, type StockClient } from '../support/stock-client.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { waitUntil } from '../support/wait-until.ts'

let server: ServerProcess

beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server?.[Symbol.asyncDispose]())

/** More than a provider waits before it comes back, with its jitter. */
const comingBackMsMax = 60_000
/** The grace is 2 s; a stock client alone would notice after 30 s. Between them lies "the server said so". */
const goneMsMax = 10_000

type Client = HocuspocusClient | StockClient

interface Company extends Disposable {
  readonly providers: readonly HocuspocusClient[]
  readonly stock: StockClient
  readonly all: readonly Client[]
}

/** One provider of each version and one `y-websocket` client, all in one document and synced. */
async function together(wsUrl: string, document: string): Promise<Company> {
  const providers = hocuspocusVersions.map(version => connectHocuspocus(version, wsUrl, document))
  const stock = connectStock(wsUrl, document)
  const all = [...providers, stock]
  await Promise.all(all.map(client => client.synced()))
  return { providers, stock, all, [Symbol.dispose]: () => all.forEach(client => void client.destroy()) }
}

const textOf = ({ doc }: Client) => doc.getText('text').toString()
const append = ({ doc }: Client, text: string) => doc.getText('text').insert(doc.getText('text').length, text)

async function sameText({ all }: Company, marks: readonly string[]): Promise<void> {
  await waitUntil(
    'all to have the same text',
    () => {
      const [first, ...others] = all.map(textOf)
      return marks.every(mark => first?.includes(mark)) && others.every(text => text === first)
    },
    { timeoutMs: comingBackMsMax, found: () => all.map(textOf) },
  )
}

test('[SYNC-3] the providers are the versions that are promised', () => {
  const versions = hocuspocusVersions.map(hocuspocusVersionOf)
  console.log(`@hocuspocus/provider ${versions.join(', ')}`)
  expect(versions).toEqual(['2.15.3', '3.4.4', '4.8.0'])
})

test('[SYNC-3] [LOG-1] each edit of each version reaches the others, and is told saved: unsyncedChanges is 0 again, and never below', async () => {
  using company = await together(server.wsUrl, 'edits')
  for (let round = 0; round < 10; round++) {
    for (const [at, client] of company.all.entries()) {
      const mark = `<${round} ${at}>`
      // Its answer to what the server asked when it came is counted as well.
      if ('told' in client) await client.saved()
      append(client, mark)
      if (!('told' in client)) continue
      expect(client.provider.unsyncedChanges).toBe(1)
      await client.saved()
      // Told saved, it is there for whoever comes.
      const { doc } = await joinFresh(server.wsUrl, 'edits')
      expect(doc.getText('text').toString()).toContain(mark)
    }
  }
  await sameText(company, ['<9 0>', '<9 1>', '<9 2>', '<9 3>'])
  for (const { told, provider } of company.providers) {
    expect(told.filter(one => one.startsWith('unsynced -'))).toEqual([])
    expect(provider.unsyncedChanges).toBe(0)
  }
})

test('[LOG-1] bursts are counted exactly: after hundreds of edits without a pause unsyncedChanges is 0, and never below', async () => {
  using company = await together(server.wsUrl, 'bursts')
  for (const client of company.providers) {
    for (let edit = 0; edit < 300; edit++) append(client, String(edit % 10))
    // An edit of something that others delete meanwhile, and deletions alone.
    client.doc.getText('text').delete(0, 100)
  }
  await Promise.all(company.providers.map(client => client.saved()))
  for (const { told, provider } of company.providers) {
    expect(provider.unsyncedChanges).toBe(0)
    expect(told.filter(one => one.startsWith('unsynced -'))).toEqual([])
  }
  await sameText(company, [])
})

test.each(hocuspocusVersions)(
  '[LOG-1] a provider %i that syncs anew, again and again, has nothing unsaved afterwards',
  async version => {
    using client = connectHocuspocus(version, server.wsUrl, `force ${version}`)
    await client.saved()
    for (let round = 0; round < 5; round++) {
      append(client, 'more')
      client.provider.forceSync()
      expect(client.provider.unsyncedChanges).toBe(1)
      await client.saved()
    }
  },
)

describe('presence', () => {
  const nameSeen = (seenBy: Client, { doc }: Client) =>
    seenBy.awareness.getStates().get(doc.clientID)?.name as unknown

  async function allSee({ all }: Company, who: Client, name: unknown): Promise<void> {
    const others = all.filter(client => client !== who)
    await waitUntil(
      `all others to see ${String(name)}`,
      () => others.every(client => nameSeen(client, who) === name),
      { timeoutMs: goneMsMax, found: () => others.map(client => nameSeen(client, who)) },
    )
  }

  test('[SYNC-3] of each version is seen by all others: set, changed, taken back, set again, and gone with a goodbye', async () => {
    using company = await together(server.wsUrl, 'presence')
    for (const [at, client] of company.all.entries()) {
      client.awareness.setLocalState({ name: `Ada ${at}` })
      await allSee(company, client, `Ada ${at}`)
      client.awareness.setLocalStateField('name', `Grace ${at}`)
      await allSee(company, client, `Grace ${at}`)
      client.awareness.setLocalState(null)
      await waitUntil(
        'nobody else to have it',
        () =>
          company.all.every(
            other => other === client || !other.awareness.getStates().has(client.doc.clientID),
          ),
        { timeoutMs: goneMsMax },
      )
      client.awareness.setLocalState({ name: `Ada again ${at}` })
      await allSee(company, client, `Ada again ${at}`)
    }
    const [leaves, ...stay] = company.all
    leaves!.destroy()
    await waitUntil(
      'who has left to be gone',
      () => stay.every(other => !other.awareness.getStates().has(leaves!.doc.clientID)),
      { timeoutMs: goneMsMax },
    )
  })

  test('[SYNC-3] that is there already is told to each version that comes', async () => {
    using stock = connectStock(server.wsUrl, 'newcomers', { awareness: { name: 'Ada' } })
    stock.awareness.setLocalStateField('name', 'Ada L.')
    await stock.synced()
    for (const version of hocuspocusVersions) {
      using client = connectHocuspocus(version, server.wsUrl, 'newcomers')
      await waitUntil('the newcomer to see her', () => nameSeen(client, stock) === 'Ada L.', {
        timeoutMs: goneMsMax,
      })
    }
  })
})

test('[SYNC-3] what all write while their lines are down is merged when they are back, and told saved', async () => {
  await using line = await startTcpProxy({ targetPort: server.port })
  using company = await together(line.wsUrl, 'offline')
  append(company.stock, 'common')
  await sameText(company, ['common'])
  line.refusing = true
  line.reset()
  const marks = company.all.map((_, at) => `<offline ${at}>`)
  for (const [at, client] of company.all.entries()) for (const letter of marks[at]!) append(client, letter)
  for (const { provider } of company.providers) expect(provider.hasUnsyncedChanges).toBe(true)
  line.refusing = false
  await waitUntil(
    'all to have what each wrote',
    () => company.all.every(client => [...'offline0123'].every(letter => textOf(client).includes(letter))),
    { timeoutMs: comingBackMsMax },
  )
  await sameText(company, [])
  await Promise.all(company.providers.map(client => client.saved()))
  const { doc } = await joinFresh(server.wsUrl, 'offline')
  expect(doc.getText('text').toString()).toBe(textOf(company.stock))
})

test.each(hocuspocusVersions)(
  '[LOG-1] a provider %i that has typed offline counts down to 0 once, when all of that is saved, and never below',
  async version => {
    await using line = await startTcpProxy({ targetPort: server.port })
    using client = connectHocuspocus(version, line.wsUrl, `offline with ${version}`, {
      reconnectDelayMs: 100,
    })
    await client.saved()
    line.refusing = true
    line.reset()
    await waitUntil('the line to be down', () => client.socket.ends.length > 0)
    for (const letter of 'offline') append(client, letter)
    const before = client.told.length
    line.refusing = false
    await waitUntil('it to be back', () => client.told.slice(before).includes('unsynced 1'), {
      timeoutMs: comingBackMsMax,
    })
    await client.saved()
    append(client, '!')
    await client.saved()
    const counts = client.told.slice(before).filter(one => one.startsWith('unsynced '))
    expect(counts.slice(counts.indexOf('unsynced 1'))).toEqual(
      ['1', '0', '1', '0'].map(count => `unsynced ${count}`),
    )
  },
)

test.each([
  ['stopped', 'SIGTERM'],
  ['killed', 'SIGKILL'],
] as const)(
  '[SYNC-3] all come back by themselves to a server that was %s and started again',
  async (how, signal) => {
    await using first = await startServer()
    using company = await together(first.wsUrl, 'restart')
    for (const [at, client] of company.all.entries()) append(client, `<before ${at}>`)
    await Promise.all(company.providers.map(client => client.saved()))
    if (signal === 'SIGTERM') expect(await first.stop()).toBe(0)
    else await first.kill()
    for (const [at, client] of company.all.entries()) append(client, `<while ${how} ${at}>`)
    await using again = await startServer({ dataFolder: first.dataFolder, port: first.port })
    await sameText(
      company,
      company.all.flatMap((_, at) => [`<before ${at}>`, `<while ${how} ${at}>`]),
    )
    for (const [at, client] of company.all.entries()) append(client, `<after ${at}>`)
    await sameText(
      company,
      company.all.map((_, at) => `<after ${at}>`),
    )
    await Promise.all(company.providers.map(client => client.saved()))
    expect(again.running).toBe(true)
  },
)
