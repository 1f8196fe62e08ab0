/** The page as one person finds it: its address, its manners towards other origins, the keyboard, small windows, both themes. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchChromium } from '../support/chromium.ts'
import { type DemoPage, ensureDemoIsBuilt, visitDemo } from '../support/demo-page.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { connectStock } from '../support/stock-client.ts'
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

/** Uses everything there is to use, so that whatever the page would load it has loaded. */
async function useEverything({ page, text, title }: DemoPage): Promise<void> {
  await title.fill('A title')
  await text.click()
  await page.keyboard.type(
    '# Heading\nSome **bold** text and a link: https://example.org/a \n- item\n\n\n> quote\n\n```\ncode\n\n\n',
  )
  for (const tool of await page.getByRole('toolbar').getByRole('button').all()) await tool.click()
  await page.getByRole('button', { name: 'Copy link' }).click()
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: /^You:/ }).click()
  await page.getByRole('button', { name: 'Cancel' }).click()
}

test('the page asks nobody but its own server for anything, and could not if it tried', async () => {
  await using ada = await visitDemo(browser, { url: server.url, document: 'own-origin' })
  await ada.waitForConnection('Connected')
  await useEverything(ada)
  expect(ada.complaints).toEqual([])
  expect([...ada.origins].sort()).toEqual([server.url, server.wsUrl].sort())

  const elsewhere = server.url.replace('127.0.0.1', 'localhost')
  const answer = await ada.page.evaluate(
    url =>
      fetch(url).then(
        () => 'loaded',
        () => 'blocked',
      ),
    elsewhere,
  )
  expect(answer).toBe('blocked')
  const forbidden = 'content security policy: connect-src'
  await waitUntil('the browser to say so', () => ada.complaints.some(line => line.startsWith(forbidden)))
})

test('a visit without a name gets a new document, whose address leads back to it', async () => {
  await using ada = await visitDemo(browser, { url: server.url })
  const address = new URL(ada.page.url())
  const document = address.searchParams.get('document')!
  expect(document).toMatch(/^[a-z]+-[a-z]+-[2-9a-z]{8}$/)
  await ada.text.click()
  await ada.page.keyboard.type('Found again.')
  await ada.waitForConnection('Connected')
  await using ben = await visitDemo(browser, { url: server.url, document })
  await ben.waitForText('what was written', text => text === 'Found again.')
  await ada.page.getByRole('link', { name: 'New document' }).click()
  await waitUntil('another document', () => {
    const name = new URL(ada.page.url()).searchParams.get('document')
    return name !== null && name !== document
  })
  await ada.waitForText('an empty text', text => text === '')
})

test('any name works as a document: slashes, spaces, emoji, percent signs, __proto__', async () => {
  for (const document of ['a/b?c#d', 'two words & more', '🏔️/ü', '100%', '%41', '__proto__']) {
    await using ada = await visitDemo(browser, { url: server.url, document })
    await ada.text.click()
    await ada.page.keyboard.type(`This is ${document}`)
    await ada.waitForConnection('Connected')
    using peer = connectStock(server.wsUrl, encodeURIComponent(document))
    await peer.synced()
    await waitUntil(`the text of ${document}`, () =>
      peer.doc.getXmlFragment('body').toString().includes('This is'),
    )
    expect(ada.complaints).toEqual([])
  }
})

test('a link that no document can have says so instead of opening another', async () => {
  const context = await browser.newContext()
  const page = await context.newPage()
  for (const [name, why] of [
    ['..', 'no document can have this name'],
    ['n'.repeat(1_025), 'the name is longer than 1024 bytes'],
  ]) {
    await page.goto(`${server.url}/?document=${name}`)
    await page.getByRole('alert').getByText(`This link cannot be opened: ${why}.`).waitFor()
    await page.getByRole('link', { name: 'New document' }).waitFor()
  }
  await context.close()
})

test('a name and a colour are remembered, and what was put into the storage by another is not believed', async () => {
  await using ada = await visitDemo(browser, { url: server.url, document: 'identity', name: 'Ada Marlow' })
  await ada.page.getByRole('button', { name: /^You: Ada Marlow/ }).click()
  await ada.page.getByRole('textbox', { name: 'Name' }).fill('  Ada\u202e   L. ')
  await ada.page.getByTitle('Plum').click()
  await ada.page.keyboard.press('Enter')
  await ada.page.reload()
  const own = ada.page.getByRole('button', { name: /^You: Ada L\./ })
  await own.waitFor()
  expect(await own.evaluate(element => getComputedStyle(element).backgroundColor)).toBe('rgb(161, 66, 159)')
  for (const stored of [
    '{',
    '5',
    '{"name":"\\u200b","color":"#a1429f"}',
    '{"name":"X","color":"url(//evil.example)"}',
  ]) {
    await ada.page.evaluate(value => localStorage.setItem('syncline.identity', value), stored)
    await ada.page.reload()
    await ada.page.getByRole('button', { name: /^You: Guest [A-Z]/ }).waitFor()
  }
  expect(ada.complaints).toEqual([])
})

test('the link is copied, and the button says so', async () => {
  await using ada = await visitDemo(browser, {
    url: server.url,
    document: 'to share',
    context: { permissions: ['clipboard-read', 'clipboard-write'] },
  })
  await ada.page.getByRole('button', { name: 'Copy link' }).click()
  await ada.page.getByText('The link to this document was copied').waitFor()
  expect(await ada.page.evaluate(() => navigator.clipboard.readText())).toBe(
    `${server.url}/?document=to+share`,
  )
  await ada.page.evaluate(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }))
  await ada.page.getByRole('button', { name: 'Copy link' }).click()
  const byHand = ada.page.getByRole('textbox', { name: 'Copy this link' })
  await byHand.waitFor()
  expect(await ada.page.evaluate(() => getSelection()?.toString())).toBe(`${server.url}/?document=to+share`)
})

test('everything that can be pressed has a name, and the keyboard reaches it in the order in which it stands', async () => {
  await using ada = await visitDemo(browser, { url: server.url, document: 'keyboard', name: 'Ada Marlow' })
  await ada.waitForConnection('Connected')
  const nameless = await ada.page.evaluate(() =>
    Array.from(document.querySelectorAll('button, a[href], input, textarea, [role]'))
      .filter(element => !(element.getAttribute('aria-label') ?? element.textContent)?.trim())
      .filter(
        element => !(element as HTMLInputElement).labels?.length && element.getAttribute('role') !== 'status',
      )
      .map(element => element.outerHTML),
  )
  expect(nameless).toEqual([])

  const stops: string[] = []
  for (let i = 0; i < 6; i++) {
    await ada.page.keyboard.press('Tab')
    stops.push(await ada.page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? ''))
  }
  expect(stops).toEqual([
    'You: Ada Marlow. Change name and colour',
    'New document',
    'Copy link',
    'Undo',
    'Title',
    'Text of the document',
  ])
  await ada.page.keyboard.press('Escape')
  const leftTheText = () => ada.page.evaluate(() => document.activeElement === document.body)
  await waitUntil('Escape to leave the text, where Tab belongs to lists', leftTheText)
})

test('the formatting bar is one stop for Tab, arrows move in it, and it says which formats hold', async () => {
  await using ada = await visitDemo(browser, { url: server.url, document: 'toolbar' })
  const { page } = ada
  await ada.text.click()
  await page.keyboard.type('word')
  // The editor itself answers this key. What the browser selects by Shift+Home it hears of only later, on a busy machine too late.
  await page.keyboard.press('ControlOrMeta+a')
  await page.getByRole('button', { name: 'Undo' }).focus()
  await page.keyboard.press('End')
  expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Quote')
  const bold = page.getByRole('button', { name: 'Bold' })
  for (let i = 0; i < 7; i++) await page.keyboard.press('ArrowLeft')
  expect(await bold.evaluate(button => button === document.activeElement)).toBe(true)
  expect(await bold.getAttribute('aria-pressed')).toBe('false')
  await page.keyboard.press('Space')
  await waitUntil('bold to be on', async () => (await bold.getAttribute('aria-pressed')) === 'true')
  expect(await bold.evaluate(button => button === document.activeElement)).toBe(true)
  expect(await ada.text.locator('strong').innerText()).toBe('word')
  await page.getByRole('button', { name: 'Task list' }).click()
  await ada.text.getByRole('checkbox').check()
  expect(await ada.text.locator('li').getAttribute('data-checked')).toBe('true')
})

test('what is pasted keeps its formats and loses what could do harm', async () => {
  await using ada = await visitDemo(browser, { url: server.url, document: 'pasted' })
  await ada.waitForConnection('Connected')
  await ada.text.click()
  const html =
    '<h2>Head</h2><p style="position:fixed">A <b>bold</b> <a href="javascript:alert(1)">bad</a> <a href="https://example.org/" target=_self rel=opener>good</a> 👩‍👩‍👧<img src="https://evil.example/x.png"><script>window.harmed=1</script></p>'
  await ada.text.evaluate((element, html) => {
    const clipboardData = new DataTransfer()
    clipboardData.setData('text/html', html)
    element.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
  }, html)
  await ada.waitForText('the paste', text => text.includes('good'))
  expect(await ada.text.innerHTML()).toBe(
    '<h2>Head</h2><p>A <strong>bold</strong> bad <a href="https://example.org/" rel="noopener noreferrer nofollow" target="_blank">good</a> 👩‍👩‍👧</p>',
  )
  expect([...ada.origins].sort()).toEqual([server.url, server.wsUrl].sort())
  expect(ada.complaints).toEqual([])
})

test('a part of the page that breaks says so, and the rest goes on', async () => {
  await using ada = await visitDemo(browser, {
    url: server.url,
    document: 'broken-part',
    name: 'Ada Marlow',
    // What the list of people needs for its initials, and nothing else does.
    beforeLoad: () => {
      Intl.Segmenter.prototype.segment = () => {
        throw new Error('a fault in the list of people')
      }
    },
  })
  await ada.page
    .getByRole('alert')
    .getByText('The list of people has stopped because of a fault in this page.')
    .waitFor()
  await ada.page.getByRole('button', { name: 'Load again' }).waitFor()
  await ada.text.click()
  await ada.page.keyboard.type('The text goes on.')
  expect(await ada.readText()).toBe('The text goes on.')
  await ada.waitForConnection('Connected')
})

test('the page fits 360 pixels, in both themes, and nothing moves while it opens', async () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    await using ada = await visitDemo(browser, {
      url: server.url,
      document: `narrow-${colorScheme}`,
      name: 'A rather long name for a person',
      context: { viewport: { width: 360, height: 640 }, colorScheme, reducedMotion: 'reduce' },
    })
    await ada.waitForConnection('Connected')
    const { shift, overflow, contrast } = await ada.page.evaluate(measurePage)
    expect(shift).toBeLessThan(0.01)
    expect(overflow).toBe(0)
    expect(contrast).toBeGreaterThan(7)
  }
})

/** Runs in the page: how far it moved while it loaded, how far it sticks out, and its contrast. */
async function measurePage(): Promise<{ shift: number; overflow: number; contrast: number }> {
  const shift = await new Promise<number>(resolve => {
    let sum = 0
    const observer = new PerformanceObserver(list => {
      for (const entry of list.getEntries()) sum += (entry as PerformanceEntry & { value: number }).value
    })
    observer.observe({ type: 'layout-shift', buffered: true })
    requestAnimationFrame(() => requestAnimationFrame(() => resolve(sum)))
  })
  const { scrollWidth, clientWidth } = document.documentElement
  const { color, backgroundColor } = getComputedStyle(document.body)
  const [ink, paper] = [color, backgroundColor].map(value => {
    const [red, green, blue] = value.match(/\d+/g)!.map(channel => (Number(channel) / 255) ** 2.2)
    return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue! + 0.05
  })
  return { shift, overflow: scrollWidth - clientWidth, contrast: Math.max(ink! / paper!, paper! / ink!) }
}
