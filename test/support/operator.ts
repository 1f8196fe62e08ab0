/**
 * An operator at work: the command line on a store, as another process, and what it says.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { applyUpdate, Doc } from 'yjs'
import { runCommand } from './server-process.ts'

export interface Said {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Operator extends AsyncDisposable {
  /** Where it keeps its files. */
  readonly folder: string
  /** Runs a command, whatever comes of it. */
  run(...words: string[]): Promise<Said>
  /** Runs a command that has to succeed; what it says on stdout. */
  do(...words: string[]): Promise<string>
  /** The same with `--json`, parsed. */
  ask<T>(...words: string[]): Promise<T>
  /** Exports a document as an update, into a file that is kept. */
  export(document: string): Promise<{ readonly file: string; readonly doc: Doc }>
  /** Writes bytes into a file of its own. */
  file(name: string, bytes: Uint8Array): Promise<string>
}

/** On a data folder, whoever holds it; or on a Redis, by its URL. */
export async function operatorOf(store: string): Promise<Operator> {
  const folder = await mkdtemp(path.join(tmpdir(), 'syncline-operator-'))
  const flag = store.startsWith('redis') ? '--redis-url' : '--data'
  let files = 0
  const run = (...words: string[]) => runCommand([...words, flag, store])
  const operator: Operator = {
    folder,
    run,
    async do(...words) {
      const said = await run(...words)
      if (said.code !== 0)
        throw new Error(`syncline ${words.join(' ')} ended with ${said.code}: ${said.stderr}`)
      return said.stdout
    },
    ask: async (...words) => JSON.parse(await operator.do(...words, '--json')),
    async export(document) {
      const file = path.join(folder, `export-${files++}.yjs`)
      await operator.do('docs', 'export', document, '--output', file)
      const doc = new Doc()
      applyUpdate(doc, await readFile(file))
      return { file, doc }
    },
    async file(name, bytes) {
      const file = path.join(folder, name)
      await writeFile(file, bytes)
      return file
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
  return operator
}
