/**
 * The workspaces of this repository: where their files lie, which order their folders have, who may import whom. The
 * rules themselves are in `rules.ts`, so that they can be tried on made-up files.
 */
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { readSource, type SourceFile } from './source-file.ts'

export const repository = path.resolve(import.meta.dirname, '../..')

/** One step of an order: folders or files that know nothing of each other, only of the steps before. */
export type Step = readonly string[]

export interface Workspace {
  readonly folder: string
  readonly packageName: string
  /** Workspaces that it may import, by their public subpaths. */
  readonly mayImport: readonly string[]
}

export const workspaces: readonly Workspace[] = [
  { folder: 'shared', packageName: '@syncline/shared', mayImport: [] },
  { folder: 'client', packageName: '@syncline/client', mayImport: ['@syncline/shared'] },
  { folder: 'server', packageName: '@syncline/server', mayImport: ['@syncline/shared'] },
  {
    folder: 'test',
    packageName: '@syncline/test',
    mayImport: ['@syncline/shared', '@syncline/client', '@syncline/server'],
  },
]

/** The order of the folders, the one in which an edit passes them. A step imports only from steps before it. */
export const layers: Readonly<Record<string, readonly Step[]>> = {
  'server/src': [
    ['observe'],
    ['foundation'],
    ['auth', 'store', 'http'],
    ['relay'],
    ['content'],
    ['compaction'],
    ['room'],
    ['versions', 'connection'],
    ['api'],
    ['engine.ts', 'authentication.ts'],
    ['app.ts'],
    ['cli'],
  ],
  'shared/src': [['backoff.ts', 'document-name.ts', 'presence.ts', 'update', 'wire'], ['api']],
}

/**
 * The only files of the server that may name what builds a document: they run in the worker, or are imported by what
 * does and by nothing else [ROOM-1].
 */
export const documentFiles: readonly string[] = [
  'server/src/compaction/compaction-worker.ts',
  'server/src/compaction/new-base.ts',
  'server/src/content/check-content.ts',
  'server/src/content/describe-document.ts',
  'server/src/content/load-document.ts',
  'server/src/content/prepare-replacement.ts',
  'server/src/content/read-content.ts',
]

/** What builds a document, or changes one. */
export const documentNames: readonly string[] = [
  'Doc',
  'applyUpdate',
  'applyUpdateV2',
  'createDocFromOpts',
  'createDocFromSnapshot',
  'cloneDoc',
]

export const linesMax = { source: 300, test: 500 }

/** Files that are longer, each with its reason. Empty is best. */
export const longFiles: ReadonlyMap<string, string> = new Map()

/** Reads and parses every TypeScript file of all workspaces. */
export function readRepository(): SourceFile[] {
  return workspaces.flatMap(({ folder }) =>
    globSync('**/*.{ts,tsx}', {
      cwd: path.join(repository, folder),
      exclude: name => ['node_modules', 'dist', 'bench'].includes(path.basename(name)),
    })
      .sort()
      .map(name => {
        const file = path.posix.join(folder, name.split(path.sep).join('/'))
        return readSource(file, readFileSync(path.join(repository, file), 'utf8'))
      }),
  )
}

export interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

/** What a workspace may import by name: its own package.json, and for those never published the root's tools. */
export function readManifest(folder: string): Manifest {
  const read = (name: string) =>
    JSON.parse(readFileSync(path.join(repository, name, 'package.json'), 'utf8')) as Manifest
  const own = read(folder)
  if (folder === 'server' || folder === 'shared') return own
  return { ...own, devDependencies: { ...read('.').devDependencies, ...own.devDependencies } }
}
