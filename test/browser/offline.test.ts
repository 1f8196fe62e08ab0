/** The network goes, the server dies, the page is loaded again: what was written stays, and merges when all is back. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchChromium } from '../support/chromium.ts'
import { ensureDemoIsBuilt, visitDemo } from '../support/demo-page.ts'
import { waitForSameText } from '../support/editor-page.ts'
import { runCommand, startServer } from '../support/server-process.ts'
import { connectStock } from '../support/stock-client.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { waitUntil } from '../support/wait-until.ts'

let browser: Browser

beforeAll(async () => {
  await ensureDemoIsBuilt()
  browser = await launchChromium()
})
afterAll(() => browser?.close())

const notice = (text: string) => new RegExp(text)

test('one of two goes offline, both write, it comes back, and the texts are equal', async () => {
  await using server = await startServer()
  await using line = await startTcpProxy({ targetPort: server.port })
  const document = 'offline'
  await using ada = await visitDemo(browser, { url: server.url, document, name: 'Ada Marlow' })
  await using ben = await visitDemo(browser, {
    url: `http://127.0.0.1:${line.port}`,
    document,
    name: 'Ben Okafor',
  })
  await ada.text.click()
  await ada.page.keyboard.type('first\nsecond')
  await waitForSameText([ada, ben], ['second'])
  await ben.waitForConnection('Connected')

  line.refusing = true
  line.cut()
  await ben.waitForConnection('Offline')
  await ben.page
    .getByText(notice('go on writing, it is kept here and will be sent when you are back'))
    .waitFor()
  await ben.text.locator('p').first().click()
  await ben.moveCaret('End')
  await ben.page.keyboard.type(' Ben, offline')
  await ben.page.getByText(notice('your changes are kept here and will be sent when you are back')).waitFor()
  await ben.title.click()
  await ben.page.keyboard.type('Named offline')
  await ada.moveCaret('End')
  await ada.page.keyboard.type(' Ada, online')
  expect(await ada.readText()).not.toContain('Ben, offline')
  expect(await ben.readText()).not.toContain('Ada, online')

  line.refusing = false
  await ben.waitForConnection('Connected')
  const text = await waitForSameText([ada, ben], ['Ben, offline', 'Ada, online'])
  expect(text).toBe('first Ben, offline\nsecond Ada, online')
  await waitUntil('the title to arrive', async () => (await ada.title.inputValue()) === 'Named offline')
  expect(ada.complaints).toEqual([])
})

test('a page that was loaded again while the server was away shows what was written, and sends it later', async () => {
  await using server = await startServer()
  const document = 'loaded-again'
  await using ada = await visitDemo(browser, { url: server.url, document, name: 'Ada Marlow' })
  await ada.waitForConnection('Connected')
  await ada.text.click()
  await ada.page.keyboard.type('Before. ')
  let away = true
  await ada.page.routeWebSocket(/./, socket => {
    if (away) socket.close({ code: 1001 })
    else socket.connectToServer()
  })
  await ada.page.reload()
  await ada.waitForText('what was written before', text => text.includes('Before.'))
  await ada.text.click()
  await ada.moveCaret('End')
  await ada.page.keyboard.type('And without a server.')
  await ada.waitForConnection('Offline')
  await ada.page.reload()
  await ada.waitForText('what was written without a server', text => text === 'Before. And without a server.')

  using observer = connectStock(server.wsUrl, document)
  await observer.synced()
  const stored = () => observer.doc.getXmlFragment('body').toString()
  expect(stored()).not.toContain('without a server')
  away = false
  await ada.waitForConnection('Connected')
  await waitUntil('the server to have it', () => stored().includes('Before. And without a server.'))
})

test('both pages go on writing when the server is killed, and converge when it is back', async () => {
  const document = 'killed'
  let server = await startServer()
  try {
    await using ada = await visitDemo(browser, { url: server.url, document, name: 'Ada Marlow' })
    await using ben = await visitDemo(browser, { url: server.url, document, name: 'Ben Okafor' })
    await ada.text.click()
    await ada.page.keyboard.type('first\nsecond')
    await waitForSameText([ada, ben], ['second'])
    await server.kill()
    await ada.page.keyboard.type(' Ada meanwhile')
    await ben.text.locator('p').first().click()
    await ben.moveCaret('End')
    await ben.page.keyboard.type(' Ben meanwhile')
    server = await startServer({ dataFolder: server.dataFolder, port: server.port })
    const text = await waitForSameText([ada, ben], ['Ada meanwhile', 'Ben meanwhile'])
    expect(text).toBe('first Ben meanwhile\nsecond Ada meanwhile')
    using newcomer = connectStock(server.wsUrl, document)
    await newcomer.synced()
    expect(newcomer.doc.getXmlFragment('body').toString()).toBe(
      '<paragraph>first Ben meanwhile</paragraph><paragraph>second Ada meanwhile</paragraph>',
    )
  } finally {
    await server[Symbol.asyncDispose]()
  }
})

test('when the browser loses its network, the page asks at once and does not claim to be connected', async () => {
  await using server = await startServer()
  await using line = await startTcpProxy({ targetPort: server.port })
  await using ada = await visitDemo(browser, { url: `http://127.0.0.1:${line.port}`, document: 'no-network' })
  await ada.waitForConnection('Connected')
  // A dead line that does not say so: the socket looks open, and only the browser knows better.
  line.pause()
  line.refusing = true
  await ada.page.evaluate(() => dispatchEvent(new Event('offline')))
  await ada.waitForConnection('Offline')
  line.refusing = false
  line.resume()
  await ada.page.evaluate(() => dispatchEvent(new Event('online')))
  await ada.waitForConnection('Connected')
})

test('a document that the server refuses says so and is not tried again unasked', async () => {
  await using server = await startServer()
  await using ada = await visitDemo(browser, { url: server.url, document: 'refused', name: 'Ada Marlow' })
  await ada.waitForConnection('Connected')
  let sockets = 0
  await ada.page.routeWebSocket(/./, socket => {
    sockets++
    socket.close({ code: 4404, reason: '<b>anything</b>' })
  })
  await ada.page.reload()
  await ada.waitForConnection('Not connected')
  await ada.page
    .getByText(
      'This document was deleted on the server. What you write is kept in this browser, and is not sent.',
    )
    .waitFor()
  expect(sockets).toBe(1)
  await ada.page.getByRole('button', { name: 'Try again' }).click()
  await waitUntil('a second try', () => sockets === 2)
  await ada.waitForConnection('Not connected')
})

test('[LOG-3] a document that was replaced can be loaded anew, and what this browser kept of the former is gone', async () => {
  await using server = await startServer()
  const document = 'replaced'
  await using ada = await visitDemo(browser, { url: server.url, document, name: 'Ada Marlow' })
  await ada.waitForConnection('Connected')
  await ada.text.pressSequentially('what it was')
  await using ben = await visitDemo(browser, { url: server.url, document: 'another', name: 'Ben Okafor' })
  await ben.waitForConnection('Connected')
  await ben.text.pressSequentially('what it is now')
  const folder = ['--data', server.dataFolder]
  const file = `${server.dataFolder}/another.update`
  await waitUntil('the other text to be saved', async () => {
    const saved = await runCommand(['docs', 'export', 'another', '--format', 'text', ...folder])
    return saved.stdout.includes('what it is now')
  })
  expect((await runCommand(['docs', 'export', 'another', '--output', file, ...folder])).code).toBe(0)
  expect((await runCommand(['docs', 'replace', document, file, ...folder])).code).toBe(0)
  await ada.waitForConnection('Not connected')
  await ada.page.getByText('This document was replaced on the server').waitFor()
  expect(await ada.readText()).toContain('what it was')
  await ada.page.getByRole('button', { name: 'Load it anew' }).click()
  await ada.waitForText('the new content', text => text.includes('what it is now'))
  await ada.waitForConnection('Connected')
  expect(await ada.readText()).not.toContain('what it was')
})
