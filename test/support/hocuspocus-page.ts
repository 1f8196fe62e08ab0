/**
 * An editor over the stock Hocuspocus provider (`test/browser/hocuspocus-editor`) as one person has it before them: built and served as
 * an application of somebody else would be, from an origin of its own.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Browser } from 'playwright-core'
import { build, preview } from 'vite'
import { type EditorPage, waitUntilShown, watchEditor } from './editor-page.ts'
import { within } from './wait-until.ts'

const pageFolder = path.resolve(import.meta.dirname, '../browser/hocuspocus-editor')

/** Where the page is served. */
export interface HocuspocusSite extends AsyncDisposable {
  /** `http://127.0.0.1:PORT/` */
  readonly url: string
}

export interface HocuspocusVisit {
  /** Of the server, or of a line to it. */
  readonly wsUrl: string
  readonly document: string
  readonly name: string
  readonly token?: string
}

export interface HocuspocusPage extends EditorPage, AsyncDisposable {
  /** `unsyncedChanges` of the provider. */
  unsyncedChanges(): Promise<number>
  waitForUnsyncedChanges(what: string, match: (changes: number) => boolean): Promise<void>
  /**
   * The page watches from when this resolves. What it gives waits for the next moment in which `unsyncedChanges` becomes 0: so short
   * a moment that looking again and again would miss it.
   */
  watchForSaved(): Promise<() => Promise<void>>
  /** The status of the provider: connecting, connected, disconnected. */
  waitForConnection(status: string): Promise<void>
  /** What the server has said that may be done: `read-write`, `readonly`. */
  waitForScope(scope: string): Promise<void>
}

/** Builds the page into a folder that goes with the site, and serves it. */
export async function serveHocuspocusEditor(): Promise<HocuspocusSite> {
  const folder = await mkdtemp(path.join(tmpdir(), 'syncline-hocuspocus-editor-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  try {
    const config = { configFile: false, root: pageFolder, logLevel: 'warn' } as const
    await build({
      ...config,
      build: { outDir: folder, emptyOutDir: true, target: 'es2023', chunkSizeWarningLimit: 1_000 },
      // Two copies of it would not recognise each other's types.
      resolve: { dedupe: ['yjs'] },
    })
    const server = await preview({
      ...config,
      build: { outDir: folder },
      preview: { host: '127.0.0.1', port: 0 },
    })
    const url = server.resolvedUrls?.local[0]
    if (url === undefined) throw new Error('the page of the Hocuspocus editor is served nowhere')
    const end = async () => {
      await server.close()
      await remove()
    }
    return { url, [Symbol.asyncDispose]: end }
  } catch (error) {
    await remove()
    throw error
  }
}

/** Opens the page in a new profile, and resolves once its editor is there. */
export async function visitHocuspocus(
  browser: Browser,
  site: HocuspocusSite,
  { wsUrl, document, name, token }: HocuspocusVisit,
): Promise<HocuspocusPage> {
  const context = await browser.newContext({ viewport: { width: 900, height: 700 } })
  const page = await context.newPage()
  const editor = watchEditor(page, {
    caret: '.collaboration-carets__caret',
    label: '.collaboration-carets__label',
  })
  const query = new URLSearchParams({ server: wsUrl, document, name, color: '#a8581f' })
  await page.goto(`${site.url}?${query}${token === undefined ? '' : `#token=${token}`}`)
  await editor.text.waitFor()
  const shown = (label: string) => page.getByRole('status', { name: label, exact: true })
  const waitFor = async (what: string, label: string, match: (text: string) => boolean) =>
    void (await waitUntilShown(what, () => shown(label).innerText(), match))
  return {
    ...editor,
    unsyncedChanges: async () => Number(await shown('Unsynced changes').innerText()),
    waitForUnsyncedChanges: (what, match) =>
      waitFor(what, 'Unsynced changes', text => text !== '' && match(Number(text))),
    async watchForSaved() {
      const watch = await shown('Unsynced changes').evaluateHandle(watchForZero)
      return () =>
        within(
          'all to be saved',
          watch.evaluate(({ zero }) => zero),
        )
    },
    waitForConnection: status =>
      waitFor(`the provider to be ${status}`, 'Connection', text => text === status),
    waitForScope: scope => waitFor(`the scope ${scope}`, 'Scope', text => text === scope),
    [Symbol.asyncDispose]: () => context.close(),
  }
}

// Runs inside the page. The promise is inside an object, as Playwright would wait for a promise as such.
function watchForZero(output: Node): { readonly zero: Promise<void> } {
  const zero = new Promise<void>(resolve => {
    const watch = new MutationObserver(() => {
      if (output.textContent !== '0') return
      watch.disconnect()
      resolve()
    })
    watch.observe(output, { childList: true, characterData: true, subtree: true })
  })
  return { zero }
}
