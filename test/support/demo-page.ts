/**
 * The demo editor as one person has it before them: a browser profile of its own, a name, a colour. Keeps everything that
 * the page asked for and complained of, so that each test can say that there was nothing.
 */
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import type { Browser, BrowserContext, BrowserContextOptions, CDPSession, Locator } from 'playwright-core'
import { type EditorPage, waitUntilShown, watchEditor } from './editor-page.ts'

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

/** Its complaints include violations of the content security policy. */
export interface DemoPage extends EditorPage, AsyncDisposable {
  readonly context: BrowserContext
  readonly title: Locator
  /** The origins of all requests and sockets, each once. */
  readonly origins: ReadonlySet<string>
  /** What the page says about its connection, in a word. */
  connection(): Promise<string>
  waitForConnection(word: string): Promise<void>
  devtools(): Promise<CDPSession>
}

/** Builds the demo if nobody has since it was changed: the server serves what lies in its `dist`. */
export async function ensureDemoIsBuilt(): Promise<void> {
  if (isDemoFresh()) return
  const vite = path.join(repository, 'node_modules/vite/bin/vite.js')
  await promisify(execFile)(process.execPath, [vite, 'build', 'client/demo', '--logLevel', 'warn'], {
    cwd: repository,
    timeout: buildTimeMaxMs,
  })
}

function isDemoFresh(): boolean {
  const built = path.join(repository, 'server/dist/demo/index.html')
  if (!existsSync(built)) return false
  const { mtimeMs } = statSync(built)
  const sources = path.join(repository, 'client/demo/src')
  const files = readdirSync(sources, { recursive: true, withFileTypes: true }).filter(file => file.isFile())
  return files.every(({ parentPath, name }) => statSync(path.join(parentPath, name)).mtimeMs <= mtimeMs)
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
  const editor = watchEditor(page, { caret: '.caret', label: '.caret-label' })
  const origins = new Set<string>()
  context.on('request', request => {
    if (!request.url().startsWith('data:')) origins.add(new URL(request.url()).origin)
  })
  page.on('websocket', socket => origins.add(new URL(socket.url()).origin))
  const query = visit.document === undefined ? '' : `/?${new URLSearchParams({ document: visit.document })}`
  await page.goto(`${visit.url}${query}${visit.token === undefined ? '' : `#token=${visit.token}`}`)
  await editor.text.waitFor()
  const connection = () => page.getByRole('status', { name: 'Connection' }).innerText()
  return {
    ...editor,
    context,
    title: page.getByRole('textbox', { name: 'Title' }),
    origins,
    connection,
    waitForConnection: async word => {
      await waitUntilShown(`the page to say "${word}"`, connection, shown => shown === word)
    },
    devtools: () => context.newCDPSession(page),
    [Symbol.asyncDispose]: () => context.close(),
  }
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
