/**
 * Somebody in the room means harm. Their program is a stock provider in Node, which may put anything into its awareness and
 * into the document; the page of everybody else goes on, and shows nothing but text.
 */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as Y from 'yjs'
import { launchChromium } from '../support/chromium.ts'
import { type DemoPage, ensureDemoIsBuilt, visitDemo } from '../support/demo-page.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { connectStock, type StockClient } from '../support/stock-client.ts'
import { waitUntil } from '../support/wait-until.ts'

let browser: Browser
let server: ServerProcess

beforeAll(async () => {
  await ensureDemoIsBuilt()
  ;[browser, server] = await Promise.all([launchChromium(), startServer()])
})
afterAll(async () => {
  await browser?.close()
  await server?.[Symbol.asyncDispose]()
})

const rightToLeftOverride = '\u202e'
const hostileName = `${rightToLeftOverride}<img src=x onerror="window.harmed=1">${'A\u0301'.repeat(10_000)}`
const hostileColor = 'red; background: url(http://evil.example/)'

/** Opens a document with a line in it, as its reader and as an attacker. */
async function meetInDocument(
  document: string,
): Promise<{ ada: DemoPage; attacker: StockClient; line: Y.XmlText }> {
  const ada = await visitDemo(browser, { url: server.url, document, name: 'Ada Marlow' })
  await ada.waitForConnection('Connected')
  await ada.text.click()
  await ada.page.keyboard.type('A line.')
  const attacker = connectStock(server.wsUrl, document)
  await attacker.synced()
  const body = attacker.doc.getXmlFragment('body')
  await waitUntil('the line to arrive', () => body.toString().includes('A line.'))
  return { ada, attacker, line: (body.get(0) as Y.XmlElement).get(0) as Y.XmlText }
}

async function expectUnharmed(ada: DemoPage): Promise<void> {
  expect(ada.complaints).toEqual([])
  expect([...ada.origins].sort()).toEqual([server.url, server.wsUrl].sort())
  expect(await ada.page.evaluate(() => 'harmed' in window)).toBe(false)
  expect(await ada.page.locator('[onerror], [onclick], img, iframe, script:not([src])').count()).toBe(0)
}

test('a name and a colour from somebody else are shown as short text in a readable colour, or not at all', async () => {
  const { ada, attacker, line } = await meetInDocument('hostile-names')
  await using _page = ada
  using _attacker = attacker
  const place = Y.createRelativePositionFromTypeIndex(line, 3)
  attacker.awareness.setLocalState({
    user: { name: hostileName, color: hostileColor },
    cursor: { anchor: Y.relativePositionToJSON(place), head: Y.relativePositionToJSON(place) },
  })
  await waitUntil('the caret', async () => (await ada.caretNames()).length === 1)
  const [name] = await ada.caretNames()
  expect(name).toMatch(/^<img src=x onerror="window\.harmed=1">/)
  expect(Array.from(name!).length).toBeLessThanOrEqual(40)
  expect(name).not.toContain(rightToLeftOverride)
  const caret = ada.page.locator('.caret')
  expect(
    await caret.evaluate(element => (element as HTMLElement).style.getPropertyValue('--person')),
  ).toMatch(/^#[\da-f]{6}$/)
  expect(await ada.page.getByRole('img', { name: '<img src=x' }).count()).toBe(1)
  expect(await ada.page.content()).not.toContain('evil.example')
  await expectUnharmed(ada)
})

test('awareness of any shape stops neither the editor nor the list of people', async () => {
  const { ada, attacker, line } = await meetInDocument('hostile-shapes')
  await using _page = ada
  using _attacker = attacker
  const place = Y.relativePositionToJSON(Y.createRelativePositionFromTypeIndex(line, 3))
  const far = { type: null, tname: null, item: { client: 1, clock: 2 ** 40 }, assoc: 0 }
  const cursors: unknown[] = [
    {},
    5,
    'caret',
    { anchor: {}, head: {} },
    { anchor: place, head: { item: { client: -1, clock: 0.5 } } },
    { anchor: place, head: { type: 'x', tname: 7, item: [] } },
    { anchor: { tname: 'constructor' }, head: { tname: '__proto__' } },
    { anchor: { tname: 'title' }, head: { tname: 'body' } },
    { anchor: far, head: far },
    {
      anchor: { item: { client: attacker.doc.clientID, clock: 0 } },
      head: { type: { client: 0, clock: 0 } },
    },
  ]
  const users: unknown[] = [
    'me',
    5,
    [],
    { name: {}, color: {} },
    { name: '\u0000\u200b', color: '#ff' },
    { name: null, color: null },
  ]
  const states = [
    ...cursors.map(cursor => ({ cursor })),
    ...users.map(user => ({ user, cursor: { anchor: place, head: place } })),
  ]
  for (const [at, state] of states.entries()) {
    attacker.awareness.setLocalState({ ...state, round: at })
    // A change of the text makes the caret plugin draw all carets anew, from whatever it was told.
    line.insert(line.length, String(at % 10))
    await ada.waitForText(
      'the change after it',
      text => text.endsWith(String(at % 10)) && text.length === 'A line.'.length + at + 1,
    )
  }
  await ada.page.getByRole('img', { name: 'Somebody' }).first().waitFor()
  await ada.text.click()
  await ada.page.keyboard.press('Control+End')
  await ada.page.keyboard.type(' Ada goes on.')
  await waitUntil('the attacker to read it', () => line.toString().includes('Ada goes on.'))
  await expectUnharmed(ada)
})

test('what somebody says in the name of another window is put right by that window', async () => {
  const { ada, attacker } = await meetInDocument('hostile-impostor')
  await using _page = ada
  using _attacker = attacker
  const states = attacker.awareness.getStates() as Map<number, { user?: { name: string } }>
  const own = Array.from(states).find(([, state]) => state.user?.name === 'Ada Marlow')![0]
  const clock = attacker.awareness.meta.get(own)!.clock
  attacker.awareness.meta.set(own, { clock: clock + 5, lastUpdated: Date.now() })
  states.set(own, { user: { name: 'Mallory' }, cursor: { anchor: {}, head: {} } } as never)
  attacker.awareness.emit('update', [{ added: [], updated: [own], removed: [] }, 'local'])
  await waitUntil(
    'Ada to be Ada again',
    () => states.get(own)?.user?.name === 'Ada Marlow' && attacker.awareness.meta.get(own)!.clock > clock + 5,
  )
  await ada.page.getByRole('button', { name: /^You: Ada Marlow/ }).waitFor()
  await ada.text.click()
  await ada.page.keyboard.type('x')
  await expectUnharmed(ada)
})

test('a crowd of made-up people does not push the page apart', async () => {
  const { ada, attacker } = await meetInDocument('hostile-crowd')
  await using _page = ada
  using _attacker = attacker
  const crowd = Array.from({ length: 90 }, (_, at) => 1_000 + at)
  for (const client of crowd) {
    attacker.awareness.meta.set(client, { clock: 1, lastUpdated: Date.now() })
    attacker.awareness.states.set(client, { user: { name: `Nobody ${client}`, color: '#ffff00' } })
  }
  attacker.awareness.emit('update', [{ added: crowd, updated: [], removed: [] }, 'local'])
  await ada.page.getByRole('button', { name: /^and \d+ more$/ }).waitFor()
  await waitUntil('the crowd', async () => (await ada.page.locator('.everybody li').count()) >= 90)
  const headerBox = (await ada.page.locator('.header').boundingBox())!
  expect(headerBox.height).toBeLessThan(80)
  expect(
    await ada.page.evaluate(
      () => document.documentElement.scrollWidth <= document.documentElement.clientWidth,
    ),
  ).toBe(true)
  await expectUnharmed(ada)
})

test('a link leads only to the web or to mail, and never keeps a hand on this page', async () => {
  const { ada, attacker, line } = await meetInDocument('hostile-links')
  await using _page = ada
  using _attacker = attacker
  const hrefs = [
    'javascript:window.harmed=1',
    ' java\nscript:window.harmed=1',
    'data:text/html,<script>window.harmed=1</script>',
    'vbscript:x',
    '//evil.example',
    '/relative',
    'file:///etc/passwd',
    { toString: 'no' },
    `https://example.org/${'long'.repeat(1_000)}`,
    'https://example.org/fine',
    'mailto:ada@example.org',
  ]
  attacker.doc.transact(() => {
    for (const [at, href] of hrefs.entries()) {
      line.insert(line.length, ` link${at}`, {
        link: { href, target: '_self', rel: 'opener', class: 'header', onclick: 'harmed=1' },
      })
    }
  })
  await ada.waitForText('the links', text => text.includes(`link${hrefs.length - 1}`))
  const links = await ada.text.locator('a').evaluateAll(anchors =>
    anchors.map(anchor => ({
      text: anchor.textContent?.trim(),
      attributes: Object.fromEntries(Array.from(anchor.attributes, ({ name, value }) => [name, value])),
    })),
  )
  const kept = { rel: 'noopener noreferrer nofollow', target: '_blank' }
  expect(links).toEqual([
    { text: 'link9', attributes: { href: 'https://example.org/fine', ...kept } },
    { text: 'link10', attributes: { href: 'mailto:ada@example.org', ...kept } },
  ])
  const before = ada.context.pages().length
  await ada.text.getByText('link0').click()
  await ada.text.getByText('link9').click()
  await ada.page.getByRole('link', { name: 'Open example.org' }).waitFor()
  expect(ada.context.pages()).toHaveLength(before)
  await expectUnharmed(ada)
})

test('nodes and marks that no editor of this kind writes leave the rest of the document readable', async () => {
  const { ada, attacker } = await meetInDocument('hostile-nodes')
  await using _page = ada
  using _attacker = attacker
  const script = new Y.XmlElement('script')
  script.insert(0, [new Y.XmlText('window.harmed=1')])
  const heading = new Y.XmlElement('heading')
  heading.setAttribute('level', '"><img src=x onerror=harmed=1>')
  heading.setAttribute('onclick', 'harmed=1')
  heading.insert(0, [new Y.XmlText('A strange heading')])
  const last = new Y.XmlElement('paragraph')
  last.insert(0, [new Y.XmlText('The end.')])
  attacker.doc.getXmlFragment('body').push([script, heading, last])
  attacker.doc.getText('title').insert(0, `${rightToLeftOverride}<b>\n\u0007${'long '.repeat(500)}`)
  const text = await ada.waitForText('the rest', shown => shown.includes('The end.'))
  expect(text.split('\n')).toEqual(['A line.', 'A strange heading', 'The end.'])
  await waitUntil('the title', async () => (await ada.page.title()).includes('<b>'))
  expect((await ada.title.inputValue()).length).toBeLessThanOrEqual(300)
  const tabTitle = await ada.page.title()
  for (const character of [rightToLeftOverride, '\u0007', '\n']) expect(tabTitle).not.toContain(character)
  await ada.text.locator('p').last().click()
  await ada.moveCaret('End')
  await ada.page.keyboard.type(' Not yet.')
  await ada.waitForText('to go on', shown => shown.endsWith('The end. Not yet.'))
  await expectUnharmed(ada)
})
