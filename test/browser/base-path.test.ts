/** The demo where it is not at the root of a host: under a base path, over HTTPS. */
import path from 'node:path'
import { expect, test } from 'vitest'
import { launchChromium } from '../support/chromium.ts'
import { ensureDemoIsBuilt, visitDemo } from '../support/demo-page.ts'
import { startServer } from '../support/server-process.ts'

const fixtures = path.resolve(import.meta.dirname, '../fixtures/tls')

test('two people write together over HTTPS under a base path, and the page keeps to its own server', async () => {
  await ensureDemoIsBuilt()
  const files = ['--tls-cert', `${fixtures}/localhost-a.pem`, '--tls-key', `${fixtures}/localhost-a.key.pem`]
  await using server = await startServer({ args: ['--base-path', '/collab', ...files] })
  const browser = await launchChromium()
  try {
    const origin = `https://127.0.0.1:${server.port}`
    const visit = { url: `${origin}/collab`, document: 'a/b', context: { ignoreHTTPSErrors: true } }
    await using ada = await visitDemo(browser, { ...visit, name: 'Ada Marlow' })
    await using ben = await visitDemo(browser, { ...visit, name: 'Ben Okafor' })
    await ada.text.click()
    await ada.page.keyboard.type('Under a path.')
    await ben.waitForText('what was written', text => text === 'Under a path.')
    await Promise.all([ada.waitForConnection('Connected'), ben.waitForConnection('Connected')])
    expect([...ada.origins].sort()).toEqual([origin, origin.replace('https', 'wss')].sort())
    expect(ada.complaints).toEqual([])

    await ada.page.getByRole('link', { name: 'New document' }).click()
    await ada.waitForText('an empty text', text => text === '')
    expect(new URL(ada.page.url()).pathname).toBe('/collab/')
  } finally {
    await browser.close()
  }
})
