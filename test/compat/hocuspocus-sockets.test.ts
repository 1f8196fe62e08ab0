/**
 * One socket of a Hocuspocus provider with many documents on it: each is let in, refused, left and opened again on its own.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type HocuspocusClient,
  type HocuspocusSocket,
  type HocuspocusVersion,
  hocuspocusVersions,
  onSocket,
  openSocket,
} from '../support/hocuspocus-client.ts'
import { docs, liveToken, secretEnv } from '../support/live-tokens.ts'
import { scrape } from '../support/scrape.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { connectStock } from '../support/stock-client.ts'
import { waitUntil } from '../support/wait-until.ts'

let server: ServerProcess
/** Lets in only whom a token vouches for. */
let guarded: ServerProcess

beforeAll(async () => {
  ;[server, guarded] = await Promise.all([startServer(), startServer({ env: secretEnv })])
})
afterAll(() => Promise.all([server?.[Symbol.asyncDispose](), guarded?.[Symbol.asyncDispose]()]))

const textOf = ({ doc }: Pick<HocuspocusClient, 'doc'>) => doc.getText('text').toString()
const append = ({ doc }: Pick<HocuspocusClient, 'doc'>, text: string) =>
  doc.getText('text').insert(doc.getText('text').length, text)

async function hasText(client: Pick<HocuspocusClient, 'doc'>, text: string): Promise<void> {
  await waitUntil(`the text ${text}`, () => textOf(client) === text, { found: () => textOf(client) })
}

/** Providers since 3.0 do not reconnect, nor does one document's end disturb another's. */
function expectUndisturbed(socket: HocuspocusSocket): void {
  expect(socket.ends).toEqual([])
  expect(socket.provider.status).toBe('connected')
}

test.each(hocuspocusVersions)('[SYNC-3] 60 documents on one socket of version %i', async version => {
  using socket = openSocket(version, server.wsUrl)
  const name = (at: number) => `many ${version} ${at}`
  const clients = Array.from({ length: 60 }, (_, at) => onSocket(socket, name(at)))
  using _clients = { [Symbol.dispose]: () => clients.forEach(client => void client.destroy()) }
  await Promise.all(clients.map(client => client.synced()))
  for (const [at, client] of clients.entries()) append(client, `text of ${at}`)
  await Promise.all(clients.map(client => client.saved()))
  expect(await scrape(server.url, 'syncline_connections')).toBe(1)
  for (const at of [0, 17, 59]) {
    using reader = connectStock(server.wsUrl, name(at))
    await hasText(reader, `text of ${at}`)
    reader.doc.getText('text').insert(0, 'the ')
    await hasText(clients[at]!, `the text of ${at}`)
  }
  // Nobody has got what is another's.
  for (const [at, client] of clients.entries()) expect(textOf(client)).toMatch(new RegExp(`text of ${at}$`))
  expectUndisturbed(socket)
})

describe('two sessions of one document on one socket (4.8)', () => {
  test('[SYNC-3] see what the other writes and shows, each is told of its own edits, and one leaves without the other', async () => {
    using socket = openSocket(4, server.wsUrl)
    const options = { sessionAwareness: true }
    using one = onSocket(socket, 'sessions', options)
    using other = onSocket(socket, 'sessions', options)
    using plain = onSocket(socket, 'sessions')
    using stock = connectStock(server.wsUrl, 'sessions')
    const all = [one, other, plain, stock]
    await Promise.all(all.map(client => client.synced()))
    await Promise.all([one.saved(), other.saved(), plain.saved()])
    append(one, 'one')
    expect([one.provider.unsyncedChanges, other.provider.unsyncedChanges]).toEqual([1, 0])
    await one.saved()
    for (const client of all) await hasText(client, 'one')
    append(other, ', two')
    await other.saved()
    for (const client of all) await hasText(client, 'one, two')
    for (const { told } of [one, other, plain])
      expect(told.filter(line => line.startsWith('unsynced -'))).toEqual([])
    one.awareness.setLocalState({ name: 'Ada' })
    const seen = () =>
      [other, plain, stock].map(({ awareness }) => awareness.getStates().has(one.doc.clientID))
    await waitUntil('the others to see her', () => seen().every(Boolean), { found: seen })
    one.destroy()
    await waitUntil('the others to see her leave', () => !seen().some(Boolean), { found: seen })
    append(other, ', three')
    await hasText(stock, 'one, two, three')
    expectUndisturbed(socket)
  })
})

describe('a document that is closed', () => {
  test.each(hocuspocusVersions)(
    '[SYNC-3] by version %i and opened again at once on the same socket is synced, every time',
    async version => {
      using socket = openSocket(version, server.wsUrl)
      using stays = onSocket(socket, `stays ${version}`)
      await stays.synced()
      let text = ''
      for (let round = 0; round < 20; round++) {
        using client = onSocket(socket, `again ${version}`)
        await client.synced()
        await client.saved()
        expect(textOf(client)).toBe(text)
        append(client, `${round} `)
        text += `${round} `
        await client.saved()
      }
      append(stays, 'still here')
      await stays.saved()
      expectUndisturbed(socket)
    },
  )

  test.each(hocuspocusVersions)(
    'by version %i leaves its room, and its presence is gone for the others',
    async version => {
      const name = `left ${version}`
      using socket = openSocket(version, server.wsUrl)
      using stays = onSocket(socket, `other of ${name}`)
      using witness = connectStock(server.wsUrl, name)
      const leaves = onSocket(socket, name, { awareness: { name: 'Ada' } })
      await Promise.all([stays.synced(), leaves.synced()])
      leaves.awareness.setLocalStateField('name', 'Ada L.')
      const seen = () => witness.awareness.getStates().has(leaves.doc.clientID)
      await waitUntil('the witness to see her', seen)
      leaves.destroy()
      await waitUntil('the witness to see her leave', () => !seen(), { timeoutMs: 10_000 })
      witness.destroy()
      // Not kept open by anything that its provider says behind its CLOSE.
      await server.waitForLog(
        'the room to be closed',
        ({ msg, document }) => msg === 'room closed' && document === name,
        60_000,
      )
      expectUndisturbed(socket)
    },
  )
})

describe('a document that is refused', () => {
  const tokenFor = (access: 'read' | 'write', name: string) => liveToken({ docs: docs(access, name) })

  test.each([3, 4] as const)(
    '[AUTH-1] leaves the other documents of the socket of version %i alone, and may be asked for again with another token',
    async version => {
      const [mine, secret] = [`mine ${version}`, `secret ${version}`]
      let token = await tokenFor('write', mine)
      using socket = openSocket(version, guarded.wsUrl)
      using allowed = onSocket(socket, mine, { token })
      using refused = onSocket(socket, secret, { token: () => token })
      await allowed.synced()
      expect(await refused.authenticationFailed()).toMatch(/.{10,}/)
      // It goes on sending.
      append(refused, 'not to be kept')
      refused.awareness.setLocalStateField('name', 'Eve')
      append(allowed, 'kept')
      await allowed.saved()
      expect(refused.told.filter(one => one.startsWith('authentication'))).toHaveLength(1)
      expect(refused.provider.synced).toBe(false)
      token = await tokenFor('write', secret)
      await refused.provider.sendToken!()
      refused.provider.startSync()
      await refused.authenticated()
      await refused.saved()
      expectUndisturbed(socket)
    },
  )

  test('[AUTH-1] leaves the other documents of a socket of version 2 alone', async () => {
    const token = await tokenFor('write', 'mine 2')
    using socket = openSocket(2, guarded.wsUrl)
    using allowed = onSocket(socket, 'mine 2', { token })
    using refused = onSocket(socket, 'secret 2', { token })
    await allowed.synced()
    await refused.authenticationFailed()
    append(allowed, 'kept')
    await allowed.saved()
    expectUndisturbed(socket)
  })

  test.each(hocuspocusVersions)('[AUTH-1] without any token tells version %i so', async version => {
    using socket = openSocket(version, guarded.wsUrl)
    using client = onSocket(socket, 'no token')
    expect(await client.authenticationFailed()).toMatch(/token/i)
    expect(client.provider.synced).toBe(false)
  })

  test.each(hocuspocusVersions)(
    '[AUTH-1] is not refused to version %i for what is typed while it fetches its token',
    async version => {
      const name = `slow token ${version}`
      const token = await tokenFor('write', name)
      let give = (_: string) => {}
      using socket = openSocket(version, guarded.wsUrl)
      using client = onSocket(socket, name, {
        // Version 2 asks for one only where it knows that there is one.
        token: () =>
          new Promise<string>(resolve => {
            give = resolve
          }),
      })
      await waitUntil('the socket to be open', () => client.told.length > 0 || opened(socket))
      append(client, 'typed meanwhile')
      client.awareness.setLocalStateField('name', 'Ada')
      give(token)
      await client.authenticated()
      await client.saved()
      expect(client.told.filter(one => one.startsWith('authenticationFailed'))).toEqual([])
      using reader = connectStock(guarded.wsUrl, name, { params: { token } })
      await hasText(reader, 'typed meanwhile')
    },
  )
})

const opened = ({ provider }: HocuspocusSocket) =>
  (provider.webSocket as unknown as { readyState: number } | null)?.readyState === 1

describe('a provider that may only read', () => {
  test.each(hocuspocusVersions)(
    '[AUTH-2] version %i is told so, sees what others write, and that what it writes itself is not saved',
    async (version: HocuspocusVersion) => {
      const name = `read ${version}`
      using writer = connectStock(guarded.wsUrl, name, {
        params: { token: await liveToken({ docs: docs('write', name) }) },
      })
      await writer.synced()
      writer.doc.getText('text').insert(0, 'read me')
      using socket = openSocket(version, guarded.wsUrl)
      using reader = onSocket(socket, name, { token: await liveToken({ docs: docs('read', name) }) })
      await hasText(reader, 'read me')
      await reader.saved()
      expect(reader.provider.authorizedScope).toBe('readonly')
      append(reader, ' and mine')
      writer.doc.getText('text').insert(0, 'please ')
      await waitUntil('the edit of the writer', () => textOf(reader) === 'please read me and mine')
      expect(reader.provider.unsyncedChanges).toBe(1)
      expect(textOf(writer)).toBe('please read me')
      expectUndisturbed(socket)
    },
  )
})

const names = [
  '1',
  'ab',
  'abc',
  'x'.repeat(127),
  'x'.repeat(128),
  'y'.repeat(1_000),
  '__proto__',
  'constructor',
  'a/b?c#d',
  '100%',
  '%41',
  'ü',
  'two words',
  '\u0001\u0002',
]

test.each(names)('[SYNC-3] the name %j is an ordinary document for every version', async name => {
  const sockets = hocuspocusVersions.map(version => openSocket(version, server.wsUrl))
  const clients = sockets.map(socket => onSocket(socket, name))
  using _clients = {
    [Symbol.dispose]() {
      for (const client of clients) client.destroy()
      for (const socket of sockets) socket[Symbol.dispose]()
    },
  }
  await Promise.all(clients.map(client => client.synced()))
  append(clients[0]!, 'text')
  for (const client of clients) {
    await hasText(client, 'text')
    await client.saved()
  }
})

test.each(['', ' '])(
  'the blank name %j is refused to version 4 once, and never let in before',
  async name => {
    using socket = openSocket(4, server.wsUrl)
    using stays = onSocket(socket, 'beside a blank name')
    using client = onSocket(socket, name)
    expect(await client.authenticationFailed()).toContain('name of the document is empty')
    append(client, 'typed')
    append(stays, 'typed')
    await stays.synced()
    await stays.saved()
    expect(client.told.filter(one => one.startsWith('authenticated'))).toEqual([])
    expectUndisturbed(socket)
  },
)

test('a name of 1,025 bytes is refused, and the other documents of its socket go on', async () => {
  using socket = openSocket(4, server.wsUrl)
  using stays = onSocket(socket, 'beside a long name')
  using client = onSocket(socket, 'x'.repeat(1_025))
  expect(await client.authenticationFailed()).toContain('1025 bytes')
  await stays.synced()
  expectUndisturbed(socket)
})

test.each(hocuspocusVersions)(
  '[LIM-1 message-bytes] what is too large for one message ends its document, and version %i does not come back with it again and again',
  async version => {
    await using small = await startServer({ args: ['--limit-message-bytes', '100000'] })
    using socket = openSocket(version, small.wsUrl)
    using other = onSocket(socket, 'other')
    using client = onSocket(socket, 'large')
    await Promise.all([other.saved(), client.saved()])
    append(client, 'x'.repeat(200_000))
    append(client, 'and more')
    expect(await client.authenticationFailed()).toContain('at most 100000 are allowed')
    // Version 2 is back at once where it comes back, the others after a second.
    await new Promise(resolve => setTimeout(resolve, 1_500))
    append(other, 'goes on')
    await other.saved()
    expect(client.told.filter(one => one.startsWith('authenticationFailed'))).toHaveLength(1)
    expect(client.provider.hasUnsyncedChanges).toBe(true)
    expectUndisturbed(socket)
  },
)

test('[LIM-1 message-bytes] what is so large that nothing of it is read stops version 2, which comes back at once on every other code', async () => {
  await using small = await startServer({ args: ['--limit-message-bytes', '100000'] })
  using socket = openSocket(2, small.wsUrl)
  using client = onSocket(socket, 'far too large')
  await client.saved()
  append(client, 'x'.repeat(3_000_000))
  await waitUntil('it to be told', () => socket.ends.length > 0)
  await new Promise(resolve => setTimeout(resolve, 1_500))
  expect(socket.ends).toMatchObject([{ code: 1009 }])
  expect([socket.provider.shouldConnect, client.provider.hasUnsyncedChanges]).toEqual([false, true])
})
