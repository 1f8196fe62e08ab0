/**
 * The demo editor as one person has it before them: a browser profile of its own, a name, a colour. Keeps everything that
 * the page asked for and complained of, so that each test can say that there was nothing.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import type {
  Browser,
  BrowserContext,
  BrowserContextOptions,
  CDPSession,
  Locator,
  Page,
} from 'playwright-core'
import { waitUntil } from './wait-until.ts'

const repository = path.resolve(import.meta.dirname, '../..')
const buildTimeMaxMs = 60_000

export interface DemoVisit {
  /** `http://127.0.0.1:PORT` */
  readonly url: string
  /** Left out: the page makes up a name. */
  readonly document?: string
  readonly token?: string
  readonly name?: string
  readonly color?: string
  readonly context?: BrowserContextOptions
  /** Runs in the page before anything of it does. */
  readonly beforeLoad?: () => void
}

export interface DemoPage extends AsyncDisposable {
  readonly page: Page
  readonly context: BrowserContext
  readonly title: Locator
  readonly text: Locator
  /** Errors in the console, uncaught exceptions, and violations of the content security policy. */
  readonly complaints: readonly string[]
  /** The origins of all requests and sockets, each once. */
  readonly origins: ReadonlySet<string>
  /** The text, a line for each block, without the carets of others. */
  readText(): Promise<string>
  /** What the page says about its connection, in a word. */
  connection(): Promise<string>
  waitForText(what: string, match: (text: string) => boolean): Promise<string>
  waitForConnection(word: string): Promise<void>
  /** The names on the carets of others, as far as they are in the text. */
  caretNames(): Promise<string[]>
  /** Moves the caret by keys. The browser tells the editor where it is before the next frame, which is waited for. */
  moveCaret(...keys: readonly string[]): Promise<void>
  devtools(): Promise<CDPSession>
}

/** Builds the demo if nobody has: the server serves what lies in its `dist`. */
export async function ensureDemoIsBuilt(): Promise<void> {
  if (existsSync(path.join(repository, 'server/dist/demo/index.html'))) return
  const vite = path.join(repository, 'node_modules/vite/bin/vite.js')
  await promisify(execFile)(process.execPath, [vite, 'build', 'client/demo', '--logLevel', 'warn'], {
    cwd: repository,
    timeout: buildTimeMaxMs,
  })
}

/** Opens the demo in a new profile, and resolves once one could write in it. */
export async function visitDemo(browser: Browser, visit: DemoVisit): Promise<DemoPage> {
  const context = await browser.newContext({ viewport: { width: 900, height: 700 }, ...visit.context })
  await context.addInitScript(rememberIdentity, {
    name: visit.name ?? 'Somebody Else',
    color: visit.color ?? '#2f68c5',
  })
  await context.addInitScript(reportViolations)
  if (visit.beforeLoad) await context.addInitScript(visit.beforeLoad)
  const page = await context.newPage()
  const complaints: string[] = []
  const origins = new Set<string>()
  page.on('console', message => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('pageerror', error => complaints.push(error.message))
  context.on('request', request => {
    if (!request.url().startsWith('data:')) origins.add(new URL(request.url()).origin)
  })
  page.on('websocket', socket => origins.add(new URL(socket.url()).origin))
  const query = visit.document === undefined ? '' : `/?${new URLSearchParams({ document: visit.document })}`
  await page.goto(`${visit.url}${query}${visit.token === undefined ? '' : `#token=${visit.token}`}`)
  const text = page.getByRole('textbox', { name: 'Text of the document' })
  await text.waitFor()
  const readText = () => text.evaluate(readWithoutCarets)
  const connection = () => page.getByRole('status', { name: 'Connection' }).innerText()
  return {
    page,
    context,
    text,
    title: page.getByRole('textbox', { name: 'Title' }),
    complaints,
    origins,
    readText,
    connection,
    waitForText: (what, match) => waitUntilShown(what, readText, match),
    waitForConnection: async word => {
      await waitUntilShown(`the page to say "${word}"`, connection, shown => shown === word)
    },
    caretNames: () => page.locator('.caret-label').allTextContents(),
    async moveCaret(...keys) {
      for (const key of keys) await page.keyboard.press(key)
      await page.evaluate(
        () => new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve))),
      )
    },
    devtools: () => context.newCDPSession(page),
    [Symbol.asyncDispose]: () => context.close(),
  }
}

async function waitUntilShown(
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
export async function waitForSameText(people: readonly DemoPage[], has: readonly string[]): Promise<string> {
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

// What runs inside the page.

function rememberIdentity(identity: { name: string; color: string }): void {
  if (localStorage.getItem('syncline.identity') === null) {
    localStorage.setItem('syncline.identity', JSON.stringify(identity))
  }
}

function reportViolations(): void {
  addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
    console.error(`content security policy: ${violatedDirective} blocked ${blockedURI}`)
  })
}

function readWithoutCarets(text: Node): string {
  const copy = text.cloneNode(true) as Element
  for (const caret of copy.querySelectorAll('.caret')) caret.remove()
  const blocks = Array.from(copy.querySelectorAll('p, h1, h2, h3, pre'))
  return blocks.map(block => block.textContent).join('\n')
}
