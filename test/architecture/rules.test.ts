/**
 * Shows on small made-up files that each rule of the house finds what it is there to find, and leaves the rest alone.
 */
import { describe, expect, test } from 'vitest'
import {
  borderViolations,
  documentViolations,
  drawerFiles,
  importCircles,
  layerViolations,
  longFileViolations,
  undeclaredImports,
} from './rules.ts'
import { readSource } from './source-file.ts'
import { workspaces } from './workspaces.ts'

const order = [['observe'], ['store', 'http'], ['room'], ['app.ts']]
const layered = (path: string, text: string) => layerViolations([readSource(path, text)], 'server/src', order)

describe('layers', () => {
  test('an import from an earlier folder is fine', () => {
    expect(layered('server/src/room/room.ts', `import { open } from '../store/log.ts'`)).toEqual([])
  })

  test.each([
    ['a value', `import { Room } from '../room/room.ts'`],
    ['a type', `import type { Room } from '../room/room.ts'`],
    ['a type inside braces', `import { type Room } from '../room/room.ts'`],
    ['an inline type', `export let room: import('../room/room.ts').Room`],
    ['a dynamic import', `await import('../room/room.ts')`],
    ['a passed-on export', `export { Room } from '../room/room.ts'`],
    ['a passed-on everything', `export * from '../room/room.ts'`],
    ['a passed-on type', `export type { Room } from '../room/room.ts'`],
  ])('%s from a later folder is found', (_, text) => {
    expect(layered('server/src/store/log.ts', text)).toEqual([
      'server/src/store/log.ts imports server/src/room/room.ts: room does not come before store',
    ])
  })

  test('folders of one step do not know each other', () => {
    expect(layered('server/src/store/log.ts', `import '../http/problem.ts'`)).toHaveLength(1)
  })

  test('a file beside the folders has its own place', () => {
    expect(layered('server/src/room/room.ts', `import '../app.ts'`)).toHaveLength(1)
    expect(layered('server/src/app.ts', `import './room/room.ts'`)).toEqual([])
  })

  test('a folder without a place in the order is found', () => {
    expect(layered('server/src/odds/ends.ts', '')).toHaveLength(1)
  })

  test('an import named in a comment or a string is none', () => {
    const text = `// import '../room/room.ts'\nconst text = "import '../room/room.ts'"`
    expect(layered('server/src/store/log.ts', text)).toEqual([])
  })
})

describe('borders', () => {
  const borders = (path: string, text: string) =>
    borderViolations(
      [
        readSource(path, text),
        readSource('shared/src/wire/codec.ts', ''),
        readSource('server/src/app.ts', ''),
        readSource('server/src/room/room.ts', ''),
      ],
      workspaces,
    )

  test('a public subpath is fine', () => {
    expect(borders('server/src/a.ts', `import '@syncline/shared/wire/codec'`)).toEqual([])
    expect(borders('test/a.ts', `import '@syncline/server/internal/room/room'`)).toEqual([])
    expect(borders('test/a.ts', `import '@syncline/server'`)).toEqual([])
  })

  test.each([
    ['a path out of the package', 'server/src/a.ts', '../../shared/src/wire/codec.ts'],
    ['a subpath that does not exist', 'server/src/a.ts', '@syncline/shared/wire/other'],
    ['a subpath with its ending', 'server/src/a.ts', '@syncline/shared/wire/codec.ts'],
    ['a subpath that is not exported', 'test/a.ts', '@syncline/server/room/room'],
    ['the wrong direction', 'shared/src/a.ts', '@syncline/server'],
    ['a client that knows the server', 'client/src/a.ts', '@syncline/server/internal/room/room'],
  ])('%s is found', (_, path, from) => {
    expect(borders(path, `import type { A } from '${from}'`)).toHaveLength(1)
  })
})

describe('circles', () => {
  const circles = (sources: Record<string, string>) =>
    importCircles(
      Object.entries(sources).map(([path, text]) => readSource(path, text)),
      workspaces,
    )

  test('a chain is no circle', () => {
    const chain = {
      'server/src/a.ts': `import './b.ts'`,
      'server/src/b.ts': `import './c.ts'`,
      'server/src/c.ts': '',
    }
    expect(circles(chain)).toEqual([])
  })

  test('two ways to one file are no circle', () => {
    const diamond = {
      'server/src/a.ts': `import './b.ts'\nimport './c.ts'`,
      'server/src/b.ts': `import './d.ts'`,
      'server/src/c.ts': `import './d.ts'`,
      'server/src/d.ts': '',
    }
    expect(circles(diamond)).toEqual([])
  })

  test('a circle through types alone is found', () => {
    const circle = {
      'server/src/a.ts': `import { b } from './b.ts'`,
      'server/src/b.ts': `import type { C } from './c.ts'`,
      'server/src/c.ts': `import type { A } from './a.ts'`,
      'server/src/d.ts': `import './a.ts'`,
    }
    expect(circles(circle)).toEqual([['server/src/a.ts', 'server/src/b.ts', 'server/src/c.ts']])
  })

  test('a circle across packages is found', () => {
    const circle = {
      'server/src/a.ts': `import '@syncline/shared/b'`,
      'shared/src/b.ts': `import '@syncline/server/internal/a'`,
    }
    expect(circles(circle)).toEqual([['server/src/a.ts', 'shared/src/b.ts']])
  })

  test('a file that imports itself is found', () => {
    expect(circles({ 'server/src/a.ts': `import './a.ts'` })).toEqual([['server/src/a.ts']])
  })
})

describe('documents', () => {
  const worker = readSource('server/src/worker.ts', `import { Doc } from 'yjs'; new Doc()`)
  const rule = { root: 'server/src', names: ['Doc', 'applyUpdate'], listed: ['server/src/worker.ts'] }
  const documents = (text: string) => documentViolations([worker, readSource('server/src/a.ts', text)], rule)

  test.each([
    `import { Doc } from 'yjs'`,
    `import { Doc as Document } from 'yjs'`,
    `import type { Doc } from 'yjs'`,
    `new Y.Doc()`,
    `let doc: Y.Doc`,
    `Y['applyUpdate'](doc, update)`,
    `const { applyUpdate: change } = Y`,
  ])('%s is found outside the worker', text => {
    expect(documents(text)).toHaveLength(1)
  })

  test('an import of a file of the worker is found, of its types is fine', () => {
    expect(documents(`import { run } from './worker.ts'`)).toHaveLength(1)
    expect(documents(`import type { run } from './worker.ts'`)).toEqual([])
  })

  test('the words in comments and strings are fine', () => {
    expect(documents(`// builds no Doc\nthrow new Error('no Doc, no applyUpdate')`)).toEqual([])
  })

  test('a listed file that does not exist is found', () => {
    expect(documentViolations([], rule)).toEqual(['server/src/worker.ts is listed and does not exist'])
  })
})

describe('files', () => {
  test.each(['utils', 'util', 'types', 'helpers', 'index', 'common'])('%s.ts is a drawer', name => {
    expect(drawerFiles([readSource(`server/src/${name}.ts`, '')])).toHaveLength(1)
  })

  test('a name that contains such a word is none', () => {
    expect(drawerFiles([readSource('server/src/index-of-gaps.ts', '')])).toEqual([])
  })

  test('a file over the limit is found, one at the limit is not', () => {
    const limits = { source: 3, test: 5 }
    const long = (path: string, lines: number) =>
      longFileViolations([readSource(path, '\n'.repeat(lines))], limits, new Map())
    expect(long('server/src/a.ts', 3)).toEqual([])
    expect(long('server/src/a.ts', 4)).toHaveLength(1)
    expect(long('test/a.ts', 5)).toEqual([])
    expect(long('test/a.ts', 6)).toHaveLength(1)
  })

  test('an excuse that is no longer needed is found', () => {
    const excuse = new Map([['server/src/a.ts', 'one table']])
    const files = (lines: number) => [readSource('server/src/a.ts', '\n'.repeat(lines))]
    expect(longFileViolations(files(9), { source: 3, test: 5 }, excuse)).toEqual([])
    expect(longFileViolations(files(2), { source: 3, test: 5 }, excuse)).toHaveLength(1)
  })

  test('a file that does not parse is an error', () => {
    expect(() => readSource('server/src/a.ts', 'import {')).toThrow('does not parse')
  })
})

describe('dependencies', () => {
  const manifest = { dependencies: { ws: '1' }, devDependencies: { '@types/pino': '1', zod: '1' } }
  const [server, tests] = ['server', 'test'].map(name => workspaces.find(one => one.folder === name)!)
  const undeclared = (text: string, workspace = server!) =>
    undeclaredImports([readSource(`${workspace.folder}/src/a.ts`, text)], workspace, manifest)

  test('declared packages, Node and own files are fine', () => {
    expect(undeclared(`import 'ws'\nimport 'node:fs'\nimport './b.ts'`)).toEqual([])
    expect(undeclared(`import type { A } from 'pino'`)).toEqual([])
  })

  test('a package that is not declared is found, also by a subpath', () => {
    expect(undeclared(`import 'lib0/encoding'`)).toHaveLength(1)
    expect(undeclared(`import '@hono/node-server/x'`)).toHaveLength(1)
  })

  test('a package for development is not enough for what the server runs', () => {
    expect(undeclared(`import { z } from 'zod'`)).toHaveLength(1)
    expect(undeclared(`import { z } from 'zod'`, tests)).toEqual([])
  })
})
