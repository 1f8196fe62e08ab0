/**
 * Tokens in the Hocuspocus framing, against a real server: a document is refused on its own, in the framing, and its socket stays for the
 * others. With the providers as they are published, and with frames where the order counts.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectHocuspocus, hocuspocusVersions, onSocket, openSocket } from '../support/hocuspocus-client.ts'
import { type JsonServer, startJsonServer } from '../support/json-server.ts'
import { docs, liveToken, secondsFromNow, secretEnv } from '../support/live-tokens.ts'
import { connectRawHocuspocus, keyed, type RawHocuspocus } from '../support/raw-hocuspocus.ts'
import { revoke } from '../support/revoke.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { connectStock } from '../support/stock-client.ts'
import { waitUntil } from '../support/wait-until.ts'

let server: ServerProcess
beforeAll(async () => {
  server = await startServer({ env: secretEnv })
})
afterAll(() => server?.[Symbol.asyncDispose]())

const tokenFor = (name: string, access: 'read' | 'write' = 'write', more: Record<string, unknown> = {}) =>
  liveToken({ docs: docs(access, name), ...more })
/** Client 1 inserts "hi" into text t. */
const hi = Uint8Array.of(1, 1, 1, 0, 4, 1, 1, 0x74, 2, 0x68, 0x69, 0)
const opened = (document: string) =>
  server.logs.some(line => line.msg === 'room opened' && line.document === document)

test('[AUTH-1] a document that is refused is not opened, and its socket serves the others', async () => {
  using client = await connectRawHocuspocus(server.wsUrl)
  client.begin('others only', await tokenFor('other'))
  client.begin('other', await tokenFor('other'))
  await client.waitForFrame(
    'the other document',
    ({ key, kind }) => key === 'other' && kind === 'sync-step-2',
  )
  expect(client.kindsOf('others only')).toEqual(['permission-denied'])
  expect(client.kindsOf('other')[0]).toBe('authenticated')
  expect([opened('others only'), client.closed]).toEqual([false, undefined])
})

test('[AUTH-1] a wrong token in the URL is HTTP 401 for a program, and PermissionDenied for a page', async () => {
  const url = `${server.wsUrl}/?token=hello`
  await expect(connectRawHocuspocus(url)).rejects.toThrow('401')
  using page = await connectRawHocuspocus(url, { origin: 'https://example.org' })
  page.begin('from a page')
  const { text } = await page.waitForFrame('the refusal', ({ kind }) => kind === 'permission-denied')
  expect(text).toContain('cannot be read')
  expect(opened('from a page')).toBe(false)
})

test('[AUTH-1] a token in the URL counts where none comes in the framing, and one in the framing before it', async () => {
  const url = `${server.wsUrl}/?token=${await tokenFor('by url')}`
  using client = await connectRawHocuspocus(url)
  client.begin('by url')
  await client.waitForFrame('the document', ({ key, kind }) => key === 'by url' && kind === 'sync-step-2')
  client.begin('by frame', await tokenFor('by frame', 'read'))
  const { text } = await client.waitForFrame(
    'the grant',
    ({ key, kind }) => key === 'by frame' && kind === 'authenticated',
  )
  expect(text).toBe('readonly')
})

describe('by settings', () => {
  const servedWith = (env: NodeJS.ProcessEnv) =>
    startServer({ args: ['--store', 'memory'], env: { ...secretEnv, ...env } })
  const kindsAfter = async (client: RawHocuspocus, document: string) => {
    await client.waitForFrame('an answer', ({ key }) => key === document)
    return client.kindsOf(document)[0]
  }

  test('[AUTH-1] with authInBand=false a token in the framing counts for nothing, and one of the request does', async () => {
    await using own = await servedWith({ SYNCLINE_AUTH_IN_BAND: 'false' })
    using without = await connectRawHocuspocus(own.wsUrl)
    without.begin('plan', await tokenFor('plan'))
    expect(await kindsAfter(without, 'plan')).toBe('permission-denied')
    using reader = await connectRawHocuspocus(`${own.wsUrl}/?token=${await tokenFor('plan', 'read')}`)
    reader.begin('plan', await tokenFor('plan', 'write'))
    expect(await kindsAfter(reader, 'plan')).toBe('authenticated')
    expect(reader.of('plan')[0]!.text).toBe('readonly')
  })

  test('[AUTH-1] with authRefusal=http the request needs a good token, and with close no request is refused', async () => {
    const wrong = `?token=${await liveToken({ exp: secondsFromNow(-60) })}`
    await using overHttp = await servedWith({ SYNCLINE_AUTH_REFUSAL: 'http' })
    for (const query of ['', wrong])
      await expect(connectRawHocuspocus(`${overHttp.wsUrl}/${query}`)).rejects.toThrow('401')
    await using byClose = await servedWith({ SYNCLINE_AUTH_REFUSAL: 'close' })
    using client = await connectRawHocuspocus(`${byClose.wsUrl}/${wrong}`)
    client.begin('plan')
    expect(await kindsAfter(client, 'plan')).toBe('permission-denied')
    client.begin('diary', await tokenFor('diary'))
    expect(await kindsAfter(client, 'diary')).toBe('authenticated')
  })
})

describe('while nobody has said yet whether a token is good', () => {
  let application: JsonServer
  let asking: ServerProcess
  beforeAll(async () => {
    application = await startJsonServer({ status: 403 })
    asking = await startServer({
      args: ['--store', 'memory'],
      env: { SYNCLINE_AUTH_CALLBACK_URL: application.url, SYNCLINE_AUTH_CALLBACK_TIMEOUT_MS: '20000' },
    })
  })
  afterAll(async () => {
    await asking?.[Symbol.asyncDispose]()
    await application?.close()
  })

  /** The application knows nobody by the request alone, and does not answer any more about tokens in the framing. */
  async function stranger(): Promise<RawHocuspocus> {
    application.answer = { status: 403 }
    const client = await connectRawHocuspocus(asking.wsUrl)
    application.answer = null
    return client
  }

  test('[AUTH-1] a thousand messages wait, and with one more the socket is closed with 4529', async () => {
    using client = await stranger()
    for (let i = 0; i < 10; i++) client.send(keyed(`document ${i}`).token('a session'))
    for (let i = 0; i < 1_000; i++) client.send(keyed(`document ${i % 10}`).queryAwareness())
    await client.heard()
    expect(client.closed).toBe(undefined)
    client.send(keyed('document 1').queryAwareness())
    expect(await client.waitForClose()).toMatchObject({ code: 4529 })
    expect(client.frames.filter(({ kind }) => kind !== 'pong')).toEqual([])
  })

  test('[AUTH-1] more than 1 MiB in all cuts the socket, and nothing is opened', async () => {
    using client = await stranger()
    client.send(keyed('large').token('a session'))
    for (let i = 0; i < 5; i++) client.send(keyed('large').update(new Uint8Array(256 * 1024)))
    expect(await client.waitForClose()).toMatchObject({ code: 1006 })
    const lines = asking.logs.filter(({ msg }) => msg === 'room opened' || msg === 'session opened')
    expect(lines).toEqual([])
  })
})

test('[LIM-1 connections-per-user-and-document] one session too many of somebody is refused, and their other sessions of the socket go on', async () => {
  const document = 'many sessions'
  const token = await tokenFor(document, 'write', { sub: 'ada' })
  using client = await connectRawHocuspocus(server.wsUrl)
  const keys = Array.from({ length: 6 }, (_, i) => `${document}\0session ${i}`)
  for (const key of keys) client.begin(key, token)
  await waitUntil('all of them to be answered', () =>
    keys.every(key => ['permission-denied', 'sync-step-1'].includes(client.kindsOf(key).at(-1) ?? '')),
  )
  const refused = keys.filter(key => client.kindsOf(key).includes('permission-denied'))
  expect(refused).toHaveLength(1)
  expect(client.of(refused[0]!).at(-1)!.text).toContain('5 connections to this document')
  expect(client.closed).toBe(undefined)
})

test('[AUTH-2] a downgrade is told on the same socket, and from then on updates are answered by 0', async () => {
  const document = 'downgraded'
  using client = await connectRawHocuspocus(server.wsUrl)
  client.begin(document, await tokenFor(document, 'write', { sub: 'cleo' }))
  await client.waitForFrame('the question', ({ kind }) => kind === 'sync-step-1')
  client.send(keyed(document).update(hi))
  await client.waitForFrame('that it is saved', ({ kind, text }) => kind === 'status' && text === '1')
  await revoke(server, { user: 'cleo', access: 'read' })
  await client.waitForFrame('the downgrade', ({ text }) => text === 'readonly')
  const before = client.frames.length
  client.send(keyed(document).update(hi.map((byte, at) => (at === 3 ? 2 : byte))))
  const status = await waitUntil('its status', () =>
    client.frames.slice(before).find(({ kind }) => kind === 'status'),
  )
  expect([status.text, client.closed]).toEqual(['0', undefined])
})

test('[AUTH-2] a reader is told so, its updates are answered by 0, and its answer to SyncStep1 by 1 as long as it brings nothing', async () => {
  const document = 'read by frames'
  using client = await connectRawHocuspocus(server.wsUrl)
  client.begin(document, await tokenFor(document, 'read'))
  await client.waitForFrame('the question', ({ kind }) => kind === 'sync-step-1')
  const statuses = () => client.of(document).flatMap(({ kind, text }) => (kind === 'status' ? [text] : []))
  client.send(keyed(document).syncStep2(Uint8Array.of(0, 0)))
  await waitUntil('the first status', () => statuses().length === 1)
  client.send(keyed(document).update(hi))
  await waitUntil('the second status', () => statuses().length === 2)
  expect(statuses()).toEqual(['1', '0'])
  expect(client.of(document)[0]).toMatchObject({ kind: 'authenticated', text: 'readonly' })
})

describe.each(hocuspocusVersions)('a provider of version %i', version => {
  const named = (what: string) => `${what} with ${version}`

  test('[AUTH-1] that is refused says why, does not come back for ever, and is let in with another token', async () => {
    const document = named('refused')
    let token = 'hello'
    const before = server.logs.length
    using client = connectHocuspocus(version, server.wsUrl, document, { token: () => token })
    expect(await client.authenticationFailed()).toContain('cannot be read')
    using neighbour = connectStock(server.wsUrl, 'neighbour', {
      params: { token: await tokenFor('neighbour') },
    })
    await neighbour.synced()
    const attempts = server.logs.slice(before).filter(({ msg }) => msg === 'connection refused').length
    expect(attempts).toBeLessThan(4)
    if (version === 2) return
    token = await tokenFor(document)
    await client.provider.sendToken?.()
    client.provider.startSync?.()
    await client.saved()
  })

  test('[AUTH-2] that may only read sees what others write, and writes nothing', async () => {
    const document = named('read')
    using reader = connectHocuspocus(version, server.wsUrl, document, {
      token: await tokenFor(document, 'read'),
    })
    using writer = connectStock(server.wsUrl, document, { params: { token: await tokenFor(document) } })
    await Promise.all([reader.synced(), writer.synced()])
    reader.doc.getText('text').insert(0, 'forbidden')
    writer.doc.getText('text').insert(0, 'written ')
    await waitUntil('what was written', () => reader.doc.getText('text').toString().includes('written '))
    expect(writer.doc.getText('text').toString()).toBe('written ')
    expect(reader.provider.hasUnsyncedChanges).toBe(true)
    if (version > 2) expect(reader.provider.authorizedScope).toBe('readonly')
  })

  test('[AUTH-2] loses a document that is revoked, and keeps the others of its socket', async () => {
    const [lost, kept] = [named('lost'), named('kept')]
    using socket = openSocket(version, server.wsUrl)
    using one = onSocket(socket, lost, { token: await tokenFor(lost) })
    using other = onSocket(socket, kept, { token: await tokenFor(kept) })
    await Promise.all([one.saved(), other.saved()])
    await revoke(server, { document: lost })
    expect(await one.authenticationFailed()).toContain('revoked')
    if (version === 2) return
    other.doc.getText('text').insert(0, 'goes on')
    await other.saved()
    expect(socket.ends).toEqual([])
  })

  test('[AUTH-2] [SYNC-3] goes on beyond the end of its token where it can be asked for another one', async () => {
    const document = named('ends')
    let made = 0
    const token = () => {
      made++
      return tokenFor(document, 'write', { exp: secondsFromNow(made === 1 ? 4 : 3_600) })
    }
    using client = connectHocuspocus(version, server.wsUrl, document, { token })
    await client.saved()
    if (version === 2) {
      expect(await client.authenticationFailed()).toContain('valid until')
      return
    }
    await waitUntil('it to be asked again', () => made === 2)
    await new Promise(resolve => setTimeout(resolve, 6_000))
    client.doc.getText('text').insert(0, 'after the end of the first')
    await client.saved()
    expect([made, client.socket.ends]).toEqual([2, []])
  })
})
