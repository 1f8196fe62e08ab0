/** The page where the server asks who people are: a token in the address, a token that is pasted, and one that may only read. */
import { makeToken } from '@syncline/server/internal/auth/make-token'
import { settingsWith } from '@syncline/server/internal/foundation/settings'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchChromium } from '../support/chromium.ts'
import { ensureDemoIsBuilt, visitDemo } from '../support/demo-page.ts'
import { waitForSameText } from '../support/editor-page.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { waitUntil } from '../support/wait-until.ts'

const authSecret = 'a secret that only these tests and their server know'

let browser: Browser
let server: ServerProcess

beforeAll(async () => {
  await ensureDemoIsBuilt()
  ;[browser, server] = await Promise.all([
    launchChromium(),
    startServer({ env: { SYNCLINE_AUTH_SECRET: authSecret } }),
  ])
})
afterAll(async () => {
  await browser?.close()
  await server?.[Symbol.asyncDispose]()
})

function tokenOf(name: string, access: 'read' | 'write', document: string): Promise<string> {
  const exp = Math.floor(Date.now() / 1000) + 3_600
  const claims = { sub: name.toLowerCase(), name, exp, docs: [{ name: document, access }] }
  return makeToken(claims, settingsWith({ authSecret }))
}

/** A refused socket, and the question why, are written to the console by the browser itself. */
const ofThePage = (complaints: readonly string[]) => complaints.filter(line => !line.includes('401'))

test('[AUTH-1] a token in the address lets somebody write under the name in it, and is not left in the address', async () => {
  const document = 'signed-in'
  const visit = { url: server.url, document }
  await using ada = await visitDemo(browser, { ...visit, token: await tokenOf('Ada', 'write', document) })
  await using grace = await visitDemo(browser, { ...visit, token: await tokenOf('Grace', 'write', document) })
  await Promise.all([ada.waitForConnection('Connected'), grace.waitForConnection('Connected')])
  await ada.text.click()
  await ada.page.keyboard.type('from Ada')
  expect(await waitForSameText([ada, grace], ['from Ada'])).toBe('from Ada')
  await waitUntil('her caret to have her name', async () => (await grace.caretNames()).includes('Ada'))
  expect(await ada.page.getByRole('button', { name: 'You: Ada', exact: true }).isDisabled()).toBe(true)
  expect(ada.page.url()).not.toContain('token')
  expect([...ada.complaints, ...grace.complaints]).toEqual([])
})

test('[AUTH-2] who may only read sees what others write, cannot type, and is told so', async () => {
  const document = 'read-only'
  const visit = { url: server.url, document }
  await using ada = await visitDemo(browser, { ...visit, token: await tokenOf('Ada', 'write', document) })
  await using bob = await visitDemo(browser, { ...visit, token: await tokenOf('Bob', 'read', document) })
  await bob.page.getByText('You may read this document, and not change it.').waitFor()
  expect(await bob.text.getAttribute('contenteditable')).toBe('false')
  expect(await bob.title.getAttribute('readonly')).not.toBe(null)
  await ada.text.click()
  await ada.page.keyboard.type('for Bob')
  await bob.waitForText('what Ada writes', text => text === 'for Bob')
  expect(await bob.page.getByRole('toolbar').count()).toBe(0)
})

test('[AUTH-1] who comes without a token is told what is missing, and goes on with one that is pasted', async () => {
  const document = 'pasted'
  await using ada = await visitDemo(browser, { url: server.url, document })
  await ada.waitForConnection('Not connected')
  await ada.page.getByText('A token is needed, and none came.').waitFor()
  await ada.text.click()
  await ada.page.keyboard.type('before')
  await ada.page.getByRole('textbox', { name: 'Token' }).fill(await tokenOf('Ada', 'write', document))
  await ada.page.getByRole('button', { name: 'Sign in' }).click()
  await ada.waitForConnection('Connected')
  // What was typed before is sent then, and the tab keeps the token.
  await ada.page.reload()
  await ada.waitForConnection('Connected')
  expect(await ada.waitForText('what was typed', text => text !== '')).toBe('before')
  expect(ofThePage(ada.complaints)).toEqual([])
})
