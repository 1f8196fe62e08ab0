/** Two people in two browsers write one document, through a real server and the stock provider. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchChromium } from '../support/chromium.ts'
import { type DemoPage, ensureDemoIsBuilt, visitDemo } from '../support/demo-page.ts'
import { waitForSameText } from '../support/editor-page.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
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

const visitAs = (name: string, document: string) => visitDemo(browser, { url: server.url, document, name })

async function visitTogether(document: string): Promise<[DemoPage, DemoPage]> {
  const both = await Promise.all([visitAs('Ada Marlow', document), visitAs('Ben Okafor', document)])
  for (const person of both) await person.waitForConnection('Connected')
  return both
}

test('two people who type at the same time read the same text in the end', async () => {
  const [ada, ben] = await visitTogether('typed-at-once')
  await ada.text.click()
  await ada.page.keyboard.type('one. \ntwo. \n')
  await ben.waitForText('the lines to write in', text => text.includes('two.'))
  await ben.text.locator('p').first().click()
  await ben.moveCaret('End')
  await Promise.all([
    ada.page.keyboard.type('Ada writes at the end, and goes on for a while. 👩‍👩‍👧‍👦', { delay: 8 }),
    ben.page.keyboard.type('Ben writes in the first line meanwhile. 🏔️', { delay: 9 }),
  ])
  const text = await waitForSameText([ada, ben], ['for a while. 👩‍👩‍👧‍👦', 'meanwhile. 🏔️'])
  expect(text.split('\n')).toEqual([
    'one. Ben writes in the first line meanwhile. 🏔️',
    'two. ',
    'Ada writes at the end, and goes on for a while. 👩‍👩‍👧‍👦',
  ])
  expect([...ada.complaints, ...ben.complaints]).toEqual([])
  await Promise.all([ada.context.close(), ben.context.close()])
})

test('a composition goes on while somebody else types in the same line', async () => {
  const [ada, ben] = await visitTogether('composed')
  await ada.text.click()
  await ada.page.keyboard.type('<> ')
  await ben.waitForText('the line to write in', text => text.includes('<>'))
  await ben.text.click()
  await ben.moveCaret('End')
  await ada.moveCaret('Home', 'ArrowRight')

  const devtools = await ada.devtools()
  const compose = async (text: string) => {
    await devtools.send('Input.imeSetComposition', {
      text,
      selectionStart: text.length,
      selectionEnd: text.length,
    })
    await ben.page.keyboard.type('.')
  }
  for (const step of ['k', 'か', 'かn', 'かん', 'かんj', 'かんじ']) await compose(step)
  await ada.waitForText('the dots to arrive during the composition', text => text.includes('......'))
  expect(await ada.readText()).toBe('<かんじ> ......')
  await devtools.send('Input.insertText', { text: '漢字' })
  await ada.page.keyboard.type('!')

  expect(await waitForSameText([ada, ben], ['漢字!'])).toBe('<漢字!> ......')
  expect([...ada.complaints, ...ben.complaints]).toEqual([])
  await Promise.all([ada.context.close(), ben.context.close()])
})

test('a composition keeps its place while somebody else types before it in the same line', async () => {
  const [ada, ben] = await visitTogether('composed-behind')
  await ada.text.click()
  await ada.page.keyboard.type('The end')
  await ben.waitForText('the line to write in', text => text.includes('The end'))
  await ben.text.click()
  await ben.moveCaret('Home')
  const devtools = await ada.devtools()
  for (const text of ['k', 'か', 'かn', 'かん']) {
    await devtools.send('Input.imeSetComposition', {
      text,
      selectionStart: text.length,
      selectionEnd: text.length,
    })
    await ben.page.keyboard.type('.')
  }
  await ada.waitForText('the dots to arrive during the composition', text => text.startsWith('....'))
  await devtools.send('Input.insertText', { text: '感' })
  await ada.page.keyboard.type('!')
  expect(await waitForSameText([ada, ben], ['!'])).toBe('....The end感!')
  expect([...ada.complaints, ...ben.complaints]).toEqual([])
  await Promise.all([ada.context.close(), ben.context.close()])
})

test('a composition in the title keeps its place while somebody else writes before it', async () => {
  const [ada, ben] = await visitTogether('composed-title')
  await ada.title.click()
  await ada.page.keyboard.type('The  village')
  await waitUntil('the title to arrive', async () => (await ben.title.inputValue()) === 'The  village')
  for (let i = 0; i < ' village'.length; i++) await ada.page.keyboard.press('ArrowLeft')
  const devtools = await ada.devtools()
  await devtools.send('Input.imeSetComposition', { text: 'む', selectionStart: 1, selectionEnd: 1 })
  await ben.title.click()
  await ben.page.keyboard.press('Home')
  await ben.page.keyboard.type('About 👍 ')
  await waitUntil('the other to have written', async () =>
    (await ben.title.inputValue()).startsWith('About 👍 '),
  )
  await devtools.send('Input.imeSetComposition', { text: 'むら', selectionStart: 2, selectionEnd: 2 })
  await devtools.send('Input.insertText', { text: '村' })
  await ada.page.keyboard.type('!')

  const expected = 'About 👍 The 村! village'
  for (const person of [ada, ben]) {
    await waitUntil('the titles to be equal', async () => (await person.title.inputValue()) === expected, {
      found: () => Promise.all([ada.title.inputValue(), ben.title.inputValue()]),
    })
    await waitUntil(
      'the tab to be named',
      async () => (await person.page.title()) === `${expected} – Syncline`,
    )
  }
  await Promise.all([ada.context.close(), ben.context.close()])
})

test('Enter in the title goes on in the text without losing a key', async () => {
  await using ada = await visitAs('Ada Marlow', 'from-title-to-text')
  await ada.title.click()
  await ada.page.keyboard.type('A heading')
  await ada.page.keyboard.press('Enter')
  await ada.page.keyboard.type('And the text.')
  expect(await ada.readText()).toBe('And the text.')
  expect(await ada.title.inputValue()).toBe('A heading')
})

test('people see who is here and where: names, carets, and a label that moves no text', async () => {
  const [ada, ben] = await visitTogether('carets')
  await ada.text.click()
  await ada.page.keyboard.type('A line that is long enough to stand in it.\nAnd a second one below it.')
  await ben.waitForText('the text', text => text.includes('below it.'))
  const places = () =>
    ben.text.locator('p').evaluateAll(lines => lines.map(line => line.getBoundingClientRect().toJSON()))
  await waitUntil('the caret of Ada', async () => (await ben.caretNames()).includes('Ada Marlow'))
  const withCaret = await places()
  await ada.title.click()
  await waitUntil('the caret to be gone', async () => (await ben.caretNames()).length === 0)
  expect(await places()).toEqual(withCaret)

  await ben.text.locator('p').first().click()
  await ada.text.locator('p').last().click()
  await waitUntil('both carets', async () => {
    const seen = [await ada.caretNames(), await ben.caretNames()]
    return seen[0]!.join() === 'Ben Okafor' && seen[1]!.join() === 'Ada Marlow'
  })
  await ada.page.getByRole('list', { name: '2 people are here' }).waitFor()
  await ada.page.getByRole('img', { name: 'Ben Okafor' }).first().waitFor()

  await ben.page.getByRole('button', { name: /^You: Ben Okafor/ }).click()
  await ben.page.getByRole('textbox', { name: 'Name' }).fill('Benedict O.')
  await ben.page.getByTitle('Fern').click()
  await ben.page.getByRole('button', { name: 'Done' }).click()
  await ada.page.getByRole('img', { name: 'Benedict O.' }).first().waitFor()
  await ben.text.locator('p').first().click()
  await waitUntil(
    'the new name on the caret',
    async () => (await ada.caretNames()).join() === 'Benedict O.',
    {
      found: () => ada.caretNames(),
    },
  )

  await ben.context.close()
  await waitUntil('the caret of who has left to be gone', async () => (await ada.caretNames()).length === 0)
  await ada.page.getByRole('list', { name: 'Only you are here' }).waitFor()
  await ada.context.close()
})

test("undo takes back one's own edits and nobody else's", async () => {
  const [ada, ben] = await visitTogether('undo')
  await ada.text.click()
  await ada.page.keyboard.type('Ada. ')
  await ben.waitForText('the text', text => text.includes('Ada.'))
  await ben.text.click()
  await ben.moveCaret('End')
  await ben.page.keyboard.type('Ben. ')
  await waitForSameText([ada, ben], ['Ada. Ben. '])
  await ada.page.getByRole('button', { name: 'Undo' }).click()
  expect(await waitForSameText([ada, ben], ['Ben.'])).not.toContain('Ada')
  await ada.page.getByRole('button', { name: 'Redo' }).click()
  await waitForSameText([ada, ben], ['Ada.', 'Ben.'])
  await Promise.all([ada.context.close(), ben.context.close()])
})
