/**
 * The end of a grant at one real server: its token is over, or it was revoked or made less, while people type.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { arrive, socketOfPage } from '../support/arrival.ts'
import { Evidence } from '../support/evidence.ts'
import { joinFresh } from '../support/fresh-client.ts'
import { docs, liveToken, secondsFromNow, secretEnv, withToken } from '../support/live-tokens.ts'
import { connectRaw, frame } from '../support/raw-client.ts'
import { recordingSocket } from '../support/recording-socket.ts'
import { revoke, revokedWithinMs } from '../support/revoke.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { connectStock, connectStock14, type StockClient } from '../support/stock-client.ts'
import { Typist } from '../support/typist.ts'
import { waitUntil } from '../support/wait-until.ts'

const shortSeconds = 4

let server: ServerProcess
beforeAll(async () => {
  server = await startServer({ env: secretEnv })
})
afterAll(() => server?.[Symbol.asyncDispose]())

const tokenOf = (user: string, more: Readonly<Record<string, unknown>> = {}) =>
  liveToken({ sub: user, name: user, ...more })

async function join(document: string, user: string, token?: string): Promise<StockClient> {
  const client = connectStock(server.wsUrl, document, { params: { token: token ?? (await tokenOf(user)) } })
  await client.synced()
  return client
}

const textOf = (client: { readonly doc: StockClient['doc'] }) => client.doc.getText('text')

test('[AUTH-2] a token that ends while its owners type ends their connections, loses nothing that was shown or told to be saved, and a new one brings the rest', async () => {
  const document = 'ending'
  const evidence = new Evidence(document)
  using watcher = await join(document, 'watcher')
  watcher.doc.on('update', update => evidence.deliver(update))
  const endSeconds = secondsFromNow(shortSeconds)
  let token = await tokenOf('ada', { exp: endSeconds })
  // One that is told by its own updates coming back what is saved, and one that asks.
  const recording = { open: 0, onUpdate: (update: Uint8Array) => evidence.deliver(update) }
  using page = connectStock(server.wsUrl, document, { params: { token }, socket: recordingSocket(recording) })
  const asking = new Typist({ wsUrl: server.wsUrl, evidence, token: () => token })
  using _asking = { [Symbol.dispose]: () => asking.destroy() }
  asking.goOnline()
  await page.synced()

  let edits = 0
  await waitUntil(
    'both to be told that the token has ended',
    () => {
      textOf(page).insert(0, `page ${edits} `)
      asking.doc.getText('text').insert(0, `asking ${edits++} `)
      asking.ask()
      return page.ends.length > 0 && asking.ends.length > 0
    },
    { found: () => [page.ends, asking.ends] },
  )
  expect(page.ends).toMatchObject([{ code: 4401 }])
  expect(page.ends[0]!.reason).toContain('was valid until')
  expect([asking.ends[0], page.provider.shouldConnect]).toEqual([4401, false])
  expect(Date.now()).toBeGreaterThanOrEqual(endSeconds * 1000)
  // And it has ended for good.
  expect(await arrive(server.wsUrl, withToken(document, token))).toMatchObject({ code: 'TOKEN_EXPIRED' })
  const fresh = await joinFresh(server.wsUrl, withToken(document, await tokenOf('fresh')))
  expect(evidence.lostFrom(fresh.state)).toEqual([])
  expect([evidence.acknowledgements > 10, evidence.frames > 20]).toEqual([true, true])

  textOf(page).insert(0, 'page, after the end. ')
  asking.doc.getText('text').insert(0, 'asking, after the end. ')
  token = await tokenOf('ada')
  page.provider.params = { token }
  page.provider.connect()
  await page.synced()
  await asking.whenSaved()
  const texts = () => [textOf(page), textOf(watcher), asking.doc.getText('text')].map(String)
  await waitUntil(
    'all to have everything',
    () => new Set(texts()).size === 1 && texts()[0]!.includes('page, after the end. '),
    { found: () => texts().map(text => text.slice(0, 100)) },
  )
  for (const who of ['page', 'asking']) {
    for (let edit = 0; edit < edits; edit++) expect(texts()[0]).toContain(`${who} ${edit} `)
  }
})

test('[AUTH-2] a client that does not know the close code comes back with the new token by itself', async () => {
  const document = 'unaware'
  using watcher = await join(document, 'watcher')
  const params = { token: await tokenOf('ben', { exp: secondsFromNow(shortSeconds) }) }
  using client = connectStock14(server.wsUrl, document, { params })
  await client.synced()
  await waitUntil('the end', () => client.ends.length > 0)
  expect(client.ends[0]).toMatchObject({ code: 4401 })
  client.doc.get('text').insert(0, 'typed after the end')
  client.provider.params = { token: await tokenOf('ben') }
  await waitUntil('what was typed to arrive', () => textOf(watcher).toString() === 'typed after the end')
})

test('[AUTH-2] a downgrade to read takes effect on the same socket: it goes on to read, and what it writes is dropped until it may again', async () => {
  const document = 'downgraded'
  using other = await join(document, 'other')
  using ada = await join(document, 'cleo')
  const { ws } = ada.provider
  textOf(ada).insert(0, 'allowed ')
  await waitUntil('what is allowed to arrive', () => textOf(other).toString() === 'allowed ')
  await revoke(server, { user: 'cleo', access: 'read' })
  textOf(ada).insert(0, 'forbidden ')
  textOf(other).insert(textOf(other).length, 'and read')
  await waitUntil('her to go on reading', () => textOf(ada).toString().includes('and read'))
  expect(textOf(other).toString()).toBe('allowed and read')
  const stored = await joinFresh(server.wsUrl, withToken(document, await tokenOf('fresh')))
  expect(stored.doc.getText('text').toString()).toBe('allowed and read')
  // A newcomer by that name may not either.
  using tab = await join(document, 'cleo')
  textOf(tab).insert(0, 'forbidden, too ')
  await revoke(server, { user: 'cleo', access: 'admin' })
  textOf(ada).insert(0, 'allowed again ')
  await waitUntil('what is allowed again to arrive', () =>
    textOf(other).toString().includes('allowed again '),
  )
  textOf(tab).insert(0, 'and so may the newcomer ')
  await waitUntil('what the newcomer writes to arrive', () =>
    textOf(other).toString().includes('and so may the newcomer '),
  )
  expect(ada.provider.ws).toBe(ws)
  expect([ada.ends, other.ends, tab.ends]).toEqual([[], [], []])
})

test('[AUTH-2] what is revoked stays so over kill -9, for those who come back and those who come anew', async () => {
  const document = 'killed'
  await using first = await startServer({ env: secretEnv })
  const token = await tokenOf('dan')
  using dan = connectStock(first.wsUrl, document, { params: { token }, socket: socketOfPage() })
  using eva = connectStock(first.wsUrl, document, { params: { token: await tokenOf('eva') } })
  await Promise.all([dan.synced(), eva.synced()])
  eva.doc.getText('text').insert(0, 'kept')
  await waitUntil('it to be shown', () => textOf(dan).toString() === 'kept')
  await revoke(first, { user: 'dan' })
  await first.kill()
  await using second = await startServer({ env: secretEnv, dataFolder: first.dataFolder, port: first.port })
  expect(await arrive(second.wsUrl, withToken(document, token))).toMatchObject({
    told: 'http',
    status: 401,
    code: 'GRANT_REVOKED',
  })
  await waitUntil('him to be told', () => dan.ends.some(({ code }) => code === 4401), {
    found: () => dan.ends,
  })
  await waitUntil('her to be back', () => eva.provider.wsconnected && eva.provider.synced)
  expect(textOf(eva).toString()).toBe('kept')
  // Made after the revocation, it is a new decision of the application.
  const newer = await tokenOf('dan', { iat: secondsFromNow(2) })
  expect(await arrive(second.wsUrl, withToken(document, newer))).toEqual({ told: 'welcome' })
})

test('[AUTH-2] who was let in and says nothing until the token is revoked is shown nothing of a document that others have open', async () => {
  const document = 'late'
  using ada = await join(document, 'gwen')
  textOf(ada).insert(0, 'for readers only')
  using silent = await connectRaw(server.wsUrl, withToken(document, await tokenOf('hugo')))
  await revoke(server, { user: 'hugo' })
  silent.send(frame.syncStep1())
  expect(await silent.waitForClose()).toMatchObject({ code: 4401 })
  expect(silent.frames).toEqual([])
})

test('[AUTH-2] a revocation of one document leaves its owner the others', async () => {
  const token = await tokenOf('finn', { docs: docs('write', 'team/*') })
  using one = await join('team/one', 'finn', token)
  using two = await join('team/two', 'finn', token)
  await revoke(server, { user: 'finn', document: 'team/one' })
  await waitUntil('the one to end', () => one.ends.length > 0, { timeoutMs: revokedWithinMs })
  expect(one.ends).toMatchObject([{ code: 4401 }])
  expect(one.ends[0]!.reason).toContain('revoked')
  using other = await join('team/two', 'other')
  textOf(two).insert(0, 'goes on')
  await waitUntil('the other to go on', () => textOf(other).toString() === 'goes on')
  expect(two.ends).toEqual([])
})
