/**
 * Tokens in the Hocuspocus framing, against a real server: a document is refused on its own, in the framing, and its socket stays for the
 * others. With the providers as they are published, and with frames where the order counts.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectHocuspocus, hocuspocusVersions, onSocket, openSocket } from '../support/hocuspocus-client.ts'
import { docs, liveToken, secondsFromNow, secretEnv } from '../support/live-tokens.ts'
import { connectRawHocuspocus, keyed } from '../support/raw-hocuspocus.ts'
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
const opened = (document: string) =>
  server.logs.some(line => line.msg === 'room opened' && line.document === document)

describe('[AUTH-1] PermissionDenied says which check failed, nothing is opened, and the socket serves its other documents:', () => {
  const refusals: Record<string, [token: () => Promise<string> | string, says: string]> = {
    'no token': [() => '', 'none came'],
    'no token at all': [() => 'hello', 'cannot be read'],
    'one that has expired': [() => liveToken({ exp: secondsFromNow(-60) }), 'was valid until'],
    'one that begins later': [() => liveToken({ nbf: secondsFromNow(600) }), 'valid from'],
    'one signed by somebody else': [
      () => liveToken({}, { key: Buffer.from('another secret of thirty-two bytes') }),
      'not signed',
    ],
    'one without a signature': [
      () =>
        `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{}').toString('base64url')}.`,
      'algorithm',
    ],
    'one for other documents': [() => tokenFor('others'), 'does not cover'],
  }
  for (const [what, [token, says]] of Object.entries(refusals)) {
    test(what, async () => {
      const document = `refused: ${what}`
      using client = await connectRawHocuspocus(server.wsUrl)
      client.begin(document, await token())
      const { text } = await client.waitForFrame('the refusal', ({ kind }) => kind === 'permission-denied')
      expect(text).toContain(says)
      // What follows for that key is dropped.
      client.send(keyed(document).update(Uint8Array.of(0, 0)))
      client.begin('allowed', await tokenFor('allowed'))
      await client.waitForFrame(
        'the other document',
        ({ key, kind }) => key === 'allowed' && kind === 'sync-step-2',
      )
      expect(client.kindsOf(document)).toEqual(['permission-denied'])
      expect(client.kindsOf('allowed')[0]).toBe('authenticated')
      expect([opened(document), client.closed]).toEqual([false, undefined])
    })
  }
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

test('[AUTH-2] a reader is told so, its updates are answered by 0, and its answer to SyncStep1 by 1 as long as it brings nothing', async () => {
  const document = 'read by frames'
  using client = await connectRawHocuspocus(server.wsUrl)
  client.begin(document, await tokenFor(document, 'read'))
  await client.waitForFrame('the question', ({ kind }) => kind === 'sync-step-1')
  const statuses = () => client.of(document).flatMap(({ kind, text }) => (kind === 'status' ? [text] : []))
  client.send(keyed(document).syncStep2(Uint8Array.of(0, 0)))
  await waitUntil('the first status', () => statuses().length === 1)
  // Client 1 inserts "hi" into text t.
  client.send(keyed(document).update(Uint8Array.of(1, 1, 1, 0, 4, 1, 1, 0x74, 2, 0x68, 0x69, 0)))
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
