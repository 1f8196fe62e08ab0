/** A TipTap editor over the stock Hocuspocus provider and the demo, which speaks y-websocket, write one document at one server. */
import { makeToken } from '@syncline/server/internal/auth/make-token'
import { settingsWith } from '@syncline/server/internal/foundation/settings'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchChromium } from '../support/chromium.ts'
import { ensureDemoIsBuilt, visitDemo } from '../support/demo-page.ts'
import { waitForSameText } from '../support/editor-page.ts'
import { type HocuspocusSite, serveHocuspocusEditor, visitHocuspocus } from '../support/hocuspocus-page.ts'
import { startServer } from '../support/server-process.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { waitUntil } from '../support/wait-until.ts'

let browser: Browser
let site: HocuspocusSite

beforeAll(async () => {
  await ensureDemoIsBuilt()
  ;[browser, site] = await Promise.all([launchChromium(), serveHocuspocusEditor()])
})
afterAll(async () => {
  await browser?.close()
  await site?.[Symbol.asyncDispose]()
})

/** A socket that cannot be opened is written to the console by the browser itself. */
const ofThePages = (...pages: readonly { readonly complaints: readonly string[] }[]) =>
  pages.flatMap(page => page.complaints).filter(line => !line.startsWith('WebSocket connection to'))

/** Ada at the demo and Hana at the Hocuspocus editor, who is on a line that can be cut; both may write. */
async function meet(document: string) {
  await using stack = new AsyncDisposableStack()
  const server = stack.use(await startServer())
  const line = stack.use(await startTcpProxy({ targetPort: server.port }))
  const ada = stack.use(await visitDemo(browser, { url: server.url, document, name: 'Ada Marlow' }))
  const ofHana = { wsUrl: line.wsUrl, document, name: 'Hana Ito' }
  const hana = stack.use(await visitHocuspocus(browser, site, ofHana))
  await hana.waitForScope('read-write')
  await ada.waitForConnection('Connected')
  const kept = stack.move()
  return { line, ada, hana, [Symbol.asyncDispose]: () => kept.disposeAsync() }
}

test('[SYNC-3] [LOG-1] a Hocuspocus editor and the demo write together, see each other, and all is saved in the end', async () => {
  await using both = await meet('both-framings')
  const { line, ada, hana } = both

  await ada.text.click()
  await ada.page.keyboard.type('one. \ntwo. ')
  await hana.waitForText('the lines to write in', text => text.includes('two.'))
  await hana.text.locator('p').first().click()
  await hana.moveCaret('End')
  await Promise.all([
    ada.page.keyboard.type('Ada writes below. 👩‍👩‍👧‍👦', { delay: 8 }),
    hana.page.keyboard.type('Hana writes above. 🏔️', { delay: 9 }),
  ])
  const text = await waitForSameText([ada, hana], ['below. 👩‍👩‍👧‍👦', 'above. 🏔️'])
  expect(text).toBe('one. Hana writes above. 🏔️\ntwo. Ada writes below. 👩‍👩‍👧‍👦')
  await hana.waitForUnsyncedChanges('all to be saved', changes => changes === 0)

  // Nothing of what the server says arrives: then nothing counts as saved, though the server has it.
  line.pause('down')
  await hana.page.keyboard.type(' Unheard.')
  await ada.waitForText('what is written meanwhile', text => text.includes('Unheard.'))
  expect(await hana.unsyncedChanges()).toBeGreaterThan(0)
  line.resume()
  await hana.waitForUnsyncedChanges('all to be saved again', changes => changes === 0)
  expect(ofThePages(ada, hana)).toEqual([])
})

test('[SYNC-3] both see the caret of the other with its name, and no longer when the other has left', async () => {
  await using server = await startServer()
  const document = 'carets-of-both'
  const ofHana = { wsUrl: server.wsUrl, document, name: 'Hana Ito' }
  await using ada = await visitDemo(browser, { url: server.url, document, name: 'Ada Marlow' })
  await using hana = await visitHocuspocus(browser, site, ofHana)
  await ada.waitForConnection('Connected')
  await ada.text.click()
  await ada.page.keyboard.type('A line to stand in.')
  await hana.waitForText('the line', text => text.includes('stand in.'))
  await hana.text.locator('p').first().click()
  const seen = async () => ({ byAda: await ada.caretNames(), byHana: await hana.caretNames() })
  await waitUntil(
    'both carets',
    async () => {
      const { byAda, byHana } = await seen()
      return byAda.join() === 'Hana Ito' && byHana.join() === 'Ada Marlow'
    },
    { found: seen },
  )
  await ada.page.getByRole('list', { name: '2 people are here' }).waitFor()

  await using ben = await visitHocuspocus(browser, site, { ...ofHana, name: 'Ben Okafor' })
  await ben.waitForText('the line', text => text.includes('stand in.'))
  await ben.text.locator('p').first().click()
  await waitUntil('a third caret', async () => (await hana.caretNames()).includes('Ben Okafor'))
  await ada.context.close()
  await waitUntil(
    'who left the demo to be gone',
    async () => (await hana.caretNames()).join() === 'Ben Okafor',
  )
  await using grace = await visitDemo(browser, { url: server.url, document, name: 'Grace' })
  await waitUntil('two carets for who came later', async () => (await grace.caretNames()).length === 2)
  await ben.page.close()
  await waitUntil(
    'who left the other to be gone',
    async () => (await grace.caretNames()).join() === 'Hana Ito',
  )
  expect(ofThePages(ada, hana, ben, grace)).toEqual([])
})

test('[SYNC-3] what a Hocuspocus editor wrote offline, and the demo meanwhile, is merged when it is back', async () => {
  await using both = await meet('offline-beside')
  const { line, ada, hana } = both
  await ada.text.click()
  await ada.page.keyboard.type('first\nsecond')
  await waitForSameText([ada, hana], ['second'])
  await hana.waitForUnsyncedChanges('all to be saved', changes => changes === 0)

  line.refusing = true
  line.cut()
  await hana.waitForConnection('disconnected')
  await hana.text.locator('p').first().click()
  await hana.moveCaret('End')
  await hana.page.keyboard.type(' Hana, offline')
  await ada.moveCaret('End')
  await ada.page.keyboard.type(' Ada, online')
  expect(await hana.unsyncedChanges()).toBeGreaterThan(0)
  expect(await ada.readText()).not.toContain('Hana, offline')
  expect(await hana.readText()).not.toContain('Ada, online')

  line.refusing = false
  await hana.waitForConnection('connected')
  const text = await waitForSameText([ada, hana], ['Hana, offline', 'Ada, online'])
  expect(text).toBe('first Hana, offline\nsecond Ada, online')
  await hana.waitForUnsyncedChanges('all to be saved', changes => changes === 0)
  expect(ofThePages(ada, hana)).toEqual([])
})

test('[LOG-1] [LOG-4] the server is killed in the moment in which unsyncedChanges is 0: a newcomer has it all, and both editors come back', async () => {
  const document = 'killed-when-saved'
  let server = await startServer()
  try {
    await using line = await startTcpProxy({ targetPort: server.port })
    await using ada = await visitDemo(browser, { url: `http://127.0.0.1:${line.port}`, document })
    const ofHana = { wsUrl: line.wsUrl, document, name: 'Hana Ito' }
    await using hana = await visitHocuspocus(browser, site, ofHana)
    await hana.waitForScope('read-write')
    await ada.text.click()
    await ada.page.keyboard.type('first\nsecond')
    await waitForSameText([ada, hana], ['second'])
    await hana.text.locator('p').first().click()
    await hana.moveCaret('End')
    await hana.page.keyboard.type(' by')
    await hana.waitForUnsyncedChanges('all to be saved', changes => changes === 0)
    const saved = await hana.watchForSaved()
    await hana.page.keyboard.insertText(' Hana')
    await saved()
    await server.kill()

    // Those who wrote it cannot bring it again: a newcomer has it from the disk or not at all.
    line.refusing = true
    line.cut()
    server = await startServer({ dataFolder: server.dataFolder, port: server.port })
    await using grace = await visitDemo(browser, { url: server.url, document, name: 'Grace' })
    await grace.waitForConnection('Connected')
    expect(await grace.waitForText('what was saved', text => text !== '')).toBe('first by Hana\nsecond')

    await hana.page.keyboard.type(', Hana meanwhile')
    await ada.page.keyboard.type(' Ada meanwhile')
    line.refusing = false
    const text = await waitForSameText([ada, hana, grace], ['Hana meanwhile', 'Ada meanwhile'])
    expect(text).toBe('first by Hana, Hana meanwhile\nsecond Ada meanwhile')
    await hana.waitForUnsyncedChanges('all to be saved', changes => changes === 0)
    expect(ofThePages(ada, hana, grace)).toEqual([])
  } finally {
    await server[Symbol.asyncDispose]()
  }
})

test('[AUTH-2] a Hocuspocus editor whose token may only read shows what is written, and is not editable', async () => {
  const authSecret = 'a secret that only these tests and their server know'
  await using server = await startServer({ env: { SYNCLINE_AUTH_SECRET: authSecret } })
  const document = 'read-beside'
  const exp = Math.floor(Date.now() / 1000) + 3_600
  const tokenOf = (name: string, access: 'read' | 'write') =>
    makeToken({ sub: name, name, exp, docs: [{ name: document, access }] }, settingsWith({ authSecret }))
  const visitAs = async (name: string, access: 'read' | 'write') =>
    visitHocuspocus(browser, site, {
      wsUrl: server.wsUrl,
      document,
      name: 'Nobody',
      token: await tokenOf(name, access),
    })
  const ofAda = { url: server.url, document, token: await tokenOf('Ada', 'write') }
  await using ada = await visitDemo(browser, ofAda)
  await using bob = await visitAs('Bob', 'read')
  await using hana = await visitAs('Hana', 'write')
  await Promise.all([bob.waitForScope('readonly'), hana.waitForScope('read-write')])
  await ada.text.click()
  await ada.page.keyboard.type('from Ada')
  await hana.waitForText('what Ada writes', text => text.includes('from Ada'))
  await hana.text.click()
  await hana.moveCaret('End')
  await hana.page.keyboard.type(', and from Hana')
  expect(await waitForSameText([ada, bob, hana], ['from Hana'])).toBe('from Ada, and from Hana')
  await waitUntil('the name of the token on her caret', async () => (await bob.caretNames()).includes('Hana'))
  expect(await bob.text.getAttribute('contenteditable')).toBe('false')
  expect(await hana.text.getAttribute('contenteditable')).toBe('true')
  await bob.waitForUnsyncedChanges('a reader to have nothing unsaved', changes => changes === 0)
  expect(ofThePages(ada, bob, hana)).toEqual([])
})
