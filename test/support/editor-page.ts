/**
 * What a test does with any page that has a TipTap editor in it, ours or another: reads it without the carets of others, moves about
 * in it, and keeps what the page complains of, so that each test can say that there was nothing.
 */
import type { Locator, Page } from 'playwright-core'
import { waitUntil } from './wait-until.ts'

export interface EditorPage {
  readonly page: Page
  readonly text: Locator
  /** Errors in the console, uncaught exceptions, and what else the page reports there. */
  readonly complaints: readonly string[]
  /** The text, a line for each block, without the carets of others. */
  readText(): Promise<string>
  waitForText(what: string, match: (text: string) => boolean): Promise<string>
  /** The names on the carets of others, as far as they are in the text. */
  caretNames(): Promise<string[]>
  /** Moves the caret by keys. The browser tells the editor where it is before the next frame, which is waited for. */
  moveCaret(...keys: readonly string[]): Promise<void>
}

/** The CSS selectors of the carets of others, and of the names on them. */
export interface Carets {
  readonly caret: string
  readonly label: string
}

/** Listens from now on: call it before the page is loaded. */
export function watchEditor(page: Page, { caret, label }: Carets): EditorPage {
  const complaints: string[] = []
  page.on('console', message => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('pageerror', error => complaints.push(error.message))
  const text = page.getByRole('textbox', { name: 'Text of the document' })
  const readText = () => text.evaluate(readWithoutCarets, caret)
  return {
    page,
    text,
    complaints,
    readText,
    waitForText: (what, match) => waitUntilShown(what, readText, match),
    caretNames: () => page.locator(label).allTextContents(),
    async moveCaret(...keys) {
      for (const key of keys) await page.keyboard.press(key)
      await page.evaluate(
        () => new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve))),
      )
    },
  }
}

/** Waits for what a page shows, and returns it. */
export async function waitUntilShown(
  what: string,
  read: () => Promise<string>,
  match: (shown: string) => boolean,
): Promise<string> {
  let shown = ''
  const condition = async () => {
    shown = await read()
    return match(shown)
  }
  await waitUntil(what, condition, { found: () => shown })
  return shown
}

/** Waits until several people read the same text, and returns it. */
export async function waitForSameText(
  people: readonly EditorPage[],
  has: readonly string[],
): Promise<string> {
  let texts: string[] = []
  await waitUntil(
    'everybody to read the same text',
    async () => {
      texts = await Promise.all(people.map(person => person.readText()))
      return texts.every(text => text === texts[0] && has.every(part => text.includes(part)))
    },
    { found: () => texts },
  )
  return texts[0]!
}

// Runs inside the page.
function readWithoutCarets(text: Node, caret: string): string {
  const copy = text.cloneNode(true) as Element
  for (const one of copy.querySelectorAll(caret)) one.remove()
  const blocks = Array.from(copy.querySelectorAll('p, h1, h2, h3, pre'))
  return blocks.map(block => block.textContent).join('\n')
}
