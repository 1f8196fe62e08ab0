/**
 * Holds the rules of the house over the repository as it is. What a rule looks for, and that it can find it, is in
 * `rules.test.ts`.
 */
import { expect, test } from 'vitest'
import {
  borderViolations,
  documentViolations,
  drawerFiles,
  importCircles,
  layerViolations,
  longFileViolations,
  undeclaredImports,
} from './rules.ts'
import {
  documentFiles,
  documentNames,
  layers,
  linesMax,
  longFiles,
  readManifest,
  readRepository,
  workspaces,
} from './workspaces.ts'

const files = readRepository()

test('the files of every workspace are found', () => {
  for (const { folder } of workspaces) {
    expect(files.filter(file => file.path.startsWith(`${folder}/`)).length, folder).toBeGreaterThan(2)
  }
})

test.each(Object.entries(layers))(
  'in %s a folder imports only from those before it, types included',
  (root, order) => {
    expect(layerViolations(files, root, order)).toEqual([])
  },
)

test('packages import each other only by public subpaths and in one direction', () => {
  expect(borderViolations(files, workspaces)).toEqual([])
})

test('no files import each other in a circle, types included', () => {
  expect(importCircles(files, workspaces)).toEqual([])
})

test('[ROOM-1] only files of the worker name a document or what changes one', () => {
  const rule = { root: 'server/src', names: documentNames, listed: documentFiles }
  expect(documentViolations(files, rule)).toEqual([])
})

test('no file is a drawer', () => {
  expect(drawerFiles(files)).toEqual([])
})

test('no file is longer than one idea needs', () => {
  expect(longFileViolations(files, linesMax, longFiles)).toEqual([])
})

test.each(workspaces)('what $folder imports stands in its package.json', workspace => {
  expect(undeclaredImports(files, workspace, readManifest(workspace.folder))).toEqual([])
})
